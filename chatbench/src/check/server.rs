//! Asks the server what it allows.

use super::facts::Server;
use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode};
use schema::api::Limits;
use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(3);

/// chatd's limits and clock, from `GET /api/limits`.
pub(super) async fn ask(api: &str) -> Server {
    let url = format!("{api}/api/limits");
    let silent = |why: String| Server::Silent(format!("{url}: {why}"));
    let response = match Client::new().get(&url).timeout(ANSWER).send().await {
        Ok(response) => response,
        Err(error) => return silent(root(&error)),
    };
    let ahead_s = response.headers().get("date").and_then(|date| ahead(date.to_str().ok()?, Utc::now()));
    match response.status() {
        StatusCode::OK => match response.json::<Limits>().await {
            Ok(read) => {
                let limits = read.limits.into_iter().map(|limit| (limit.key, limit.value)).collect();
                Server::Answers { limits, ahead_s }
            }
            Err(error) => silent(format!("no list of limits, so no chatd: {}", root(&error))),
        },
        // It is there, and has told us its limit: the run will meet it too.
        StatusCode::TOO_MANY_REQUESTS => {
            Server::Answers { limits: [("limits.requests_per_minute".to_owned(), 1)].into(), ahead_s }
        }
        status => silent(format!("it answers {status}; name the gateway of a chatd")),
    }
}

/// Whether a server of another make takes connections.
pub(super) async fn knock(address: SocketAddr) -> Server {
    match timeout(ANSWER, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Server::Answers { limits: BTreeMap::new(), ahead_s: None },
        Ok(Err(error)) => Server::Silent(format!("{address}: {error}")),
        Err(_) => Server::Silent(format!("{address}: no answer in {} s", ANSWER.as_secs())),
    }
}

/// Seconds that an HTTP date is ahead of a time.
fn ahead(date: &str, now: DateTime<Utc>) -> Option<f64> {
    let there = DateTime::parse_from_rfc2822(date).ok()?;
    let seconds = there.signed_duration_since(now).num_milliseconds() as f64 / 1000.0;
    // The header has whole seconds, cut off: what is within one is none.
    Some(if seconds.abs() <= 1.0 { 0.0 } else { seconds })
}

/// The cause below the words of the layers above it.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_compared_with_the_clock_here() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T10:00:48.900Z").unwrap().to_utc();
        assert_eq!(ahead("Mon, 23 Nov 2026 10:00:48 GMT", now), Some(0.0));
        assert_eq!(ahead("Mon, 23 Nov 2026 10:01:48 GMT", now), Some(59.1));
        assert_eq!(ahead("yesterday", now), None);
    }

    #[tokio::test]
    async fn nobody_there_is_silence() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(ask(&format!("http://{free}")).await, Server::Silent(_)));
        assert!(matches!(knock(free).await, Server::Silent(_)));
    }
}
