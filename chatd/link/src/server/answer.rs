//! What each call is answered.

use super::hub::Hub;
use super::links::Link;
use crate::frame::encode;
use crate::shapes::Refusal;
use crate::wire::{Call, Reply};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use edge::{Caller, Problem};
use presence::Watch;
use schema::limits::PAGE_MAX;
use schema::{Cursor, UserId};

/// The answer to a call that has no order.
pub(super) async fn answer(hub: &Hub, link: &Link, call: Call) -> Reply {
    let talk = &hub.talk;
    match call {
        // These two have an order; see `links::take`.
        Call::Attend(_) | Call::Send { .. } => Reply::Overloaded,
        Call::Resolve(name) => said(talk.resolve(&name).await.map(Reply::User)),
        Call::Mark { user, peer, kind, up_to, device } => {
            said(talk.mark(user, peer, kind, up_to, device).await.map(|()| Reply::Done))
        }
        Call::Passed { user, session, cursor } => {
            said(talk.passed(user, session, &cursor).await.map(|()| Reply::Done))
        }
        Call::Feed { user, after, limit } => feed(hub, user, &after, limit).await,
        Call::Backlog { user, session, until } => {
            said(talk.backlog(user, session, until).await.map(Reply::Backlog))
        }
        Call::Typing { user, peer, on } => done(hub.presence.typing(user, &peer, on).await),
        Call::SetStatus(user, chosen) => done(hub.presence.set_status(user, chosen).await),
        Call::Watch { viewer, connection, subscription, name } => {
            let watch = Watch { viewer, connection, subscription, ear: link.ears.of(connection) };
            let watched = match name {
                Some(name) => hub.presence.watch(watch, &name).await,
                None => hub.presence.watch_contacts(watch).await,
            };
            if !hub.is_claimed(connection) {
                // The socket, or its whole process, went meanwhile.
                link.ears.remove(connection);
                hub.presence.disconnected(viewer, connection);
            }
            done(watched)
        }
        Call::ByCookie(cookies) => {
            let values = cookies.iter().filter_map(|text| HeaderValue::from_str(text).ok());
            let headers: HeaderMap = values.map(|value| (COOKIE, value)).collect();
            caller(hub.identify.by_cookie(&headers).await)
        }
        Call::ByTicket(ticket) => caller(hub.identify.by_ticket(&ticket).await),
    }
}

/// A page of history; one that is too large for a frame is read again in half.
async fn feed(hub: &Hub, user: UserId, after: &Cursor, limit: usize) -> Reply {
    let mut limit = limit.min(PAGE_MAX);
    loop {
        let reply = match hub.talk.feed(user, after, limit).await {
            Ok((deliveries, next)) => Reply::Feed(deliveries, next),
            Err(error) => return Reply::Refused(error),
        };
        if limit <= 1 || encode(&reply).is_ok() {
            return reply;
        }
        limit /= 2;
    }
}

fn said(outcome: Result<Reply, chat::Error>) -> Reply {
    outcome.unwrap_or_else(Reply::Refused)
}

fn done(outcome: Result<(), Problem>) -> Reply {
    match outcome {
        Ok(()) => Reply::Done,
        Err(problem) => Reply::Problem(Refusal::from(&problem)),
    }
}

fn caller(outcome: Result<Option<Caller>, Problem>) -> Reply {
    match outcome {
        Ok(caller) => Reply::Caller(caller.map(Into::into)),
        Err(problem) => Reply::Problem(Refusal::from(&problem)),
    }
}
