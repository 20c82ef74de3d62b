//! Whole runs.

use crate::bed::{Null, Worker, plan, run};
use ledger::Kind;
use load::control::{Order, Word};
use plan::{Arrivals, Protocol};
use std::net::{Ipv4Addr, TcpListener};

const CLOSED: Arrivals = Arrivals::Closed { think_us: 20_000 };

#[test]
fn everything_that_is_sent_is_answered_and_received_once() {
    let null = Null::start();
    let (connecting, harvest, seconds) = run(plan(null.address, 40, CLOSED), 2);
    assert_eq!((connecting.connected, connecting.failures, connecting.local_failures), (40, 0, 0));
    let outcomes = harvest.ledger.outcomes;
    assert!(outcomes.sent >= 40, "{outcomes:?}");
    assert_eq!(outcomes.sent, outcomes.acknowledged);
    assert_eq!(outcomes.sent, outcomes.received);
    assert_eq!(harvest.ledger.violations.total(), 0, "{:?}", harvest.ledger.violations);
    let count = |kind| harvest.latencies.get(kind).map_or(0, |latency| latency.figures().count);
    assert_eq!(count(Kind::Connect), 40);
    assert_eq!(count(Kind::Delivery), count(Kind::Accept));
    assert_eq!(count(Kind::ScheduleLag), harvest.tally.planned);
    assert!(harvest.tally.offered > 0 && harvest.tally.unsent == 0);
    let sum = |of: fn(&ledger::Second) -> u64| seconds.iter().map(of).sum::<u64>();
    assert_eq!(sum(|second| second.planned), outcomes.sent);
    assert_eq!(sum(|second| second.offered), outcomes.sent);
    assert_eq!(sum(|second| second.accepted), outcomes.sent);
    assert_eq!(sum(|second| second.delivered), outcomes.sent);
}

#[test]
fn a_protocol_without_answers_is_complete_when_all_is_received() {
    let null = Null::start();
    let mut plan = plan(null.address, 10, CLOSED);
    plan.protocol = Protocol::Relay;
    let (_, harvest, _) = run(plan, 1);
    let outcomes = harvest.ledger.outcomes;
    assert!(outcomes.sent > 0 && outcomes.acknowledged == 0, "{outcomes:?}");
    assert_eq!(outcomes.sent, outcomes.received);
    assert!(harvest.latencies.get(Kind::Accept).is_none());
}

#[test]
fn who_cannot_connect_is_given_up_and_named() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let mut worker = Worker::start();
    worker.part(plan(nobody, 4, Arrivals::None), 0, 4, 2);
    let connecting = worker.connected();
    assert_eq!((connecting.connected, connecting.failures), (0, 4));
    assert!(connecting.errors[0].contains("refused"), "{:?}", connecting.errors);
    worker.order(&Order::Stop);
    assert_eq!(worker.harvest().connecting.failures, 4);
    worker.join().unwrap();
}

#[test]
fn a_stop_ends_the_sends_and_everything_is_drained() {
    let null = Null::start();
    let mut plan = plan(null.address, 20, CLOSED);
    plan.phases.hold_us = 3_600_000_000;
    let mut worker = Worker::start();
    worker.part(plan, 0, 20, 1);
    worker.connected();
    worker.begin();
    // Once somebody has received something.
    loop {
        match worker.word() {
            Some(Word::Tick(tick)) if tick.received > 0 => break,
            Some(Word::Tick(_)) => {}
            other => panic!("{other:?} instead of a tick"),
        }
    }
    worker.order(&Order::Stop);
    let outcomes = worker.harvest().ledger.outcomes;
    assert!(outcomes.sent > 0);
    assert_eq!(outcomes.sent, outcomes.received);
    worker.join().unwrap();
}

#[test]
fn the_death_of_the_coordinator_ends_a_worker() {
    let null = Null::start();
    let mut worker = Worker::start();
    worker.part(plan(null.address, 4, Arrivals::None), 0, 4, 2);
    worker.connected();
    worker.orphan();
    assert!(matches!(worker.next(), Some(Word::Failed(_))));
    assert!(worker.join().is_err());
}

#[test]
fn a_part_that_breaks_pairs_is_refused() {
    let null = Null::start();
    let mut worker = Worker::start();
    worker.part(plan(null.address, 4, Arrivals::None), 1, 3, 1);
    match worker.next() {
        Some(Word::Failed(why)) => assert!(why.contains("whole pairs"), "{why}"),
        other => panic!("{other:?} instead of a refusal"),
    }
    assert!(worker.join().is_err());
}

#[test]
fn several_workers_send_the_plan_of_one() {
    let null = Null::start();
    let whole = plan(null.address, 24, Arrivals::Constant { rate: 800.0 });
    let (_, harvest, _) = run(whole.clone(), 1);
    let planned = harvest.tally.planned;
    assert!(planned >= 399, "{planned}");
    assert_eq!(harvest.ledger.outcomes.received, harvest.ledger.outcomes.sent);
    let mut workers = [(0, 10), (10, 14)].map(|(first, users)| {
        let mut worker = Worker::start();
        worker.part(whole.clone(), first, users, 2);
        worker.connected();
        worker.begin();
        worker
    });
    let mut both = workers[0].harvest();
    both.merge(workers[1].harvest());
    assert_eq!(both.tally.planned, planned);
    assert_eq!(both.ledger.outcomes, harvest.ledger.outcomes);
    assert_eq!(both.ledger.violations.total(), 0);
    for worker in workers {
        worker.join().unwrap();
    }
}
