//! What a plan may ask of a protocol, found out before anybody connects.

use plan::{Arrivals, Plan, Protocol, Transport};

/// # Errors
/// The setting that the protocol can't serve, and what to do.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    let behaviour = &plan.behaviour;
    let rest = [
        ("transport = rest", plan.protocol == Protocol::Chatd { transport: Transport::Rest }),
        ("behaviour.login", behaviour.login),
        ("behaviour.history_rate", behaviour.history_rate > 0.0),
    ];
    if let Protocol::Chatd { .. } = plan.protocol {
        let asked = rest.iter().find(|(_, asked)| *asked).filter(|_| plan.api.is_none());
        return asked.map_or(Ok(()), |(setting, _)| {
            Err(format!("{setting} goes by REST, and the plan names no API; give its URL with --api"))
        });
    }
    let name = name(&plan.protocol);
    let only_chatd = [
        ("behaviour.seen_share", behaviour.seen_share > 0.0),
        ("behaviour.typing_rate", behaviour.typing_rate > 0.0),
        ("behaviour.presence_rate", behaviour.presence_rate > 0.0),
        rest[1],
        rest[2],
    ];
    if let Some((setting, _)) = only_chatd.iter().find(|(_, asked)| *asked) {
        return Err(format!("{setting}: {name} has no such thing, only chatd's own protocol; leave it out"));
    }
    let away = [
        ("behaviour.churn", behaviour.churn.is_some()),
        ("behaviour.storm", behaviour.storm.is_some()),
        ("behaviour.offline", behaviour.offline.is_some()),
    ];
    if let Some((setting, _)) = away.iter().find(|(_, asked)| *asked)
        && plan.arrivals != Arrivals::None
    {
        return Err(format!(
            "{setting}: by {name} nothing is kept for who is away, so that each message to him would count as lost; \
             leave it out, or send nothing"
        ));
    }
    Ok(())
}

fn name(protocol: &Protocol) -> &'static str {
    match protocol {
        Protocol::Chatd { .. } => "chatd",
        Protocol::Stomp(_) => "a STOMP broker",
        Protocol::Mqtt(_) => "an MQTT broker",
        Protocol::Relay => "the bare relay",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::bench;
    use plan::behaviour::{Churn, Offline};
    use plan::{Behaviour, MqttBroker, StompBroker};

    fn refused(protocol: Protocol, behaviour: Behaviour) -> Option<String> {
        check(&Plan { behaviour, ..bench::plan(protocol) }).err()
    }

    #[test]
    fn what_only_chatd_has_is_refused_elsewhere() {
        let brokers =
            [Protocol::Stomp(StompBroker::default()), Protocol::Mqtt(MqttBroker::default()), Protocol::Relay];
        for protocol in brokers {
            assert_eq!(refused(protocol.clone(), Behaviour::default()), None);
            let seen = Behaviour { seen_share: 0.1, ..Behaviour::default() };
            assert!(refused(protocol.clone(), seen).unwrap().starts_with("behaviour.seen_share"));
            let login = Behaviour { login: true, ..Behaviour::default() };
            assert!(refused(protocol, login).unwrap().starts_with("behaviour.login"));
        }
        let all = Behaviour { seen_share: 1.0, typing_rate: 1.0, presence_rate: 1.0, ..Behaviour::default() };
        assert_eq!(refused(Protocol::Chatd { transport: Transport::Websocket }, all), None);
    }

    #[test]
    fn nobody_is_away_while_messages_are_sent_through_a_broker() {
        let churn = Behaviour { churn: Some(Churn { rate: 1.0, away_us: 1 }), ..Behaviour::default() };
        assert!(refused(Protocol::Relay, churn.clone()).unwrap().starts_with("behaviour.churn"));
        let plan = Plan { arrivals: Arrivals::None, behaviour: churn, ..bench::plan(Protocol::Relay) };
        assert_eq!(check(&plan), Ok(()));
        let offline = Behaviour { offline: Some(Offline { share: 0.1 }), ..Behaviour::default() };
        assert_eq!(refused(Protocol::Chatd { transport: Transport::Sockjs }, offline), None);
    }

    #[test]
    fn rest_needs_an_api() {
        let plan = bench::plan(Protocol::Chatd { transport: Transport::Rest });
        assert!(check(&plan).unwrap_err().contains("--api"));
        assert_eq!(check(&Plan { api: Some("http://localhost:1".into()), ..plan }), Ok(()));
    }
}
