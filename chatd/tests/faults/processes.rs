//! Our own processes die.

use crate::fleet::{Fleet, SETTLE};
use std::time::Duration;
use tokio::time::sleep;

/// Pairs that talk meanwhile.
const PAIRS: usize = 20;
/// How long it goes well before and after each fault.
const WELL: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_minus_9_of_each_role_loses_nothing() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    let roles = ["chat-1", "chat-2", "websocket-1", "websocket-2", "gateway", "auth", "user", "presence"];
    for role in roles {
        sleep(WELL).await;
        fleet.call(&["kill9", role]);
        sleep(Duration::from_millis(500)).await;
        fleet.call(&["start", role]);
        let healed = fleet.healed().await;
        println!("kill -9 of {role}: all ready again {:.1} s after its start", healed.as_secs_f64());
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("kill -9 of each role: {verdict}");
    verdict.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_core_and_sockets_beside_it_die_and_come_back() {
    let fleet = Fleet::embedded(&[]).await;
    let crowd = fleet.crowd(PAIRS).await;
    for victim in ["core", "websocket-1", "core", "websocket-2", "core"] {
        sleep(WELL).await;
        fleet.call(&["kill9", victim]);
        fleet.call(&["start", victim]);
        fleet.healed().await;
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("kill -9 of core and websocket: {verdict}");
    verdict.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_loses_nothing() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    for role in ["chat-1", "chat-2", "websocket-1", "websocket-2", "auth", "user", "presence"] {
        sleep(WELL).await;
        fleet.call(&["stop", role]);
        fleet.call(&["start", role]);
        fleet.healed().await;
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("rolling restart: {verdict}");
    verdict.assert_clean();
}
