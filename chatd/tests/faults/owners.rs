//! Log partitions change hands, or seem to.

use crate::fleet::{Fleet, SETTLE};
use std::time::Duration;
use tokio::time::sleep;

const PAIRS: usize = 20;
const WELL: Duration = Duration::from_secs(4);

/// A third chat process comes, which takes a part of the partitions, and goes, which gives them back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_handed_over_in_the_middle() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    for _ in 0..3 {
        sleep(WELL).await;
        fleet.call(&["stop", "chat-2"]);
        sleep(WELL).await;
        fleet.call(&["start", "chat-2"]);
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("partitions handed over six times: {verdict}");
    verdict.assert_clean();
}

/// An owner that is frozen for longer than its session lasts wakes up when others have its partitions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_was_frozen_wakes_up_when_its_partitions_have_moved() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    for owner in ["chat-1", "chat-2"] {
        sleep(WELL).await;
        fleet.call(&["pause", owner]);
        sleep(Duration::from_secs(30)).await;
        fleet.call(&["resume", owner]);
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("each owner frozen for 30 s: {verdict}");
    verdict.assert_clean();
}

/// One chat process lives five seconds ahead, the other five behind; they die in turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_reorder_nothing() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    fleet.call(&["stop", "chat-1", "chat-2"]);
    fleet.call(&["start", "--clock=+5s", "chat-1"]);
    fleet.call(&["start", "--clock=-5s", "chat-2"]);
    let crowd = fleet.crowd(PAIRS).await;
    for (name, clock) in [("chat-1", "--clock=-5s"), ("chat-2", "--clock=+5s"), ("chat-1", "--clock=+5s")] {
        sleep(WELL).await;
        fleet.call(&["kill9", name]);
        fleet.call(&["start", clock, name]);
        fleet.healed().await;
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("clocks five seconds ahead and behind: {verdict}");
    verdict.assert_clean();
}
