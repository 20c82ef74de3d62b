//! CONNECT: who is it, and how do we speak.

use crate::Hub;
use crate::connection::{Close, Identity};
use crate::frames;
use crate::session::{Fatal, Session};
use crate::upgrade::Entry;
use edge::Caller;
use schema::wire::stomp::{Frame, HeartBeat, Version};
use std::sync::Arc;

/// What the two sides agreed on, before anybody is asked who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    version: Version,
    /// Milliseconds within which the server sends something, and the client.
    server_sends: Option<u32>,
    client_sends: Option<u32>,
}

fn negotiate(frame: &Frame, own: HeartBeat) -> Result<Terms, Fatal> {
    let Some(version) = Version::negotiate(frame.header("accept-version")) else {
        return Err(Fatal { versions: true, ..Fatal::protocol("no version in common") });
    };
    let client = match frame.header("heart-beat") {
        // 1.0 knows no heart-beats.
        None => HeartBeat::default(),
        Some(text) => HeartBeat::parse(text).ok_or_else(|| {
            Fatal::protocol("heart-beat must be two numbers of milliseconds, such as 10000,10000")
        })?,
    };
    Ok(Terms {
        version,
        server_sends: HeartBeat::period(own, client),
        client_sends: HeartBeat::period(client, own),
    })
}

/// The token in the frame's `Authorization: Bearer` header, whatever its case.
fn bearer(frame: &Frame) -> Option<&str> {
    let (_, value) = frame.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A store that could tell who it is is away.
const AWAY: Close = Close { code: 1013, reason: "cannot tell who you are now, come back", flush: true };

fn refused(message: &str) -> Fatal {
    Fatal { close: Close::POLICY, ..Fatal::protocol(message) }
}

/// One text for every reason; the reason is in the log.
fn unauthorized(cause: Option<&str>) -> Fatal {
    tracing::debug!(cause, "CONNECT refused");
    // Without a colon, which 1.0 could only show as its escape.
    refused(
        "Unauthorized, send CONNECT with the header Authorization, Bearer and a valid access token, or with \
         the header ticket and a fresh ticket of /api/auth/ticket",
    )
}

/// Who it is, by the first of these that was given: a token in CONNECT, a token with the upgrade, a ticket in
/// CONNECT, a ticket with the upgrade, the login cookie. If that one is no good nothing else is tried: nobody
/// should turn out to be somebody else than they said.
async fn identify(hub: &Hub, frame: &Frame, entry: &Entry) -> Result<Caller, Fatal> {
    if let Some(token) = bearer(frame).or(entry.token.as_deref()) {
        return hub.verifier.verify(token).map_err(|problem| unauthorized(problem.cause()));
    }
    let found = if let Some(ticket) = frame.header("ticket").or(entry.ticket.as_deref()) {
        hub.identify.by_ticket(ticket).await
    } else if let Some(cookies) = entry.cookies() {
        hub.identify.by_cookie(&cookies).await
    } else {
        return Err(unauthorized(Some("no token, no ticket, no cookie")));
    };
    match found {
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(unauthorized(Some("the ticket or the cookie opens nothing"))),
        Err(problem) => {
            tracing::warn!(cause = problem.cause(), "CONNECT cannot be decided");
            let message = format!("{}, {}", problem.code().as_str(), problem.detail());
            Err(Fatal { close: AWAY, ..Fatal::protocol(message) })
        }
    }
}

impl Session {
    pub(crate) async fn on_connect(&mut self, frame: &Frame) -> Result<(), Fatal> {
        let own_ms = self.hub.config.heartbeat_ms;
        let own = HeartBeat { can_send: own_ms, wants: own_ms };
        let terms = negotiate(frame, own)?;
        let entry = self.entry.take().unwrap_or_default();
        let hub = Arc::clone(&self.hub);
        let caller = identify(&hub, frame, &entry).await?;
        let who = Identity { user: caller.user, session: caller.session };
        let bound = self.hub.config.sockets_per_user;
        // Set before it is on the books, so that whoever finds it there knows whose it is. Whoever is known leaves
        // in the end, so they attend whatever comes of it.
        let _ = self.connection.identity.set(who);
        let attended = hub.chat.attend(who.user).await;
        if self.hub.connections.identify(&self.connection, who, bound).is_err() {
            return Err(refused(&format!("too many sockets: a user may have {bound}; close one")));
        }
        // From here on whatever concerns the person comes to this process: only then may a session say that it
        // has everything.
        if let Err(error) = attended {
            tracing::warn!(%error, "CONNECT cannot be served");
            return Err(Fatal { close: AWAY, ..Fatal::protocol(error.to_string()) });
        }
        // The session may have ended after the token was checked and before it was on the books.
        if self.hub.revocations.is_ended(who.session) {
            return Err(unauthorized(Some("the session has just ended")));
        }
        self.version = terms.version;
        self.decoder.set_version(terms.version);
        self.times.connected(terms.server_sends, terms.client_sends, own_ms);
        self.connection.push(frames::connected(terms.version, own, who.user));
        self.hub.presence.connected(who.user, self.connection.id);
        self.look_at_times();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::wire::stomp::Command;

    const OWN: HeartBeat = HeartBeat { can_send: 20_000, wants: 20_000 };

    fn connect(headers: &[(&str, &str)]) -> Frame {
        Frame { headers: headers.iter().copied().collect(), ..Frame::new(Command::Connect) }
    }

    #[test]
    fn the_highest_common_version_is_taken_and_none_is_refused_with_the_list() {
        let version = |text| negotiate(&connect(&[("accept-version", text)]), OWN).map(|terms| terms.version);
        assert_eq!(version("1.1,1.0").unwrap(), Version::V11);
        assert_eq!(version("1.2,1.1,1.0").unwrap(), Version::V12);
        assert!(version("3.0").unwrap_err().versions);
        assert_eq!(negotiate(&connect(&[]), OWN).unwrap().version, Version::V10);
    }

    #[test]
    fn heart_beats_are_the_slower_of_both_and_off_when_either_does_not_want_them() {
        let beats = |text| {
            negotiate(&connect(&[("heart-beat", text)]), OWN)
                .map(|terms| (terms.server_sends, terms.client_sends))
        };
        assert_eq!(beats("10000,10000").unwrap(), (Some(20_000), Some(20_000)));
        assert_eq!(beats("0,30000").unwrap(), (Some(30_000), None));
        assert_eq!(beats("0,0").unwrap(), (None, None));
        assert!(beats("soon").is_err());
    }

    #[test]
    fn the_token_is_taken_from_a_bearer_header_only() {
        assert_eq!(bearer(&connect(&[("authorization", "bearer abc")])), Some("abc"));
        assert_eq!(bearer(&connect(&[("Authorization", "Basic abc")])), None);
        assert_eq!(bearer(&connect(&[("passcode", "Bearer abc")])), None);
    }
}
