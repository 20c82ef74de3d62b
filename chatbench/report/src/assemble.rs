//! Puts a report together from what was measured, and judges it.

use crate::cost;
use crate::measured::Measured;
use crate::model::{
    Activity, Asked, Found, GateOutcome, Latencies, Load, Mark, MarkKind, Percentile, Rates, Report, Sockets,
    VERSION, Verdict, WorkerUse,
};
use crate::threshold::{Limit, Thresholds};
use crate::timeline;
use crate::value::{Stat, View, Window};
use crate::verdict;
use ledger::{Kind, Latency};
use plan::{Arrivals, Pairing, Plan, Protocol, Transport};

/// Points of the percentile curve for each halving of what is left to 100 %.
const CURVE_STEPS: u32 = 4;
/// How far below its mean a random count may be and still be that plan, in standard deviations.
const DEVIATIONS: f64 = 4.0;

/// Judges what was measured and puts it together. `baseline`: the run that gates may be relative to.
#[must_use]
pub fn assemble(measured: &Measured, asked: &Thresholds, baseline: Option<&Report>) -> Report {
    let mut report = draft(measured);
    report.gate.p99_ms = asked.gates.iter().find_map(|gate| match gate.limit {
        Limit::Value(ms)
            if gate.metric.name == "delivery.latency"
                && gate.stat == Stat::Quantile(0.99)
                && gate.window == Window::Hold =>
        {
            Some(ms)
        }
        _ => None,
    });
    let view = View { report: &report, measured: Some(measured) };
    let asked = asked.clone().held(&measured.plan, micros(report.duration_s));
    let mut gates = asked.evaluate(view, baseline.map(|report| View { report, measured: None }));
    if let Some(missed) = &measured.cut {
        let same = asked.gates.iter().zip(&mut gates).find(|(gate, _)| gate.id == missed.gate);
        if let Some((gate, result)) = same.filter(|(_, result)| result.outcome != GateOutcome::Fail) {
            *result = gate.cut(missed, result.samples);
        }
    }
    report.gates = gates;
    verdict::settle(&mut report);
    report
}

/// Seconds that were measured: the plan's, unless it was cut short, by hand or by a gate that was missed too long.
fn hold_s(measured: &Measured) -> f64 {
    let (planned, held) = (seconds(measured.plan.phases.hold_us), measured.phases.hold_s);
    let cut = measured.interrupted || held > 0.0;
    (if cut { held.min(planned) } else { planned }).max(0.001)
}

fn draft(measured: &Measured) -> Report {
    let (plan, harvest) = (&measured.plan, &measured.harvest);
    let (tally, ledger) = (&harvest.tally, &harvest.ledger);
    let held = hold_s(measured);
    let rates = rates(measured, held);
    let cost = cost::read(measured, tally.delivered, held);
    let begin_s = seconds(measured.begin_us);
    Report {
        version: VERSION,
        chatbench: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: Verdict::Invalid,
        exit: 0,
        reasons: Vec::new(),
        findings: Vec::new(),
        interrupted: measured.interrupted,
        run: format!("{:08x}", plan.run),
        started: measured.started.clone(),
        seed: plan.seed,
        line: measured.line.clone(),
        scenario: measured.scenario.clone(),
        labels: measured.labels.clone(),
        load: load(plan),
        gate: Asked { p99_ms: None, rate: rates.planned },
        gates: Vec::new(),
        users: plan.users,
        connected: harvest.connecting.connected,
        duration_s: held,
        message_bytes: plan.message_bytes,
        rates,
        latency: latencies(measured),
        percentiles: harvest.latencies.get(Kind::Delivery).map(curve).unwrap_or_default(),
        outcomes: ledger.outcomes,
        violations: Found {
            total: ledger.violations.total(),
            live: ledger.violations.live,
            history: ledger.violations.history,
            examples: ledger.violations.examples.clone(),
        },
        reconciled: measured.reconciled.clone(),
        sockets: sockets(measured),
        refusals: tally.refusals.iter().cloned().collect(),
        rate_limited: tally.rate_limited + measured.reconciled.rate_limited,
        sends_limited: tally.sends_limited,
        activity: Activity {
            typing: tally.typing,
            presence: tally.presence,
            history_pages: tally.pages,
            logins: tally.logins,
        },
        server: cost.server,
        servers: cost.servers,
        generator: cost.generator,
        generator_busy: round(tally.busy),
        workers: workers(measured, &cost.workers),
        steal: round(cost.steal),
        clock_step_ms: round(measured.clock_step_us as f64 / 1000.0),
        environment: measured.environment.clone(),
        phases: measured.phases,
        begin_s,
        timeline: timeline::points(measured),
        heat: timeline::heat(measured),
        marks: marks(measured, begin_s, held),
        notes: notes(measured),
    }
}

/// Messages a second over the hold.
fn rates(measured: &Measured, held: f64) -> Rates {
    let (plan, tally) = (&measured.plan, &measured.harvest.tally);
    let drawn = tally.planned as f64 / held;
    let mean = plan.arrivals.rate(plan.phases.warmup_us, plan.phases.warmup_us + micros(held));
    let planned = match (&plan.arrivals, mean) {
        // Drawn times are seldom exactly as many as their mean; a generator that stands still draws too few.
        (Arrivals::Poisson { .. }, Some(rate)) => drawn.max(rate - DEVIATIONS * (rate / held).sqrt()),
        (_, Some(rate)) => rate,
        (_, None) => drawn,
    };
    Rates {
        planned: round(planned),
        offered: round(tally.offered as f64 / held),
        accepted: round(tally.accepted as f64 / held),
        delivered: round(tally.delivered as f64 / held),
    }
}

