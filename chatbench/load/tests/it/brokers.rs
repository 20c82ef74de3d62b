//! Runs against real brokers, where the environment names them:
//!
//! `LOAD_MQTT=127.0.0.1:1883` an MQTT broker that takes everybody, `LOAD_STOMP=127.0.0.1:15674` RabbitMQ's
//! `rabbitmq_web_stomp` with its account `guest`. Without them these tests say that they were skipped.
#![expect(clippy::print_stderr, reason = "what was skipped and what was measured is for whoever runs it")]

use crate::bed::{plan, run};
use ledger::Kind;
use plan::{Arrivals, MqttBroker, Plan, Protocol, StompBroker};
use std::net::SocketAddr;

const USERS: u32 = 200;

/// The address in a variable.
fn broker(variable: &str) -> Option<SocketAddr> {
    let address = std::env::var(variable).ok().map(|text| text.parse().unwrap());
    if address.is_none() {
        eprintln!("skipped: {variable} names no broker");
    }
    address
}

fn everything_arrives_once(plan: Plan) {
    let (connecting, harvest, _) = run(plan, 2);
    assert_eq!(connecting.connected, u64::from(USERS), "{:?}", connecting.errors);
    let outcomes = harvest.ledger.outcomes;
    assert!(outcomes.sent >= 490, "{outcomes:?}");
    assert_eq!(outcomes.sent, outcomes.received, "{outcomes:?}");
    assert_eq!(outcomes.sent, outcomes.acknowledged, "{outcomes:?}");
    assert_eq!(harvest.ledger.violations.total(), 0, "{:?}", harvest.ledger.violations);
    assert_eq!(harvest.tally.disconnected, 0, "{:?}", harvest.tally.closes);
    let figures = harvest.latencies.get(Kind::Delivery).unwrap().figures();
    eprintln!("{outcomes:?}, delivery {figures:?}");
}

#[test]
fn a_pair_talks_by_mqtt() {
    let Some(address) = broker("LOAD_MQTT") else { return };
    let mut plan = plan(address, USERS, Arrivals::Constant { rate: 1000.0 });
    plan.protocol = Protocol::Mqtt(MqttBroker::default());
    everything_arrives_once(plan);
}

#[test]
fn a_pair_talks_by_a_stomp_broker() {
    let Some(address) = broker("LOAD_STOMP") else { return };
    let mut plan = plan(address, USERS, Arrivals::Constant { rate: 1000.0 });
    plan.protocol = Protocol::Stomp(StompBroker {
        login: Some("guest".into()),
        passcode: Some("guest".into()),
        ..StompBroker::default()
    });
    everything_arrives_once(plan);
}
