//! What chat counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Counters of the chat service.
#[derive(Default)]
pub(crate) struct Metrics {
    /// Records that the sequencers applied.
    pub(crate) applied: Counter,
    /// Records that were no events.
    pub(crate) dead_letters: Counter,
    /// Times that a partition was applied anew because the view may have lost writes.
    pub(crate) rewinds: Counter,
    /// Sends that were appended.
    pub(crate) sends: Counter,
    /// Sends and marks that were refused before anything was stored.
    pub(crate) refused: Counter,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("chat_records_applied", "Log records applied", metrics.applied.clone());
        registry.register(
            "chat_dead_letters",
            "Log records that are no events",
            metrics.dead_letters.clone(),
        );
        registry.register("chat_rewinds", "Rewinds of a log partition", metrics.rewinds.clone());
        registry.register("chat_sends", "Messages appended to the log", metrics.sends.clone());
        registry.register("chat_refused", "Sends and marks refused at the door", metrics.refused.clone());
        metrics
    }
}
