//! What a run does: the flags, over the scenario, over plain chat.

mod adapter;
mod line;

pub(crate) use adapter::veiled;

use crate::cli::{Arrivals, Run};
use plan::scenario::{Chaos, Scenario, When, read_trace};
use plan::{Plan, Protocol};
use report::Thresholds;
use report::model::GateClass;
use report::threshold::Limit;
use schema::exit::Failure;
use std::time::Duration;

/// Shortest hold in which a whole second lies, whenever it begins: rates are judged by those.
pub(crate) const LEAST_HOLD: Duration = Duration::from_secs(2);
/// Bound of the delivery latency's p99 where nothing else is asked for, in milliseconds.
const P99_MS: f64 = 100.0;
/// Id of that gate.
const P99_GATE: &str = "delivery-p99";

/// A scenario as these arguments change it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) scenario: Scenario,
    /// What the report says the gates are scaled by.
    scale: Option<f64>,
}

impl Settings {
    /// What these arguments ask for.
    pub(crate) fn of(args: &Run) -> Result<Self, Failure> {
        let mut scenario = match &args.scenario {
            Some(name) => Scenario::find(name).map_err(|what| {
                Failure::usage(what, "see `chatbench scenario list` and `scenario validate`")
            })?,
            None => Scenario::default(),
        };
        if let Some(factor) = args.scale {
            scenario = scenario.scale(factor);
        }
        numbers(&mut scenario, args);
        arrivals(&mut scenario, args)?;
        scenario.protocol = adapter::protocol(&scenario.protocol, args)?;
        let chaos = |(at, command): &(_, String)| Chaos { at: *at, command: command.clone(), name: None };
        scenario.chaos.extend(args.chaos.iter().map(chaos));
        sound(&scenario, args)?;
        Ok(Self { scenario, scale: args.scale })
    }

    /// The scenario's name; none for plain chat.
    pub(crate) fn name(&self) -> Option<String> {
        (!self.scenario.name.is_empty()).then(|| self.scenario.name.clone())
    }

    /// Refuses a hold in which a rate could not be judged.
    pub(crate) fn judged(&self) -> Result<(), Failure> {
        if self.scenario.duration >= LEAST_HOLD {
            return Ok(());
        }
        let what = format!(
            "a hold of {} ms may have no whole second in it, and rates are judged by those",
            self.scenario.duration.as_millis()
        );
        Err(Failure::usage(what, "--duration 2s or more"))
    }

    /// What is asked of the run: known before it begins, so that no typo passes.
    pub(crate) fn thresholds(&self, args: &Run, plan: &Plan) -> Result<Thresholds, Failure> {
        let bad = |why: String| Failure::usage(why, "see `chatbench threshold explain`");
        let more = match (&args.gate, &args.thresholds, &self.scenario.gate) {
            (Some(name), ..) => Some(Thresholds::profile(name)),
            (None, Some(file), _) => Some(Thresholds::find(&file.to_string_lossy())),
            (None, None, Some(value)) => Some(Thresholds::from_value(&self.scenario.name, value)),
            (None, None, None) => None,
        };
        let more = more.transpose().map_err(bad)?;
        // Whoever names gates asks for latency there, unless he says so here too.
        let bound = args.p99.map_or(P99_MS, |p99| p99.as_secs_f64() * 1000.0);
        let p99 = (!args.no_latency_gate && (args.p99.is_some() || more.is_none())).then_some(bound);
        let mut asked = Thresholds::standard(plan, p99, !self.scenario.chaos.is_empty());
        if let Some(more) = more {
            let more = more.scale(self.scale.unwrap_or(1.0));
            let more = if args.no_latency_gate { without_latency(more) } else { more };
            asked = asked.with(more).map_err(bad)?;
            // What is said here goes before what a profile says of the same.
            let same = asked.gates.iter_mut().filter(|gate| gate.id == P99_GATE);
            same.zip(p99).for_each(|(gate, bound)| gate.limit = Limit::Value(bound));
        }
        if asked.needs_baseline() && args.baseline.is_none() {
            let what = "a gate is relative to a baseline, and no --baseline names one";
            return Err(Failure::usage(
                what,
                "name an earlier run's report folder, or give the gate a value",
            ));
        }
        Ok(asked)
    }
}

fn numbers(scenario: &mut Scenario, args: &Run) {
    scenario.users = args.users.unwrap_or(scenario.users);
    scenario.size = args.size.unwrap_or(scenario.size);
    scenario.pairing = args.pairing.unwrap_or(scenario.pairing);
    scenario.warmup = args.warmup.unwrap_or(scenario.warmup);
    scenario.duration = args.duration.unwrap_or(scenario.duration);
    scenario.drain = args.drain.unwrap_or(scenario.drain);
    scenario.ramp = args.ramp.or(scenario.ramp);
}

fn arrivals(scenario: &mut Scenario, args: &Run) -> Result<(), Failure> {
    if let Some(file) = &args.trace {
        let read = read_trace(file);
        scenario.trace = Some(
            read.map_err(|what| Failure::usage(what, "a trace is a CSV of at_s,rate, ascending from 0"))?,
        );
        scenario.rate = None;
        scenario.arrivals = When::Constant;
    }
    if let Some(rate) = args.rate {
        scenario.rate = Some(rate);
        scenario.trace = None;
        // Who names a rate wants it sent.
        if matches!(scenario.arrivals, When::Closed | When::None) {
            scenario.arrivals = When::Constant;
        }
    }
    if let Some(named) = args.arrivals {
        scenario.arrivals = match named {
            Arrivals::Constant => When::Constant,
            Arrivals::Poisson => When::Poisson,
            Arrivals::Closed => When::Closed,
            Arrivals::None => When::None,
        };
        scenario.trace = None;
        if matches!(named, Arrivals::Closed | Arrivals::None) {
            scenario.rate = None;
        }
    }
    if args.think.is_some() && scenario.arrivals != When::Closed {
        return Err(Failure::usage(
            "--think is of the closed model only",
            "add --arrivals closed: users then wait for answers, and a slow server is asked less",
        ));
    }
    let closed = scenario.arrivals == When::Closed;
    scenario.think = args.think.or(scenario.think).filter(|_| closed);
    Ok(())
}

/// What makes no sense is refused before anything is started.
fn sound(scenario: &Scenario, args: &Run) -> Result<(), Failure> {
    let users = scenario.users;
    if !users.is_multiple_of(2) {
        let hint = format!("--users {} or --users {}", users - 1, users + 1);
        return Err(Failure::usage(format!("--users {users} is odd, and people talk in pairs"), hint));
    }
    if let Some(problem) = scenario.validate().into_iter().next() {
        return Err(Failure::usage(format!("{}: {}", problem.field, problem.what), problem.fix));
    }
    if args.server.spawn && !matches!(scenario.protocol, Protocol::Chatd { .. }) {
        let what = "--spawn starts a chatd, which --adapter does not speak with";
        return Err(Failure::usage(what, "start the server yourself and name it with --target"));
    }
    Ok(())
}

/// Latency is printed and never fails.
fn without_latency(mut gates: Thresholds) -> Thresholds {
    for gate in gates.gates.iter_mut().filter(|gate| gate.metric.name.ends_with(".latency")) {
        gate.class = GateClass::Advisory;
    }
    gates
}

#[cfg(test)]
mod tests;
