//! What users do beside sending.

use crate::bed::{Null, Worker, plan, run};
use ledger::Kind;
use load::control::{Order, Word};
use plan::behaviour::{Churn, Offline, Slow, Storm};
use plan::{Arrivals, Behaviour};

const USERS: u32 = 60;

fn lived(behaviour: Behaviour) -> (ledger::Connecting, ledger::Harvest) {
    let null = Null::start();
    let mut plan = plan(null.address, USERS, Arrivals::None);
    plan.behaviour = behaviour;
    let (connecting, harvest, _) = run(plan, 2);
    assert_eq!(harvest.tally.disconnected, 0, "{:?}", harvest.tally.closes);
    assert_eq!(harvest.ledger.violations.total(), 0, "{:?}", harvest.ledger.violations);
    (connecting, harvest)
}

fn connects(harvest: &ledger::Harvest) -> u64 {
    harvest.latencies.get(Kind::Connect).map_or(0, |latency| latency.figures().count)
}

#[test]
fn a_storm_cuts_its_share_and_they_come_back() {
    let storm = Storm { at_us: 100_000, share: 1.0, within_us: 100_000 };
    let (_, harvest) = lived(Behaviour { storm: Some(storm), ..Behaviour::default() });
    assert_eq!(harvest.tally.reconnected, u64::from(USERS));
    assert_eq!(connects(&harvest), 2 * u64::from(USERS));
    let half = Storm { share: 0.5, ..storm };
    let (_, harvest) = lived(Behaviour { storm: Some(half), ..Behaviour::default() });
    assert!((10..50).contains(&harvest.tally.reconnected), "{:?}", harvest.tally);
}

#[test]
fn churn_lets_users_leave_at_its_rate_and_return() {
    // The last one leaves 25 ms before the end of the hold, and each is away for 10 ms.
    let churn = Churn { rate: 40.0, away_us: 10_000 };
    let (_, harvest) = lived(Behaviour { churn: Some(churn), ..Behaviour::default() });
    assert!((18..=20).contains(&harvest.tally.reconnected), "{:?}", harvest.tally);
}

#[test]
fn who_is_offline_comes_when_the_hold_has_ended() {
    let offline = Offline { share: 0.5 };
    let (connecting, harvest) = lived(Behaviour { offline: Some(offline), ..Behaviour::default() });
    assert!((10..50).contains(&connecting.connected), "{connecting:?}");
    assert_eq!(harvest.connecting.connected, u64::from(USERS));
}

#[test]
fn notices_are_written_at_their_rates() {
    let behaviour = Behaviour { typing_rate: 100.0, presence_rate: 60.0, ..Behaviour::default() };
    let (_, harvest) = lived(behaviour);
    // 550 ms of warm-up and hold, on two threads.
    assert!((53..=56).contains(&harvest.tally.typing), "{:?}", harvest.tally);
    assert!((31..=34).contains(&harvest.tally.presence), "{:?}", harvest.tally);
}

#[test]
fn what_waited_for_who_did_not_read_is_no_delivery_latency() {
    let null = Null::start();
    let mut plan = plan(null.address, USERS, Arrivals::Constant { rate: 600.0 });
    plan.behaviour.slow = Some(Slow { share: 0.5, pause_us: 300_000 });
    let (_, harvest, _) = run(plan, 1);
    let outcomes = harvest.ledger.outcomes;
    assert!(outcomes.sent > 0 && outcomes.sent == outcomes.received, "{outcomes:?}");
    let count = |kind| harvest.latencies.get(kind).map_or(0, |latency| latency.figures().count);
    assert!(count(Kind::Gap) > 0 && count(Kind::Delivery) > 0);
    assert_eq!(harvest.tally.unsent, 0);
}

#[test]
fn what_a_slow_reader_has_not_read_when_the_run_is_cut_is_read_then_and_not_lost() {
    const UNREAD: u64 = 40;
    let null = Null::start();
    let mut plan = plan(null.address, USERS, Arrivals::Constant { rate: 600.0 });
    (plan.phases.hold_us, plan.phases.drain_us) = (3_600_000_000, 3_000_000);
    plan.behaviour.slow = Some(Slow { share: 0.5, pause_us: 1_800_000_000 });
    let mut worker = Worker::start();
    worker.part(plan, 0, USERS, 1);
    worker.connected();
    worker.begin();
    loop {
        match worker.word() {
            Some(Word::Tick(tick)) if tick.sent > tick.received + UNREAD => break,
            Some(Word::Tick(_)) => {}
            other => panic!("{other:?} instead of a tick"),
        }
    }
    worker.order(&Order::Stop);
    let mut ledger = worker.harvest().ledger;
    (0..USERS / 2).for_each(|pair| ledger.leave(pair));
    assert_eq!(ledger.violations.total(), 0, "{:?}", ledger.violations);
    assert_eq!(ledger.outcomes.received, ledger.outcomes.sent);
    worker.join().unwrap();
}
