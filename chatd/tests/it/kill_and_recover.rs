//! G1 to G4 under kill -9: the server dies at random moments under load, again and again, and in the end
//! history holds every acknowledged message exactly once, dense and in order, and its recipient got it.
//!
//! `KILLS=20 cargo test -p chatd --test it kill_minus_9 -- --nocapture` shows the counts.

use crate::crowd::{Crowd, Manners};
use crate::server::Server;
use rand::RngExt;
use std::time::Duration;
use tokio::time::sleep;

/// Kills, unless `KILLS` says how many.
const KILLS: usize = 5;
const PAIRS: usize = 6;
/// How long the end may take: reconnect and repeat what is open.
const SETTLE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_minus_9_loses_nothing() {
    let kills = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let mut server =
        Server::start_with(&["limits.requests_per_minute=0", "limits.messages_per_second=0"]).await;
    let names: Vec<String> = (0..2 * PAIRS).map(|n| format!("person{n}")).collect();
    let tokens = server.people(&names).await;
    let manners = Manners { window: 16, pause: Duration::ZERO, first: 0 };
    let crowd = Crowd::begin(names, tokens, server.port(), manners);
    for _ in 0..kills {
        let moment = rand::rng().random_range(20..600);
        sleep(Duration::from_millis(moment)).await;
        server.kill_minus_9();
        server.restart().await;
    }
    sleep(Duration::from_millis(300)).await;
    let verdict = crowd.end(SETTLE).await;
    println!("kills={kills} {verdict}");
    verdict.assert_clean();
    assert!(verdict.repeated > 0, "a run that shows nothing is no proof");
}
