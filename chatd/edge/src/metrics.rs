//! What is counted, in one registry for the process.

use crate::process::ProcessMetrics;
use parking_lot::{Mutex, MutexGuard};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::{LazyLock, Once};
use std::time::Duration;

/// What `/actuator/prometheus` shows: our own metrics, and the process's, whose names have no prefix.
pub struct Metrics {
    own: Mutex<Registry>,
    process: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics of every service: CPU and memory, panics, HTTP requests. Our own names begin with `chatd_`.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("chatd");
        registry.register("panics", "Panics of any thread", PANICS.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            REQUESTS.clone(),
        );
        registry.register(
            "http_connections_refused",
            "Connections beyond the bound of a listener",
            REFUSED.clone(),
        );
        registry.register(
            "limits_counted_alone",
            "Calls that this process counted by itself, because the shared limits were away",
            ALONE.clone(),
        );
        registry.register("tls_reloads", "Changes of the certificate or its key", RELOADS.clone());
        let mut process = Registry::default();
        process.register_collector(Box::new(ProcessMetrics));
        Self { own: Mutex::new(registry), process }
    }

    /// The registry, to register what a part counts. Only while parts are put together.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        self.own.lock()
    }

    /// Everything in the OpenMetrics text format.
    ///
    /// # Errors
    /// When a metric cannot be written as text, which is a fault of ours.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.process)?;
        encode(&mut text, &self.own.lock())?;
        Ok(text)
    }
}

/// Panics are the process's, not a listener's: every registry shows this one counter.
static PANICS: LazyLock<Counter> = LazyLock::new(Counter::default);
/// So are its requests, on whichever port they came.
static REQUESTS: LazyLock<Family<RequestLabels, Histogram>> =
    LazyLock::new(|| Family::new_with_constructor(request_histogram));

static REFUSED: LazyLock<Counter> = LazyLock::new(Counter::default);
static ALONE: LazyLock<Counter> = LazyLock::new(Counter::default);
static RELOADS: LazyLock<Family<ReloadLabels, Counter>> = LazyLock::new(Family::default);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReloadLabels {
    /// `taken`, or `broken` when the old pair stays.
    outcome: String,
}

/// Notes a connection beyond its listener's bound.
pub(crate) fn connection_refused() {
    REFUSED.inc();
}

/// Notes a call that was counted by this process alone.
pub(crate) fn counted_alone() {
    ALONE.inc();
}

/// Notes a change of certificate or key, and whether the new pair is in use.
pub(crate) fn tls_reloaded(taken: bool) {
    let outcome = if taken { "taken" } else { "broken" }.to_owned();
    RELOADS.get_or_create(&ReloadLabels { outcome }).inc();
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    /// The pattern of the route, never the path itself: paths are without number.
    route: String,
    status: u16,
}

fn request_histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

/// Counts panics from now on, on whatever thread they happen; what was done about them stays done.
pub(crate) fn watch_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.inc();
            before(panic);
        }));
    });
}

/// Panics of this process so far.
pub fn panics() -> u64 {
    PANICS.get()
}

/// Notes a request. A client may send any method, so only the usual ones have a label of their own.
pub(crate) fn observe_request(method: &str, route: &str, status: u16, time: Duration) {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let method = if METHODS.contains(&method) { method } else { "OTHER" };
    let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
    REQUESTS.get_or_create(&labels).observe(time.as_secs_f64());
}
