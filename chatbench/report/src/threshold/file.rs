//! Gates as a TOML file has them, and a scenario too.

use super::{Gate, Limit, Op, Thresholds, limit, watch};
use crate::metric::{self, Metric, Source, Unit, nearest};
use crate::model::GateClass;
use crate::value::{Stat, Window};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Version of the file.
const VERSION: u32 = 1;
/// Gates of a file.
const GATES: usize = 100;
/// Bytes of a file.
const BYTES: u64 = 1 << 20;

/// A file of thresholds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// 1.
    version: u32,
    #[serde(default)]
    defaults: Defaults,
    #[serde(default)]
    gate: Vec<Entry>,
}

/// What a gate has that does not say otherwise.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Defaults {
    window: Option<Window>,
    /// Fewer messages make the run INVALID, never PASS.
    min_samples: Option<u64>,
    class: Option<GateClass>,
}

/// One gate: exactly one of `value` and `baseline`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Its name in the report; that of a standard gate takes its place.
    id: String,
    /// Such as `delivery.latency`; `chatbench threshold explain` lists all.
    metric: String,
    /// `p50`, `p99`, `p99.9`, `mean`, `min`, `max`, `last`.
    stat: Option<String>,
    /// `<`, `<=`, `>`, `>=`, `==`.
    op: String,
    /// `"100ms"`, `"8KiB"`, `"99%"`, `10000`.
    value: Option<Written>,
    /// `"+5%"`: at most (with `<=`) so much more than the baseline has.
    baseline: Option<String>,
    window: Option<Window>,
    min_samples: Option<u64>,
    /// The worst stretch of this length must hold too: `"10s"`.
    sustained: Option<String>,
    /// Missed in so many seconds of the hold in a row, the run ends and the gate has failed: `"30s"`.
    abort_after: Option<String>,
    /// `performance` unless told; `correctness` is exit 9, `advisory` only tells.
    class: Option<GateClass>,
}

/// A number, or a number with its unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Written {
    Number(f64),
    Text(String),
}

