//! What an answer, or none, means.

use super::{Outcome, What};
use crate::driver::chatd::is_doubtful;
use crate::tls;
use reqwest::RequestBuilder;
use schema::Code;
use schema::api::{Problem, Session};
use serde::Deserialize;

/// What came back of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Whole {
        status: u16,
        body: Vec<u8>,
    },
    /// No connection was made: nothing was asked. With the reason where TLS is it.
    Unasked(Option<String>),
    /// It broke off, or took too long.
    Broken(&'static str),
}

/// As much of a page as is counted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    messages: Vec<Row>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Row {
    sequence: u64,
}

impl Answer {
    pub(super) async fn of(request: RequestBuilder) -> Self {
        let error = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                match response.bytes().await {
                    Ok(body) => return Self::Whole { status, body: body.into() },
                    Err(error) => error,
                }
            }
            Err(error) if error.is_connect() => return Self::Unasked(tls::reason(&error)),
            Err(error) => error,
        };
        Self::Broken(if error.is_timeout() { "timeout" } else { "connection" })
    }

    pub(super) fn outcome(self, what: What) -> Outcome {
        match self {
            Self::Unasked(reason) => {
                let code = reason.unwrap_or_else(|| "connect".to_owned());
                Outcome::Refused { what, code, limited: false }
            }
            Self::Broken(code) => Outcome::Doubtful { what, code: code.to_owned() },
            Self::Whole { status: 200..300, body } => done(what, &body),
            Self::Whole { status, body } => failed(what, status, &body),
        }
    }
}

fn done(what: What, body: &[u8]) -> Outcome {
    let read = match what {
        What::Send { sequence } => Some(Outcome::Acknowledged { sequence }),
        What::Login => serde_json::from_slice::<Session>(body)
            .ok()
            .map(|session| Outcome::LoggedIn { token: session.access_token }),
        What::History => serde_json::from_slice::<Page>(body).ok().map(|page| Outcome::Page {
            rows: u32::try_from(page.messages.len()).unwrap_or(u32::MAX),
            oldest: page.messages.first().map(|row| row.sequence),
            more: page.has_more,
        }),
    };
    read.unwrap_or(Outcome::Doubtful { what, code: "unreadable".to_owned() })
}

/// Without a problem of chatd's own in it, what a 5xx means for the call nobody can say: a proxy may have written it.
fn failed(what: What, status: u16, body: &[u8]) -> Outcome {
    let problem = serde_json::from_slice::<Problem>(body).ok();
    let code = problem.as_ref().map_or_else(|| format!("http-{status}"), |it| it.code.as_str().to_owned());
    if problem.map_or(status >= 500, |problem| is_doubtful(problem.code)) {
        return Outcome::Doubtful { what, code };
    }
    Outcome::Refused { what, limited: status == Code::RateLimited.status(), code }
}
