//! The protocol of a run, from `--adapter` and its settings.

use crate::cli::{Adapter, Run};
use plan::{MqttBroker, Protocol, StompBroker, Transport};
use schema::exit::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Prefix of settings that are headers of SEND and SUBSCRIBE.
const HEADER: &str = "headers.";

/// What a setting is named by.
const FLAG: &str = "--adapter-set";

/// What marks a value as the name of a file that holds it, which keeps a secret off the command line.
const FILE: char = '@';
/// Settings that are secrets: told to the server, never printed.
const SECRETS: [&str; 2] = ["passcode", "password"];

/// A setting as the line that repeats the run has it: a secret that was not in a file has to be filled in.
pub(super) fn shown((key, value): &(String, String)) -> String {
    let secret = SECRETS.contains(&key.as_str()) && !value.starts_with(FILE);
    if secret { format!("{key}=***") } else { format!("{key}={value}") }
}

/// The words of a command line, with such secrets filled in by stars.
pub(crate) fn veiled(words: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let veil = |text: &str| match text.split_once('=') {
        Some((key, value)) => shown(&(key.to_owned(), value.to_owned())),
        None => text.to_owned(),
    };
    words.scan(false, move |is_setting, word| {
        let said = match word.strip_prefix(FLAG).and_then(|rest| rest.strip_prefix('=')) {
            Some(setting) => format!("{FLAG}={}", veil(setting)),
            None if *is_setting => veil(&word),
            None => word.clone(),
        };
        *is_setting = word == FLAG;
        Some(said)
    })
}

/// A setting's value, from its file if it names one.
fn value(key: &str, text: &str) -> Result<String, Failure> {
    let Some(file) = text.strip_prefix(FILE) else { return Ok(text.to_owned()) };
    let read = std::fs::read_to_string(file).map(|text| text.trim_end().to_owned());
    read.map_err(|error| {
        Failure::usage(format!("--adapter-set {key}={text}: {error}"), "name a file that can be read")
    })
}

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
        let text = value(key, text)?;
        if let Some(name) = key.strip_prefix(HEADER) {
            let pair = Value::Array(vec![name.into(), text.into()]);
            if let Some(headers) = table.get_mut("headers").and_then(Value::as_array_mut) {
                headers.push(pair);
            }
            continue;
        }
        let value = match text.parse::<bool>() {
            Ok(yes) if table.get(key).is_some_and(Value::is_bool) => Value::Boolean(yes),
            _ => Value::String(text),
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
    fn a_secret_comes_from_a_file_and_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let given = sets(&[("passcode", &format!("@{}", file.path().display()))]);
        let broker: StompBroker = with(&StompBroker::default(), &given).unwrap();
        assert_eq!(broker.passcode.as_deref(), Some("s3cret"));
        assert!(shown(&given[0]).starts_with("passcode=@"));
        assert_eq!(shown(&("passcode".into(), "s3cret".into())), "passcode=***");
        assert_eq!(shown(&("login".into(), "guest".into())), "login=guest");
        let missing = with(&StompBroker::default(), &sets(&[("passcode", "@/nowhere")])).unwrap_err();
        assert!(missing.message.contains("passcode"), "{missing}");
    }

    #[test]
    fn a_setting_that_is_none_is_refused_with_those_there_are() {
        let failure = with(&MqttBroker::default(), &sets(&[("topic", "x")])).unwrap_err();
        assert!(failure.message.contains("topic") && failure.message.contains("publish"), "{failure}");
    }
}
