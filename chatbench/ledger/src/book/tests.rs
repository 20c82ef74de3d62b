//! Each planted fault gives its class, and nothing else.

mod live;
mod merge;

use super::*;

const RUN: u32 = 7;

/// User 0 has sent ten messages to user 1, all acknowledged.
fn ten() -> Ledger {
    let mut ledger = Ledger::new(RUN, 0..4);
    for sequence in 0..10 {
        ledger.sent(0, sequence);
        assert!(ledger.acknowledged(0, sequence));
    }
    ledger
}

fn message(sequence: u32) -> Payload {
    Payload { run: RUN, sender: 0, sequence, planned: u64::from(sequence) * 1000 }
}

fn content(payload: Payload) -> Vec<u8> {
    let mut bytes = Vec::new();
    payload.write(100, &mut bytes);
    bytes
}

/// These arrive live, and history holds these, in this order.
fn outcome(live: &[u32], history: &[u32]) -> Ledger {
    let mut ledger = ten();
    for sequence in live {
        ledger.received(1, Ok(message(*sequence)));
    }
    for sequence in history {
        ledger.stored(0, Some(0), &content(message(*sequence)));
    }
    ledger.close(0);
    ledger
}

fn only(ledger: &Ledger, live: &[(Class, u64)], history: &[(Class, u64)]) {
    for class in Class::ALL {
        let count = |list: &[(Class, u64)]| list.iter().find(|(c, _)| *c == class).map_or(0, |(_, n)| *n);
        assert_eq!(ledger.violations.live.of(class), count(live), "live {class:?}: {:?}", ledger.violations);
        assert_eq!(
            ledger.violations.history.of(class),
            count(history),
            "history {class:?}: {:?}",
            ledger.violations
        );
    }
}

const ALL: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

#[test]
fn all_there_once_and_in_order_is_no_violation() {
    let ledger = outcome(&ALL, &ALL);
    only(&ledger, &[], &[]);
    assert!(ledger.complete());
    assert!(!ledger.suspect(0));
    assert_eq!(ledger.outcomes.received, 10);
    assert_eq!(ledger.outcomes.undelivered, 0);
}

#[test]
fn acknowledged_and_nowhere_is_lost() {
    let ledger = outcome(&ALL[..9], &ALL[..9]);
    only(&ledger, &[], &[(Class::Lost, 1)]);
    assert!(ledger.suspect(0));
}

#[test]
fn received_but_not_in_history_is_lost_too() {
    only(&outcome(&ALL, &ALL[1..]), &[], &[(Class::Lost, 1)]);
}

#[test]
fn in_history_but_never_live_is_undelivered_and_no_loss() {
    let ledger = outcome(&ALL[..8], &ALL);
    only(&ledger, &[], &[]);
    assert_eq!(ledger.outcomes.undelivered, 2);
    assert!(!ledger.complete());
}

#[test]
fn twice_is_duplicated_where_it_showed() {
    only(&outcome(&[0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9], &ALL), &[(Class::Duplicated, 1)], &[]);
    only(&outcome(&ALL, &[0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]), &[], &[(Class::Duplicated, 1)]);
}

#[test]
fn swapped_is_reordered_where_it_showed() {
    only(&outcome(&[0, 1, 3, 2, 4, 5, 6, 7, 8, 9], &ALL), &[(Class::Reordered, 1)], &[]);
    only(&outcome(&ALL, &[0, 1, 3, 2, 4, 5, 6, 7, 8, 9]), &[], &[(Class::Reordered, 1)]);
}

#[test]
fn changed_content_is_corrupted() {
    let mut ledger = ten();
    assert_eq!(ledger.received(1, Err(Corrupt)), None);
    only(&ledger, &[(Class::Corrupted, 1)], &[]);
    let mut bytes = content(message(0));
    bytes[60] ^= 1;
    ledger.stored(0, Some(0), &bytes);
    only(&ledger, &[(Class::Corrupted, 1)], &[(Class::Corrupted, 1)]);
}

#[test]
fn with_another_person_or_another_run_is_misdelivered() {
    let mut ledger = ten();
    ledger.received(2, Ok(message(0)));
    ledger.received(0, Ok(message(0)));
    ledger.received(1, Ok(Payload { run: RUN + 1, ..message(0) }));
    only(&ledger, &[(Class::Misdelivered, 3)], &[]);
    ledger.stored(1, Some(0), &content(message(0)));
    ledger.stored(0, Some(1), &content(message(0)));
    only(&ledger, &[(Class::Misdelivered, 3)], &[(Class::Misdelivered, 2)]);
}

