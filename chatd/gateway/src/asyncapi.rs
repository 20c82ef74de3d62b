//! AsyncAPI 3.0, made from the types that cross the wire: what clients send and hear over STOMP, and the
//! records of the three topics.

mod channels;
mod schemas;

use crate::description::Text;
use channels::{Channel, Side};
use schemas::Schemas;
use serde_json::{Map, Value, json};

/// Renders the description: indented, with a line end, always the same.
pub(crate) fn describe() -> Text {
    let mut schemas = Schemas::default();
    let channels = channels::all(&mut schemas);
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "chatd",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One-to-one chat in real time. Clients speak STOMP 1.0-1.2 over WebSocket or SockJS; \
                            the topics are the log that everything else follows from. REST is in /openapi.json.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "servers": servers(),
    });
    let mut messages = Map::new();
    for channel in &channels {
        for message in &channel.messages {
            messages.insert(message.name.to_owned(), message.described());
        }
    }
    document["channels"] =
        channels.iter().map(|channel| (channel.id.to_owned(), described(channel))).collect();
    document["operations"] =
        channels.iter().map(|channel| (channel.id.to_owned(), operation(channel))).collect();
    document["components"] = json!({
        "messages": messages,
        "schemas": schemas.into_components(),
        "securitySchemes": security_schemes(),
    });
    Text::of(&document)
}

fn servers() -> Value {
    let stomp = |pathname: &str, about: &str| {
        json!({
            "host": "localhost:8080",
            "pathname": pathname,
            "protocol": "stomp",
            "protocolVersion": "1.2",
            "description": about,
            "security": (["bearer", "token", "accessToken", "ticket", "cookie"])
                .map(|name| reference("components/securitySchemes", name)),
        })
    };
    json!({
        "websocket": stomp("/ws/websocket", "STOMP over a plain WebSocket."),
        "sockjs": stomp("/ws", "STOMP over SockJS: websocket, xhr-streaming, xhr-polling, eventsource."),
        "log": {
            "host": "localhost",
            "protocol": "embedded",
            "description": "The log in the data folder. No port: its consumers run in the process.",
        },
    })
}

fn security_schemes() -> Value {
    let key = |place: &str, name: &str, about: &str| json!({ "type": "httpApiKey", "in": place, "name": name, "description": about });
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "`Authorization: Bearer` in CONNECT, or on the upgrade.",
        },
        "token": key("query", "token", "An access token, for clients that can set no header."),
        "accessToken": key("query", "access_token", "The same by another name."),
        "ticket": key("query", "ticket", "From POST /api/auth/ticket; used up by one CONNECT."),
        "cookie": key("cookie", "chatd_session", "Set by sign-in; only from pages of this server or listed ones."),
    })
}

/// A channel as it stands in the document.
fn described(channel: &Channel) -> Value {
    let servers: &[&str] = match channel.side {
        Side::Client | Side::Server => &["websocket", "sockjs"],
        Side::Topic => &["log"],
    };
    let mut value = json!({
        "address": channel.address,
        "title": channel.address,
        "description": channel.about,
        "servers": servers.iter().map(|server| reference("servers", server)).collect::<Vec<_>>(),
        "messages": channel.messages.iter()
            .map(|message| (message.name.to_owned(), reference("components/messages", message.name)))
            .collect::<Map<_, _>>(),
    });
    if let Some(name) = channel.address.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
        value["parameters"] = json!({ name.0: { "description": "A user id or a username." } });
    }
    value
}

/// What the server does with a channel: it receives what clients send, and sends what they subscribe to.
fn operation(channel: &Channel) -> Value {
    let action = if channel.side == Side::Client { "receive" } else { "send" };
    let messages = format!("channels/{}/messages", channel.id);
    json!({
        "action": action,
        "channel": reference("channels", channel.id),
        "summary": channel.about,
        "messages": channel.messages.iter()
            .map(|message| reference(&messages, message.name))
            .collect::<Vec<_>>(),
    })
}

fn reference(place: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{place}/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn document() -> Value {
        serde_json::from_str(describe().as_str()).unwrap()
    }

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_is_left_over() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        for path in &found {
            let pointer = path.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{path} leads nowhere");
        }
        let used: HashSet<&str> = found.into_iter().collect();
        for kind in ["schemas", "messages", "securitySchemes"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let path = format!("#/components/{kind}/{name}");
                assert!(used.contains(path.as_str()), "{path} is used by nobody");
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                assert!(name.chars().all(plain), "{name} is no key of components");
            }
        }
    }

    /// What AsyncAPI 3.0 requires of the objects that we write, and what it allows in them.
    #[test]
    fn the_objects_have_the_fields_of_the_specification() {
        let document = document();
        let fields = |value: &Value, required: &[&str], optional: &[&str]| {
            let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(required.iter().all(|key| keys.contains(key)), "{keys:?} lacks one of {required:?}");
            assert!(keys.iter().all(|key| required.contains(key) || optional.contains(key)), "{keys:?}");
        };
        let root =
            ["asyncapi", "info", "servers", "channels", "operations", "components", "defaultContentType"];
        fields(&document, &root, &[]);
        assert_eq!(document["asyncapi"], "3.0.0");
        fields(&document["info"], &["title", "version"], &["description", "license"]);
        fields(&document["info"]["license"], &["name"], &["url"]);
        let each =
            |value: &Value, check: &dyn Fn(&Value)| value.as_object().unwrap().values().for_each(check);
        each(&document["servers"], &|server| {
            fields(
                server,
                &["host", "protocol"],
                &["pathname", "protocolVersion", "description", "security"],
            );
        });
        each(&document["channels"], &|channel| {
            fields(channel, &["address", "messages"], &["title", "description", "servers", "parameters"]);
            assert!(!channel["messages"].as_object().unwrap().is_empty());
        });
        each(&document["operations"], &|operation| {
            fields(operation, &["action", "channel"], &["summary", "messages"]);
            assert!(["send", "receive"].contains(&operation["action"].as_str().unwrap()));
            // An operation names the messages of its own channel, by their place in it.
            let channel = operation["channel"]["$ref"].as_str().unwrap();
            for message in operation["messages"].as_array().unwrap() {
                assert!(message["$ref"].as_str().unwrap().starts_with(&format!("{channel}/messages/")));
            }
        });
        each(&document["components"]["messages"], &|message| {
            fields(message, &["name"], &["title", "summary", "contentType", "payload", "headers"]);
        });
    }

    #[test]
    fn addresses_are_described_once() {
        let document = document();
        let channels = document["channels"].as_object().unwrap();
        let addresses: HashSet<&str> =
            channels.values().map(|channel| channel["address"].as_str().unwrap()).collect();
        assert_eq!(addresses.len(), channels.len());
        for topic in schema::event::Topic::ALL {
            assert!(addresses.contains(topic.name()), "{}", topic.name());
        }
    }
}
