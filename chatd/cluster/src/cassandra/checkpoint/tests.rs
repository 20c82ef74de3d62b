use super::*;

const AGE: Duration = Duration::from_secs(25);

fn applied(next: u64) -> Applied {
    Applied { epoch: 1, next, last_event: None }
}

#[test]
fn the_trail_moves_to_what_was_answered_long_before_the_nodes_were_last_seen() {
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let mut lane = Lane::default();
    for n in 0..10 {
        lane.note(applied(n), at(5 * n));
    }
    assert!(!lane.advance(None, AGE), "the nodes were never seen");
    assert!(lane.advance(Some(at(30)), AGE));
    assert_eq!(lane.trail, Some(applied(1)), "answered 25 s before");
    assert!(!lane.advance(Some(at(34)), AGE));
    assert!(lane.advance(Some(at(1000)), AGE), "time alone moves it");
    assert_eq!((lane.trail.clone(), lane.newest.clone()), (Some(applied(9)), Some(applied(9))));
    lane.note(applied(4), at(1001));
    assert!(!lane.advance(Some(at(2000)), AGE), "it moved back");
}

#[test]
fn what_trails_is_bounded_and_never_moves_early() {
    let begin = Instant::now();
    let mut lane = Lane::default();
    for n in 0..10_000 {
        lane.note(applied(n), begin + Duration::from_millis(n));
    }
    assert!(lane.answered.len() <= CASSANDRA_TRAILING);
    lane.advance(Some(begin + AGE + Duration::from_millis(5_000)), AGE);
    assert!(lane.trail.is_some_and(|trail| trail.next <= 5_000));
}
