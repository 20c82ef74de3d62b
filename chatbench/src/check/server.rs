//! Asks the server what it allows.

use super::facts::Server;
use crate::provision::root;
use chrono::{DateTime, Utc};
use plan::Target;
use reqwest::{Client, StatusCode};
use schema::api::Limits;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(3);

/// chatd's limits and clock, from `GET /api/limits`.
pub(super) async fn ask(client: &Client, api: &str) -> Server {
    let url = format!("{api}/api/limits");
    let silent = |why: String| Server::Silent(format!("{url}: {why}"));
    let response = match client.get(&url).timeout(ANSWER).send().await {
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

/// Whether a server of another make takes connections, and TLS where it is to.
pub(super) async fn knock(target: &Target, ca: Option<&str>) -> Server {
    let address = target.address;
    let answer = match timeout(ANSWER, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", ANSWER.as_secs())),
    };
    let greeted = match (answer, target.tls.clone()) {
        (Ok(()), Some(name)) => {
            let ca = ca.map(str::to_owned);
            let greet = move || load::tls::greet(address, &name, ca.as_deref(), ANSWER);
            tokio::task::spawn_blocking(greet).await.unwrap_or_else(|error| Err(error.to_string()))
        }
        (answer, _) => answer,
    };
    match greeted {
        Ok(()) => Server::Answers { limits: BTreeMap::new(), ahead_s: None },
        Err(why) => Server::Silent(format!("{target}: {why}")),
    }
}

/// Seconds that an HTTP date is ahead of a time.
fn ahead(date: &str, now: DateTime<Utc>) -> Option<f64> {
    let there = DateTime::parse_from_rfc2822(date).ok()?;
    let seconds = there.signed_duration_since(now).num_milliseconds() as f64 / 1000.0;
    // The header has whole seconds, cut off: what is within one is none.
    Some(if seconds.abs() <= 1.0 { 0.0 } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
        assert!(matches!(ask(&Client::new(), &format!("http://{free}")).await, Server::Silent(_)));
        let target = Target { address: free, authority: free.to_string(), tls: None };
        assert!(matches!(knock(&target, None).await, Server::Silent(_)));
    }

    #[tokio::test]
    async fn who_answers_without_tls_is_found_out() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let plain = std::thread::spawn(move || {
            for mut stream in listener.incoming().take(2).flatten() {
                let _the_first_one_only_looks = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
        });
        let target = Target { address, authority: address.to_string(), tls: Some("localhost".into()) };
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
        let Server::Silent(why) = knock(&target, Some(&own)).await else { panic!("it has answered") };
        assert!(why.contains("does not answer in TLS"), "{why}");
        plain.join().unwrap();
    }
}
