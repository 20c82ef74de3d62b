//! The protocol of a run, from `--adapter` and its settings.

use crate::cli::{Adapter, Run};
use plan::{MqttBroker, Protocol, StompBroker, Transport};
use schema::exit::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Prefix of settings that are headers of SEND and SUBSCRIBE.
const HEADER: &str = "headers.";

/// What the flags say, over what is `known` of the scenario.
pub(super) fn protocol(known: &Protocol, args: &Run) -> Result<Protocol, Failure> {
    let sets = &args.adapter_set;
    let transport = |known: Transport| Protocol::Chatd { transport: args.transport.unwrap_or(known) };
    let protocol = match (args.adapter, known) {
        (None | Some(Adapter::Chatd), Protocol::Chatd { transport: known }) => transport(*known),
        (Some(Adapter::Chatd), _) => transport(Transport::Websocket),
        (Some(Adapter::Stomp), Protocol::Stomp(known)) => Protocol::Stomp(with(known, sets)?),
        (Some(Adapter::Stomp), _) => Protocol::Stomp(with(&StompBroker::default(), sets)?),
        (Some(Adapter::Mqtt), Protocol::Mqtt(known)) => Protocol::Mqtt(with(known, sets)?),
        (Some(Adapter::Mqtt), _) => Protocol::Mqtt(with(&MqttBroker::default(), sets)?),
        (Some(Adapter::Relay), _) => Protocol::Relay,
        (None, known) => known.clone(),
    };
    let chatd = matches!(protocol, Protocol::Chatd { .. });
    if !chatd && args.transport.is_some() {
        return Err(Failure::usage("--transport is of chatd only", "leave it out, or leave --adapter out"));
    }
    if !sets.is_empty() && matches!(protocol, Protocol::Chatd { .. } | Protocol::Relay) {
        return Err(Failure::usage("this adapter has no settings", "leave --adapter-set out"));
    }
    Ok(protocol)
}

/// The settings put over what is known; a name that is none is refused with those there are.
fn with<T: Serialize + DeserializeOwned>(known: &T, sets: &[(String, String)]) -> Result<T, Failure> {
    let bad =
        |why: String| Failure::usage(format!("--adapter-set: {why}"), "write KEY=VALUE with these keys");
    let mut table = Table::try_from(known).map_err(|error| bad(error.to_string()))?;
    for (key, text) in sets {
        if let Some(name) = key.strip_prefix(HEADER) {
            let pair = Value::Array(vec![name.into(), text.as_str().into()]);
            if let Some(headers) = table.get_mut("headers").and_then(Value::as_array_mut) {
                headers.push(pair);
            }
            continue;
        }
        let value = match text.parse::<bool>() {
            Ok(yes) if table.get(key).is_some_and(Value::is_bool) => Value::Boolean(yes),
            _ => Value::String(text.clone()),
        };
        table.insert(key.clone(), value);
    }
    T::deserialize(table).map_err(|error| bad(error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn settings_are_put_over_the_defaults() {
        let given = sets(&[
            ("path", "/stomp"),
            ("login", "guest"),
            ("receipts", "false"),
            ("headers.persistent", "true"),
        ]);
        let broker: StompBroker = with(&StompBroker::default(), &given).unwrap();
        let expected = StompBroker {
            path: "/stomp".into(),
            login: Some("guest".into()),
            receipts: false,
            headers: vec![("persistent".into(), "true".into())],
            ..StompBroker::default()
        };
        assert_eq!(broker, expected);
    }

    #[test]
    fn a_setting_that_is_none_is_refused_with_those_there_are() {
        let failure = with(&MqttBroker::default(), &sets(&[("topic", "x")])).unwrap_err();
        assert!(failure.message.contains("topic") && failure.message.contains("publish"), "{failure}");
    }
}
