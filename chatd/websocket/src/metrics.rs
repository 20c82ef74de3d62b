//! What the real-time door counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Code {
    pub(crate) code: u16,
}

/// Metrics of the websocket service.
#[derive(Default)]
pub(crate) struct Metrics {
    /// Sockets open now.
    pub(crate) sockets: Gauge,
    /// SockJS sessions over HTTP that are remembered.
    pub(crate) lines: Gauge,
    /// Frames from clients.
    pub(crate) frames_in: Counter,
    /// Frames to clients, heart-beats not counted.
    pub(crate) frames_out: Counter,
    /// Messages read from history for subscriptions.
    pub(crate) replayed: Counter,
    /// Sockets closed by the server, by code.
    pub(crate) closes: Family<Code, Counter>,
    /// Marks that did not reach the log.
    pub(crate) marks_failed: Counter,
    /// Typing that an outbox had no room for.
    pub(crate) typing_shed: Counter,
    /// Sessions that ended in a panic.
    pub(crate) session_panics: Counter,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("websocket_sockets", "Open sockets", metrics.sockets.clone());
        registry.register("websocket_sockjs_lines", "SockJS sessions over HTTP", metrics.lines.clone());
        registry.register("websocket_frames_in", "STOMP frames from clients", metrics.frames_in.clone());
        registry.register("websocket_frames_out", "STOMP frames to clients", metrics.frames_out.clone());
        registry.register("websocket_replayed", "Messages replayed on subscribe", metrics.replayed.clone());
        registry.register("websocket_closes", "Sockets closed by the server", metrics.closes.clone());
        registry.register("websocket_marks_failed", "Marks not appended", metrics.marks_failed.clone());
        registry.register("websocket_typing_shed", "Typing left out", metrics.typing_shed.clone());
        registry.register(
            "websocket_session_panics",
            "Sessions ended by a panic",
            metrics.session_panics.clone(),
        );
        metrics
    }
}