fn latencies(measured: &Measured) -> Latencies {
    let of = |kind| measured.harvest.latencies.get(kind).map(Latency::figures);
    Latencies {
        delivery: of(Kind::Delivery).unwrap_or_default(),
        accept: of(Kind::Accept).unwrap_or_default(),
        schedule_lag: of(Kind::ScheduleLag).unwrap_or_default(),
        seen: of(Kind::Seen),
        connect: of(Kind::Connect),
        login: of(Kind::Login),
        offline: of(Kind::Offline),
        gap: of(Kind::Gap),
        history: of(Kind::History),
    }
}

fn curve(latency: &Latency) -> Vec<Percentile> {
    let values = latency.histogram().iter_quantiles(CURVE_STEPS);
    values
        .map(|value| Percentile {
            percent: (value.quantile_iterated_to() * 1e8).round() / 1e6,
            ms: value.value_iterated_to() as f64 / 1000.0,
        })
        .collect()
}

fn sockets(measured: &Measured) -> Sockets {
    let (tally, connecting) = (&measured.harvest.tally, &measured.harvest.connecting);
    Sockets {
        local_failures: connecting.local_failures,
        connect_errors: connecting.errors.clone(),
        disconnected: tally.disconnected,
        closes: tally.closes.clone(),
        failures: connecting.failures,
        ramp_lag_ms: round(connecting.lag_us as f64 / 1000.0),
        unsent: tally.unsent,
        unsent_in_hold: tally.unsent_in_hold,
        reconnect_failures: tally.reconnect_failures,
        reconnected: tally.reconnected,
    }
}

fn workers(measured: &Measured, used: &[crate::model::Side]) -> Vec<WorkerUse> {
    let workers = measured.workers.iter().zip(used);
    workers
        .map(|(worker, used)| WorkerUse {
            host: worker.host.clone(),
            pid: worker.pid,
            users: worker.users,
            connected: worker.connected,
            clock_bound_us: worker.clock_bound_us,
            clock_drift_us: worker.clock_drift_us,
            used: *used,
        })
        .collect()
}

fn load(plan: &Plan) -> Load {
    let protocol = match &plan.protocol {
        Protocol::Chatd { transport: Transport::Websocket } => "chatd over websocket",
        Protocol::Chatd { transport: Transport::Sockjs } => "chatd over sockjs",
        Protocol::Chatd { transport: Transport::Rest } => "chatd, sent over rest",
        Protocol::Stomp(_) => "stomp broker",
        Protocol::Mqtt(_) => "mqtt broker",
        Protocol::Relay => "bare relay",
    };
    let arrivals = match plan.arrivals {
        Arrivals::None => "none",
        Arrivals::Constant { .. } => "constant",
        Arrivals::Poisson { .. } => "poisson",
        Arrivals::Trace { .. } => "trace",
        Arrivals::Closed { .. } => "closed",
    };
    Load {
        protocol: protocol.to_owned(),
        arrivals: arrivals.to_owned(),
        open: !matches!(plan.arrivals, Arrivals::Closed { .. }),
        pairing: match plan.pairing {
            Pairing::Uniform => "uniform".to_owned(),
            Pairing::Zipf { exponent } => format!("zipf {exponent}"),
        },
        targets: plan.targets.iter().map(ToString::to_string).collect(),
    }
}

/// The begins of the phases, and what the coordinator marked.
fn marks(measured: &Measured, begin_s: f64, held: f64) -> Vec<Mark> {
    let hold = begin_s + seconds(measured.plan.phases.warmup_us);
    let phases = [("warm-up", begin_s), ("hold", hold), ("drain", hold + held)];
    let mark = |(name, at): (&str, f64)| Mark {
        at_s: at.round() as u32,
        name: name.to_owned(),
        kind: MarkKind::Phase,
    };
    let mut marks: Vec<Mark> = phases.map(mark).into_iter().chain(measured.marks.iter().cloned()).collect();
    marks.sort_by_key(|mark| mark.at_s);
    marks
}

fn notes(measured: &Measured) -> Vec<String> {
    let mut notes = measured.notes.clone();
    notes.extend(measured.cut.iter().map(|missed| format!("ended before its time: {}", missed.why)));
    if matches!(measured.plan.arrivals, Arrivals::Closed { .. }) {
        notes.push("a closed model: a slow server is asked less, so latencies flatter it".to_owned());
    }
    if measured.environment.co_located {
        notes.push("server and generator share this machine: both are slower than apart".to_owned());
    }
    let elsewhere = || measured.workers.iter().filter(|worker| worker.process.is_none());
    if let Some(bound) = elsewhere().map(|worker| worker.clock_bound_us).max() {
        notes.push(format!(
            "clocks of workers on other machines are known to {bound} µs, their drift over the run included: so far their \
             seconds may be apart in the timeline; no latency spans two clocks"
        ));
    }
    let unread = elsewhere().filter(|worker| worker.clock_drift_us.is_none());
    notes.extend(unread.map(|worker| {
        format!(
            "the clock of the worker on {} could not be read at the end: its drift is not known",
            worker.host
        )
    }));
    if elsewhere().next().is_some() {
        notes.push("what workers on other machines use is not in the generator's figures".to_owned());
    }
    notes
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Three digits behind the point say enough; what is no number is none in JSON either.
pub(crate) fn round(number: f64) -> f64 {
    if number.is_finite() { (number * 1000.0).round() / 1000.0 } else { 0.0 }
}

#[cfg(test)]
pub(crate) mod tests;
