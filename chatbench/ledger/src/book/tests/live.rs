//! What was accepted and did not arrive: lost where nothing is left to wait for, undelivered where it is only late.

use super::*;

/// Of the ten, these arrive; history holds all ten; the run ends like this.
fn ends(live: &[u32], connected: bool, quiet: bool) -> Ledger {
    let mut ledger = ten();
    for sequence in live {
        ledger.received(1, Ok(message(*sequence)));
    }
    ledger.settle(|user| connected && user == 1, quiet);
    close(ledger)
}

fn close(mut ledger: Ledger) -> Ledger {
    for sequence in ALL {
        ledger.stored(0, Some(0), &content(message(sequence)));
    }
    ledger.close(0);
    ledger
}

#[test]
fn passed_over_by_a_later_one_is_lost_and_what_comes_last_is_only_late() {
    let ledger = ends(&[0, 1, 2, 4, 5, 6, 7], true, false);
    only(&ledger, &[(Class::Lost, 1)], &[]);
    assert_eq!(ledger.outcomes.undelivered, 2);
    assert!(
        ledger.violations.examples[0].contains("message 3 of user 0"),
        "{:?}",
        ledger.violations.examples
    );
}

#[test]
fn after_quiet_everything_that_is_missing_is_lost() {
    let ledger = ends(&[0, 1, 2, 4, 5, 6, 7], true, true);
    only(&ledger, &[(Class::Lost, 3)], &[]);
    assert_eq!(ledger.outcomes.undelivered, 0);
    only(&ends(&[], true, true), &[(Class::Lost, 10)], &[]);
}

#[test]
fn nothing_is_lost_to_who_is_not_connected() {
    let ledger = ends(&[0, 1, 2, 4, 5, 6, 7], false, true);
    only(&ledger, &[], &[]);
    assert_eq!(ledger.outcomes.undelivered, 3);
}

#[test]
fn what_is_lost_everywhere_is_told_once() {
    let mut ledger = ten();
    for sequence in &ALL[1..] {
        ledger.received(1, Ok(message(*sequence)));
        ledger.stored(0, Some(0), &content(message(*sequence)));
    }
    ledger.settle(|_| true, true);
    ledger.close(0);
    only(&ledger, &[], &[(Class::Lost, 1)]);
}

#[test]
fn without_history_the_acknowledgement_is_the_promise() {
    let mut ledger = ten();
    ledger.sent(0, 10);
    for sequence in &ALL[1..9] {
        ledger.received(1, Ok(message(*sequence)));
    }
    ledger.settle(|_| true, false);
    ledger.leave(0);
    only(&ledger, &[(Class::Lost, 1)], &[]);
    assert_eq!((ledger.outcomes.undelivered, ledger.outcomes.ambiguous_unchecked), (1, 1));
}

#[test]
fn a_send_without_an_answer_is_lost_live_only_if_history_has_it() {
    for (stored, lost) in [(true, 1), (false, 0)] {
        let mut ledger = Ledger::new(RUN, 0..4);
        ledger.sent(0, 0);
        ledger.settle(|_| true, true);
        if stored {
            ledger.stored(0, Some(0), &content(message(0)));
        }
        ledger.close(0);
        only(&ledger, &[(Class::Lost, lost)], &[]);
        assert_eq!(ledger.outcomes.ambiguous_stored, lost);
    }
}

#[test]
fn a_repeat_comes_late_in_the_order_so_that_a_later_one_proves_nothing() {
    for (quiet, lost) in [(false, 0), (true, 1)] {
        let mut ledger = ten();
        ledger.repeated(0, 3);
        for sequence in ALL.iter().filter(|sequence| **sequence != 3) {
            ledger.received(1, Ok(message(*sequence)));
        }
        ledger.settle(|_| true, quiet);
        only(&close(ledger), &[(Class::Lost, lost)], &[]);
    }
}

#[test]
fn what_went_astray_or_came_corrupted_is_not_told_as_lost_too() {
    let mut ledger = ten();
    for sequence in ALL.iter().filter(|sequence| ![3, 5, 7].contains(*sequence)) {
        ledger.received(1, Ok(message(*sequence)));
    }
    ledger.received(2, Ok(message(3)));
    ledger.received(1, Err(Corrupt));
    ledger.settle(|_| true, true);
    let ledger = close(ledger);
    only(&ledger, &[(Class::Misdelivered, 1), (Class::Corrupted, 1), (Class::Lost, 1)], &[]);
    assert_eq!(ledger.outcomes.undelivered, 2);
}

#[test]
fn a_stray_that_another_thread_saw_counts_when_the_books_are_together() {
    let (mut one, mut two) = (ten(), Ledger::new(RUN, 4..6));
    for sequence in &ALL[1..] {
        one.received(1, Ok(message(*sequence)));
    }
    two.received(4, Ok(message(0)));
    one.settle(|_| true, true);
    two.settle(|_| true, true);
    two.merge(one);
    let ledger = close(two);
    only(&ledger, &[(Class::Misdelivered, 1)], &[]);
    assert_eq!(ledger.outcomes.undelivered, 1);
}

#[test]
fn a_new_connection_may_bring_once_more_what_the_old_one_brought() {
    let mut ledger = ten();
    ledger.ready(1);
    for sequence in [0, 1, 2] {
        assert!(ledger.received(1, Ok(message(sequence))).is_some());
    }
    ledger.ready(1);
    for sequence in [1, 2, 3, 4, 5, 6, 7, 8, 9] {
        assert_eq!(ledger.received(1, Ok(message(sequence))).is_some(), sequence > 2);
    }
    only(&ledger, &[], &[]);
    assert_eq!((ledger.outcomes.redelivered, ledger.outcomes.received), (2, 10));
    // Twice on the same connection is no replay.
    ledger.received(1, Ok(message(1)));
    ledger.received(1, Ok(message(9)));
    only(&ledger, &[(Class::Duplicated, 2)], &[]);
}

#[test]
fn a_replay_does_not_excuse_what_it_leaves_out() {
    let mut ledger = ten();
    ledger.received(1, Ok(message(0)));
    ledger.ready(1);
    for sequence in &ALL[2..] {
        ledger.received(1, Ok(message(*sequence)));
    }
    ledger.settle(|_| true, false);
    only(&close(ledger), &[(Class::Lost, 1)], &[]);
}

#[test]
fn a_written_twice_send_is_one_send() {
    let mut ledger = ten();
    ledger.sent(0, 9);
    assert_eq!(ledger.outcomes.sent, 10);
}
