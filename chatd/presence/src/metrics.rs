//! What presence counts.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Where something was shed.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
pub(crate) enum Reason {
    /// A record that the log did not take.
    Log,
    /// A state that an outbox had no room for; it is offered again.
    Outbox,
    /// Somebody whom a subscription can't hear of, beyond a bound.
    Watch,
    /// A turn of typing beyond a bound.
    Typing,
    /// A last seen beyond the bound.
    LastSeen,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Where {
    at: Reason,
}

/// What was shed, by place.
#[derive(Clone, Default)]
pub(crate) struct Shed(Family<Where, Counter>);

impl Shed {
    pub(crate) fn count(&self, at: Reason) {
        self.add(at, 1);
    }

    pub(crate) fn add(&self, at: Reason, number: usize) {
        if number > 0 {
            self.0.get_or_create(&Where { at }).inc_by(number as u64);
        }
    }
}

/// Metrics of the presence service.
#[derive(Default)]
pub(crate) struct Metrics {
    /// People with a socket here.
    pub(crate) online: Gauge,
    /// Beginnings and ends of typing that were told.
    pub(crate) typing: Counter,
    /// States told to subscriptions.
    pub(crate) told: Counter,
    /// Pairs of a subscription and a person it hears of.
    pub(crate) watches: Gauge,
    /// Turns of the worker that a store did not let it finish.
    pub(crate) retries: Counter,
    pub(crate) shed: Shed,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("presence_online_users", "People with an open socket", metrics.online.clone());
        registry.register("presence_typing_events", "Beginnings and ends of typing", metrics.typing.clone());
        registry.register("presence_told", "States told to subscriptions", metrics.told.clone());
        registry.register("presence_watches", "People that subscriptions hear of", metrics.watches.clone());
        registry.register("presence_retries", "Work that waits for a store", metrics.retries.clone());
        registry.register("presence_shed", "Presence and typing left out", metrics.shed.0.clone());
        metrics
    }
}
