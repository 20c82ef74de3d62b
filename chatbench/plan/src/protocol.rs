//! How the generator speaks with a server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The protocol of the server under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// chatd's own: STOMP 1.2 with its destinations and receipts.
    Chatd { transport: Transport },
    /// STOMP 1.2 over WebSocket of any broker.
    Stomp(StompBroker),
    /// MQTT 3.1.1 over TCP, QoS 1.
    Mqtt(MqttBroker),
    /// The bare relay that `chatbench calibrate` brings along: no acknowledgements, nothing stored.
    Relay,
}

impl Protocol {
    /// Whether a send is answered; without that there is no accept latency and no loss after an acknowledgement.
    #[must_use]
    pub fn acknowledges(&self) -> bool {
        match self {
            Self::Chatd { .. } | Self::Mqtt(_) => true,
            Self::Stomp(broker) => broker.receipts,
            Self::Relay => false,
        }
    }

    /// Whether history can be read back after the run.
    #[must_use]
    pub fn has_history(&self) -> bool {
        matches!(self, Self::Chatd { .. })
    }
}

/// What carries chatd's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// A plain WebSocket at `/ws/websocket`.
    Websocket,
    /// SockJS framing over its websocket transport, `/ws/<server>/<session>/websocket`.
    Sockjs,
    /// Sends go by `POST /api/chat/messages`; a plain WebSocket receives.
    Rest,
}

/// A STOMP broker. `{user}` in a text is the number of the user himself, `{peer}` that of the recipient, `{run}` the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StompBroker {
    /// Path of the WebSocket.
    pub path: String,
    /// The `host` header of CONNECT: RabbitMQ's virtual host.
    pub host: String,
    pub login: Option<String>,
    pub passcode: Option<String>,
    /// Where a user listens.
    pub subscribe: String,
    /// Where a message to the peer goes.
    pub send: String,
    /// Headers of SEND and SUBSCRIBE beside these, such as `persistent: true`.
    pub headers: Vec<(String, String)>,
    /// Whether to ask for a RECEIPT for each send.
    pub receipts: bool,
}

impl Default for StompBroker {
    fn default() -> Self {
        Self {
            path: "/ws".into(),
            host: "/".into(),
            login: None,
            passcode: None,
            subscribe: "/topic/bench-{run}-{user}".into(),
            send: "/topic/bench-{run}-{peer}".into(),
            headers: Vec::new(),
            receipts: true,
        }
    }
}

/// An MQTT broker; the same placeholders as in [`StompBroker`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MqttBroker {
    pub username: Option<String>,
    pub password: Option<String>,
    pub subscribe: String,
    pub publish: String,
}

impl Default for MqttBroker {
    fn default() -> Self {
        Self {
            username: None,
            password: None,
            subscribe: "bench/{run}/{user}".into(),
            publish: "bench/{run}/{peer}".into(),
        }
    }
}
