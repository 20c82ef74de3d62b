//! The schema on the real servers: applied, compared, found to be altered, behind or ahead.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "schema/place.rs"]
mod place;

use engines::kafka::Kafka;
use engines::postgres::Postgres;
use engines::schema::{Check, Schema, State, Target};
use place::Place;
use std::sync::Mutex;
use std::time::Duration;

fn silent(_: &str) {}

#[tokio::test]
async fn apply_makes_everything_once_and_verify_finds_it() {
    let Some(place) = Place::new().await else { return };
    let schema = place.schema();
    let before = schema.status().await.unwrap();
    assert!(before.iter().all(|status| status.state == State::Pending), "{before:?}");
    let plan = schema.plan().await.unwrap();
    let done = schema.apply(&silent).await.unwrap();
    let planned: Vec<_> =
        plan.iter().filter(|c| c.name != "bookkeeping").map(|c| (c.target, c.name.clone())).collect();
    assert_eq!(done.iter().map(|d| (d.target, d.name.clone())).collect::<Vec<_>>(), planned);
    assert_eq!(done.len(), before.len());

    assert_eq!(schema.plan().await.unwrap(), []);
    assert_eq!(schema.apply(&silent).await.unwrap(), []);
    let after = schema.status().await.unwrap();
    assert!(after.iter().all(|status| status.state == State::Applied), "{after:?}");
    assert_eq!(schema.check(Duration::ZERO).await.unwrap(), Check::Current);
    snapshots_are_current(&schema).await;
    assert_eq!(schema.verify().await.unwrap(), []);
    place.leave().await;
}

/// `UPDATE_SNAPSHOTS=1` writes them anew.
async fn snapshots_are_current(schema: &Schema) {
    for (target, snapshot) in schema.snapshots().await.unwrap() {
        let path = format!("{}/../../schema/{target}/snapshot.json", env!("CARGO_MANIFEST_DIR"));
        let text = serde_json::to_string_pretty(&snapshot).unwrap() + "\n";
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{path} is stale: UPDATE_SNAPSHOTS=1");
    }
}
