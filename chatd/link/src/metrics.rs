//! What links count.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The side that has chat.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) links: Gauge,
    pub(crate) cut: Counter,
    pub(crate) calls: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) shed: Counter,
}

impl Server {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("link_peers", "Processes that are linked to this one", metrics.links.clone());
        registry.register(
            "link_peers_cut",
            "Links that were cut because the other process did not read or fell silent",
            metrics.cut.clone(),
        );
        registry.register("link_calls_taken", "Calls of other processes", metrics.calls.clone());
        registry.register(
            "link_calls_refused",
            "Calls of other processes that were not taken: too many at once",
            metrics.overloaded.clone(),
        );
        registry.register("link_typing_shed", "Typing left out for want of room", metrics.shed.clone());
        metrics
    }
}

/// The side that connects.
#[derive(Clone, Default)]
pub(crate) struct Client {
    pub(crate) links: Gauge,
    pub(crate) lost: Counter,
    pub(crate) calls: Counter,
    pub(crate) failures: Counter,
}

impl Client {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("link_nodes", "Chat processes that this one is linked to", metrics.links.clone());
        registry.register("link_nodes_lost", "Links to chat processes that were lost", metrics.lost.clone());
        registry.register("link_calls", "Calls made to chat processes", metrics.calls.clone());
        registry.register(
            "link_call_failures",
            "Calls that were not taken, not answered in time, or lost with their link",
            metrics.failures.clone(),
        );
        metrics
    }
}
