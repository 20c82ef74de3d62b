//! What the gateway counts of services in other processes.

use crate::affinity::Affinity;
use crate::upstream::Service;
use axum::http::StatusCode;
use edge::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;

#[derive(Clone, Default)]
pub(crate) struct Counts {
    requests: Family<Answered, Counter>,
    retries: Family<Of, Counter>,
    ejections: Family<Of, Counter>,
    away: Family<Of, Gauge>,
    tunnels: Gauge,
    sessions: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    service: &'static str,
    /// `2xx`, `5xx` and so on.
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Of {
    service: &'static str,
}

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counts = Self::default();
        let mut registry = metrics.registry();
        let registry = registry.sub_registry_with_prefix("gateway");
        registry.register("requests", "Requests to services elsewhere", counts.requests.clone());
        registry.register("retries", "Second tries of a request", counts.retries.clone());
        registry.register("ejections", "Processes that went away", counts.ejections.clone());
        registry.register("processes_away", "Processes that get no work", counts.away.clone());
        registry.register("tunnels", "WebSockets that are open", counts.tunnels.clone());
        registry.register(
            "sockjs_sessions",
            "SockJS sessions whose process is remembered",
            counts.sessions.clone(),
        );
        counts
    }

    pub(crate) fn request(&self, service: Service, status: StatusCode) {
        let status = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&Answered { service: service.name(), status }).inc();
    }

    pub(crate) fn retry(&self, service: Service) {
        self.retries.get_or_create(&Of { service: service.name() }).inc();
    }

    pub(crate) fn went_away(&self, service: Service) {
        let of = Of { service: service.name() };
        self.ejections.get_or_create(&of).inc();
        self.away.get_or_create(&of).inc();
    }

    pub(crate) fn came_back(&self, service: Service) {
        self.away.get_or_create(&Of { service: service.name() }).dec();
    }

    pub(crate) fn sessions(&self, affinity: &Affinity) {
        self.sessions.set(i64::try_from(affinity.len()).unwrap_or(i64::MAX));
    }

    /// Counts a tunnel until it is dropped.
    pub(crate) fn tunnel(&self) -> Arc<dyn Send + Sync> {
        struct Open(Gauge);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.tunnels.inc();
        Arc::new(Open(self.tunnels.clone()))
    }
}
