//! The schema on the real servers: applied, compared, found to be altered, behind or ahead.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "schema/place.rs"]
mod place;

use engines::schema::State;
use place::Place;

fn silent(_: &str) {}

#[tokio::test]
async fn apply_makes_everything_once() {
    let Some(place) = Place::new().await else { return };
    let schema = place.schema();
    let before = schema.status().await.unwrap();
    assert!(!before.is_empty() && before.iter().all(|status| status.state == State::Pending), "{before:?}");
    let done = schema.apply(&silent).await.unwrap();
    assert_eq!(done.len(), before.len());
    assert_eq!(schema.apply(&silent).await.unwrap(), []);
    let after = schema.status().await.unwrap();
    assert!(after.iter().all(|status| status.state == State::Applied), "{after:?}");
    place.leave().await;
}
