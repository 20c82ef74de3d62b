//! Tickets and cookies, over the link.

use super::attend::away;
use super::{NO_SENSE, Remote};
use crate::wire::{Call, Reply};
use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use edge::{Caller, Identify, Problem};
use schema::limits::TICKET_BYTES;

impl Remote {
    async fn who(&self, call: Call) -> Result<Option<Caller>, Problem> {
        match self.0.ask(call).await {
            Ok(Reply::Caller(caller)) => Ok(caller.map(Into::into)),
            Ok(Reply::Problem(refusal)) => Err(refusal.into()),
            Ok(_) => Err(away(NO_SENSE)),
            Err(fault) => Err(away(fault)),
        }
    }
}

#[async_trait]
impl Identify for Remote {
    /// Only the cookies of the request cross.
    async fn by_cookie(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<String> = cookies.map(str::to_owned).collect();
        if cookies.is_empty() {
            return Ok(None);
        }
        self.who(Call::ByCookie(cookies)).await
    }

    async fn by_ticket(&self, ticket: &str) -> Result<Option<Caller>, Problem> {
        if ticket.len() > TICKET_BYTES {
            return Ok(None);
        }
        self.who(Call::ByTicket(ticket.to_owned())).await
    }
}