impl Thresholds {
    /// Reads gates; `name` is where they come from.
    ///
    /// # Errors
    /// A sentence that names the gate, what is wrong, and what is right.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        if file.version != VERSION {
            return Err(format!(
                "{name}: version {} is not known; this chatbench reads {VERSION}",
                file.version
            ));
        }
        Self::of(name, file).map_err(|error| format!("{name}: {error}"))
    }

    /// Gates of a scenario: the name of a profile or file, or an array of gates.
    ///
    /// # Errors
    /// As [`Thresholds::parse`].
    pub fn from_value(name: &str, value: &toml::Value) -> Result<Self, String> {
        if let Some(profile) = value.as_str() {
            return Self::find(profile);
        }
        let gate = Vec::<Entry>::deserialize(value.clone()).map_err(|error| format!("{name}: {error}"))?;
        let file = File { version: VERSION, defaults: Defaults::default(), gate };
        Self::of(name, file).map_err(|error| format!("{name}: {error}"))
    }

    /// The profile of a name, or the file at a path.
    ///
    /// # Errors
    /// A sentence with the nearest name.
    pub fn find(name: &str) -> Result<Self, String> {
        let profile = match Self::profile(name) {
            Ok(profile) => return Ok(profile),
            Err(unknown) => unknown,
        };
        let path = Path::new(name);
        let Ok(there) = path.metadata() else { return Err(profile) };
        if there.len() > BYTES {
            return Err(format!("{name} is larger than {BYTES} bytes: that is no file of thresholds"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(name, &text)
    }

    fn of(name: &str, file: File) -> Result<Self, String> {
        if file.gate.len() > GATES {
            return Err(format!("{} gates; {GATES} are the most", file.gate.len()));
        }
        let mut gates: Vec<Gate> = Vec::with_capacity(file.gate.len());
        for entry in file.gate {
            let id = entry.id.clone();
            if gates.iter().any(|known| known.id == id) {
                return Err(format!("gate '{id}' is there twice"));
            }
            gates.push(gate(entry, &file.defaults).map_err(|error| format!("gate '{id}': {error}"))?);
        }
        Ok(Self { name: name.to_owned(), gates })
    }
}

/// The statistic that is meant when none is named.
pub(super) fn usual(metric: &Metric) -> Stat {
    match metric.source {
        Source::Latency(_) => Stat::Quantile(0.99),
        Source::Rate { .. } => Stat::Mean,
        Source::Level(_) if metric.unit == Unit::Users => Stat::Min,
        Source::Level(_) => Stat::Mean,
        Source::Scalar(_) => Stat::Value,
    }
}

fn gate(entry: Entry, defaults: &Defaults) -> Result<Gate, String> {
    if entry.id.is_empty() || entry.id.len() > 64 {
        return Err("an id has 1 to 64 bytes".to_owned());
    }
    let metric = metric::find(&entry.metric)?;
    let stat = entry.stat.as_deref().map_or(Ok(usual(metric)), Stat::parse)?;
    let op = Op::ALL.iter().find(|(name, _)| *name == entry.op).map(|(_, op)| *op);
    let op = op.ok_or_else(|| {
        format!(
            "there is no '{}'; {}",
            entry.op,
            nearest(&entry.op, [].into_iter(), "write <, <=, >, >= or ==")
        )
    })?;
    let limit = match (&entry.value, &entry.baseline) {
        (Some(value), None) => Limit::Value(limit::read(metric, value)?),
        (None, Some(baseline)) => limit::relative(baseline)?,
        _ => return Err("give exactly one of value and baseline".to_owned()),
    };
    fits(metric, stat)?;
    let window = window(metric, entry.window, defaults.window)?;
    let seconds = |text: &Option<String>| text.as_deref().map(whole_seconds).transpose();
    let gate = Gate {
        id: entry.id,
        metric,
        stat,
        op,
        limit,
        window,
        min_samples: entry.min_samples.or(defaults.min_samples).unwrap_or(1).max(1),
        sustained_s: seconds(&entry.sustained)?,
        abort_after_s: seconds(&entry.abort_after)?,
        class: entry.class.or(defaults.class).unwrap_or(GateClass::Performance),
    };
    let by_second = match metric.source {
        Source::Latency(kind) => crate::value::by_second(kind).is_some(),
        Source::Rate { .. } | Source::Level(_) => true,
        Source::Scalar(_) => false,
    };
    if !by_second && (gate.sustained_s.is_some() || gate.abort_after_s.is_some()) {
        return Err(format!(
            "{} is not measured by the second: leave out sustained and abort_after",
            metric.name
        ));
    }
    if gate.abort_after_s.is_some() {
        can_abort(&gate)?;
    }
    Ok(gate)
}

/// A run is ended by what the seconds of its hold tell, and by what it may fail for.
fn can_abort(gate: &Gate) -> Result<(), String> {
    let why = if !watch::sees(gate.metric) {
        format!("{} is not known while a run lasts", gate.metric.name)
    } else if matches!(gate.limit, Limit::Baseline(_)) {
        "what is relative to a baseline is judged at the end".to_owned()
    } else if !matches!(gate.window, Window::Hold | Window::All) {
        format!("a run ends by the seconds of its hold, and this looks at the {}", gate.window.name())
    } else if gate.class == GateClass::Advisory {
        "an advisory gate only tells".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("{why}: leave out abort_after"))
}

fn fits(metric: &Metric, stat: Stat) -> Result<(), String> {
    let (fits, there) = match metric.source {
        Source::Latency(_) => {
            (!matches!(stat, Stat::Last | Stat::Value), "a percentile such as p99, mean, min or max")
        }
        Source::Rate { .. } => (
            !matches!(stat, Stat::Last | Stat::Value),
            "mean, min, max or a percentile of seconds such as p05",
        ),
        Source::Level(_) => (stat != Stat::Value, "min, max, mean, last or a percentile of seconds"),
        Source::Scalar(_) => (stat == Stat::Value, "no stat at all"),
    };
    if fits { Ok(()) } else { Err(format!("{} has no {}; write {there}", metric.name, stat.name())) }
}

/// What is known only for the hold or the whole run has no other window; a default does not reach it.
fn window(metric: &Metric, own: Option<Window>, default: Option<Window>) -> Result<Window, String> {
    let anywhere = match metric.source {
        Source::Latency(kind) => crate::value::by_second(kind).is_some(),
        Source::Rate { .. } | Source::Level(_) => true,
        Source::Scalar(_) => false,
    };
    match own {
        Some(window) if !anywhere && window != Window::Hold => {
            Err(format!("{} is not measured for the {} alone: leave out window", metric.name, window.name()))
        }
        _ if !anywhere => Ok(Window::Hold),
        _ => Ok(own.or(default).unwrap_or_default()),
    }
}

fn whole_seconds(text: &str) -> Result<u32, String> {
    let time = plan::duration::parse(text)?;
    if time < Duration::from_secs(1) || time.subsec_nanos() != 0 {
        return Err(format!("'{text}' is no number of whole seconds; write 10s"));
    }
    u32::try_from(time.as_secs()).map_err(|_| format!("'{text}' is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(lines: &str) -> Result<Gate, String> {
        let text = format!("version = 1\n[[gate]]\nid = 'g'\n{lines}");
        Thresholds::parse("file.toml", &text).map(|mut thresholds| thresholds.gates.remove(0))
    }

    #[test]
    fn a_gate_with_everything() {
        let gate = one("metric = 'delivery.latency'\nstat = 'p99.9'\nop = '<'\nvalue = '100ms'\nsustained = '10s'\nabort_after = '30s'\nwindow = 'all'\nmin_samples = 7\nclass = 'correctness'").unwrap();
        assert_eq!((gate.stat, gate.limit), (Stat::Quantile(0.999), Limit::Value(100.0)));
        assert_eq!((gate.sustained_s, gate.abort_after_s), (Some(10), Some(30)));
        assert_eq!((gate.window, gate.min_samples, gate.class), (Window::All, 7, GateClass::Correctness));
        let short = one("metric = 'connected'\nop = '>='\nvalue = 100").unwrap();
        assert_eq!(
            (short.stat, short.window, short.class),
            (Stat::Min, Window::Hold, GateClass::Performance)
        );
    }

    #[test]
    fn whatever_is_wrong_is_refused_before_the_run_with_what_is_right() {
        for (lines, said) in [
            ("metric = 'delivery.latencies'\nop = '<'\nvalue = '1ms'", "did you mean 'delivery.latency'?"),
            ("metric = 'delivery.latency'\nstat = 'p999'\nop = '<'\nvalue = '1ms'", "p99.9"),
            ("metric = 'delivery.latency'\nop = '<'\nvalue = 100", "\"100ms\""),
            ("metric = 'delivery.latency'\nop = '=<'\nvalue = '1ms'", "<="),
            ("metric = 'delivery.latency'\nop = '<'", "exactly one"),
            ("metric = 'delivery.latency'\nop = '<'\nvalue = '1ms'\nbaseline = '+1%'", "exactly one"),
            ("metric = 'server.rss_peak'\nop = '<'\nvalue = '1MiB'\nwindow = 'ramp'", "leave out window"),
            ("metric = 'server.rss_peak'\nop = '<'\nvalue = '1MiB'\nsustained = '5s'", "by the second"),
            ("metric = 'ledger.lost'\nstat = 'p99'\nop = '=='\nvalue = 0", "no stat"),
            ("metric = 'delivery.latency'\nop = '<'\nvalue = '1ms'\nsustained = '1500ms'", "whole seconds"),
            ("metric = 'server.rss'\nop = '<'\nvalue = '1MiB'\nabort_after = '5s'", "leave out abort_after"),
            (
                "metric = 'delivery.latency'\nop = '<='\nbaseline = '+5%'\nabort_after = '5s'",
                "judged at the end: leave out abort_after",
            ),
            (
                "metric = 'connected'\nop = '>='\nvalue = 1\nwindow = 'ramp'\nabort_after = '5s'",
                "looks at the ramp: leave out abort_after",
            ),
            (
                "metric = 'connected'\nop = '>='\nvalue = 1\nclass = 'advisory'\nabort_after = '5s'",
                "only tells: leave out abort_after",
            ),
            ("metric = 'delivery.latency'\nop = '<'\nvalue = '1ms'\nwindw = 'hold'", "unknown field `windw`"),
        ] {
            let message = one(lines).unwrap_err();
            assert!(message.contains(said) && message.starts_with("file.toml"), "{message}");
        }
        assert!(Thresholds::parse("f", "version = 2").unwrap_err().contains("version 2"));
        let twice = "[[gate]]\nid = 'g'\nmetric = 'ledger.lost'\nop = '=='\nvalue = 0\n".repeat(2);
        assert!(Thresholds::parse("f", &format!("version = 1\n{twice}")).unwrap_err().contains("twice"));
    }

    #[test]
    fn defaults_reach_only_where_they_make_sense() {
        let text = "version = 1\n[defaults]\nwindow = 'all'\nmin_samples = 50\n[[gate]]\nid = 'a'\nmetric = 'delivered.rate'\nop = '>='\nvalue = 1\n[[gate]]\nid = 'b'\nmetric = 'ledger.lost'\nop = '=='\nvalue = 0";
        let gates = Thresholds::parse("f", text).unwrap().gates;
        assert_eq!((gates[0].window, gates[0].min_samples), (Window::All, 50));
        assert_eq!(gates[1].window, Window::Hold);
    }

    #[test]
    fn a_scenario_has_gates_inline_or_names_a_profile() {
        let value: toml::Value =
            toml::from_str("gate = [{ id = 'a', metric = 'ledger.lost', op = '==', value = 0 }]").unwrap();
        assert_eq!(Thresholds::from_value("scenario", &value["gate"]).unwrap().gates.len(), 1);
        let named = toml::Value::String("smoke".to_owned());
        assert_eq!(Thresholds::from_value("scenario", &named).unwrap().name, "smoke");
        assert!(Thresholds::find("smok").unwrap_err().contains("did you mean 'smoke'?"));
    }
}
