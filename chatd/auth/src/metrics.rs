//! What is counted about sign-ins.

use crate::hasher::Hashes;
use edge::Metrics;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// How a sign-in or a refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Outcome {
    Accepted,
    Refused,
    Throttled,
    /// A refresh token that was used before.
    Reused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: Outcome,
}

pub(crate) struct AuthMetrics {
    logins: Family<Labels, Counter>,
    refreshes: Family<Labels, Counter>,
    registrations: Counter,
    hashes: Hashes,
}

impl AuthMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let new = Self {
            logins: Family::default(),
            refreshes: Family::default(),
            registrations: Counter::default(),
            hashes: Hashes::default(),
        };
        let mut registry = metrics.registry();
        registry.register("auth_logins", "Sign-ins with a password", new.logins.clone());
        registry.register("auth_refreshes", "Refreshes of a session", new.refreshes.clone());
        registry.register("auth_registrations", "Accounts registered", new.registrations.clone());
        let (made, checked) = (new.hashes.made.clone(), new.hashes.checked.clone());
        registry.register("auth_hashes_made", "Hashes of new passwords", made);
        registry.register(
            "auth_hashes_checked",
            "Passwords checked against a hash, or for nobody's sake",
            checked,
        );
        new
    }

    pub(crate) fn login(&self, outcome: Outcome) {
        self.logins.get_or_create(&Labels { outcome }).inc();
    }

    pub(crate) fn refresh(&self, outcome: Outcome) {
        self.refreshes.get_or_create(&Labels { outcome }).inc();
    }

    /// What the hashing threads count.
    pub(crate) fn hashes(&self) -> Hashes {
        self.hashes.clone()
    }

    pub(crate) fn registered(&self) {
        self.registrations.inc();
    }
}