#[test]
fn what_an_earlier_run_of_the_same_users_left_is_passed_over() {
    let mut ledger = ten().reused(true);
    let earlier = |sequence| Payload { run: RUN + 1, ..message(sequence) };
    assert_eq!(ledger.received(1, Ok(earlier(3))), None);
    for sequence in [0, 7, 3] {
        ledger.stored(0, Some(0), &content(earlier(sequence)));
    }
    for sequence in ALL {
        assert!(ledger.received(1, Ok(message(sequence))).is_some());
        ledger.stored(0, Some(0), &content(message(sequence)));
    }
    let mut whole = Ledger::new(RUN, 0..0);
    whole.merge(ledger);
    whole.close(0);
    only(&whole, &[], &[]);
    assert_eq!(whole.outcomes.received, 10);
    // What is of this run is judged as ever, and so is who the server says wrote a row.
    whole.received(2, Ok(message(0)));
    whole.stored(0, Some(0), &content(message(0)));
    whole.stored(0, None, &content(earlier(0)));
    only(&whole, &[(Class::Misdelivered, 1)], &[(Class::Duplicated, 1), (Class::Misdelivered, 1)]);
}

#[test]
fn never_sent_or_refused_and_yet_there_is_a_phantom() {
    let mut ledger = ten();
    ledger.received(1, Ok(message(10)));
    ledger.sent(0, 10);
    assert!(ledger.refused(0, 10));
    ledger.received(1, Ok(message(10)));
    only(&ledger, &[(Class::Phantom, 2)], &[]);
    ledger.stored(0, Some(0), &content(message(10)));
    assert_eq!(ledger.violations.history.of(Class::Phantom), 1);
    assert_eq!(ledger.outcomes.refused, 1);
}

#[test]
fn refused_after_it_was_delivered_is_a_phantom_too() {
    let mut ledger = ten();
    for sequence in ALL {
        assert!(ledger.received(1, Ok(message(sequence))).is_some());
    }
    ledger.sent(0, 10);
    assert!(ledger.received(1, Ok(message(10))).is_some());
    assert!(ledger.refused(0, 10));
    only(&ledger, &[(Class::Phantom, 1)], &[]);
    assert_eq!((ledger.outcomes.received, ledger.outcomes.refused), (10, 1));
    // History is right not to have it.
    for sequence in ALL {
        ledger.stored(0, Some(0), &content(message(sequence)));
    }
    ledger.settle(|_| true, true);
    ledger.close(0);
    only(&ledger, &[(Class::Phantom, 1)], &[]);
    assert_eq!(ledger.outcomes.undelivered, 0);
}

#[test]
fn the_refusal_of_a_repeat_leaves_the_send_open() {
    let mut ledger = ten();
    ledger.sent(0, 10);
    ledger.repeated(0, 10);
    assert!(!ledger.refused(0, 10));
    assert_eq!(ledger.unanswered(0), [10]);
    assert_eq!(ledger.outcomes.refused, 0);
}

#[test]
fn unanswered_sends_are_a_class_of_their_own() {
    let mut ledger = ten();
    for sequence in 10..13 {
        ledger.sent(0, sequence);
    }
    assert_eq!(ledger.unanswered(0), [10, 11, 12]);
    ledger.repeated(0, 10);
    assert!(ledger.acknowledged(0, 10));
    assert_eq!(ledger.outcomes.settled_by_repeat, 1);
    // 10 was stored late by its repeat, after 11: its place was not known, so that is no inversion.
    for sequence in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 10] {
        ledger.received(1, Ok(message(sequence)));
        ledger.stored(0, Some(0), &content(message(sequence)));
    }
    ledger.close(0);
    only(&ledger, &[], &[]);
    assert_eq!(ledger.outcomes.ambiguous_stored, 1);
    assert_eq!(ledger.outcomes.ambiguous_absent, 1);
}

#[test]
fn a_second_receipt_is_no_news() {
    let mut ledger = ten();
    assert!(!ledger.acknowledged(0, 3));
    assert!(!ledger.acknowledged(0, 99));
    assert!(!ledger.acknowledged(3, 0));
    assert_eq!(ledger.outcomes.acknowledged, 10);
}

#[test]
fn what_threads_kept_apart_comes_together() {
    let mut all = Ledger::new(RUN, 0..4);
    all.merge(outcome(&ALL[..8], &ALL));
    let mut other = Ledger::new(RUN, 0..4);
    other.sent(2, 0);
    all.merge(other);
    assert_eq!((all.outcomes.sent, all.outcomes.received, all.outcomes.undelivered), (11, 8, 2));
    assert!(all.suspect(0) && all.suspect(1));
    assert_eq!(all.unanswered(2), [0]);
}
