//! Bad input at every surface: each row has the answer of the contract, none ends in a 5xx or a panic, and the
//! server serves on.
//!
//! A row that is refused with a problem must be refused with a whole one (see [`http::problem`]). One server a
//! surface; `--nocapture` shows how many rows each surface had.

mod admin;
mod arguments;
mod body;
mod configuration;
mod http;
mod openapi;
mod rest;
mod rules;
mod socket;
mod sockjs;
mod stomp;
mod surface;
mod values;

use crate::server::Server;
use std::time::Instant;

/// What one surface was tried with.
#[derive(Default)]
pub(crate) struct Tally {
    tried: usize,
    failures: Vec<String>,
}

impl Tally {
    /// Notes a row's outcome.
    pub(crate) fn row(&mut self, name: &str, outcome: Result<(), String>) {
        self.tried += 1;
        if let Err(why) = outcome {
            self.failures.push(format!("{name}: {why}"));
        }
    }
}

/// The server is well, and nothing in it panicked.
async fn survived(server: &Server, tally: &mut Tally) {
    let health = reqwest::get(server.api("/actuator/health")).await.unwrap();
    assert_eq!(health.status(), 200, "the server is not well any more");
    let log = server.log();
    let panicked = log.lines().find(|line| line.contains("panicked"));
    tally.failures.extend(panicked.map(|line| format!("the server's log: {line}")));
    let metrics = reqwest::get(server.api("/actuator/prometheus")).await.unwrap().text().await.unwrap();
    for line in metrics.lines().filter(|line| line.contains("panics") && !line.starts_with('#')) {
        let count = line.rsplit(' ').next().unwrap();
        assert_eq!(count, "0", "{line}");
    }
    assert!(metrics.contains("panics"), "there is no count of panics");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_surface_answers_bad_input_as_the_contract_says() {
    let started = Instant::now();
    let (rest, stomp, sockjs, admin) =
        tokio::join!(rest::try_all(), stomp::try_all(), sockjs::try_all(), admin::try_all());
    let (arguments, configuration) =
        tokio::task::spawn_blocking(|| (arguments::try_all(), configuration::try_all())).await.unwrap();
    let surfaces = [
        ("REST", rest),
        ("STOMP", stomp),
        ("SockJS", sockjs),
        ("admin", admin),
        ("arguments", arguments),
        ("configuration", configuration),
    ];
    let counts: Vec<String> =
        surfaces.iter().map(|(name, tally)| format!("{name} {}", tally.tried)).collect();
    println!("bad inputs tried: {} ({:.1?})", counts.join(", "), started.elapsed());
    let failures: Vec<String> = surfaces
        .iter()
        .flat_map(|(name, tally)| tally.failures.iter().map(move |failure| format!("{name}: {failure}")))
        .collect();
    assert!(failures.is_empty(), "{} rows failed:\n{}", failures.len(), failures.join("\n"));
    assert!(surfaces.iter().all(|(_, tally)| tally.tried >= 40), "a surface was hardly tried");
}
