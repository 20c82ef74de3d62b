//! `chatbench scenario`: what can be run by name, and whether a file of one's own is sound.

use crate::cli::{Format, Output};
use clap::Subcommand;
use plan::Scenario;
use plan::scenario::{SHIPPED, When};
use report::Thresholds;
use schema::exit::{Exit, Failure};
use serde_json::{Value, json};

/// What a failure's hint says.
const HINT: &str = "see `chatbench scenario list`, and `chatbench scenario show chat-1to1` for the form";

/// The arguments of `scenario`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// The shipped scenarios.
    List,
    /// A scenario's text, to copy and change; a file's with everything that it does not say.
    Show {
        /// A shipped name, or a file.
        scenario: String,
    },
    /// Check scenarios: unknown fields, bounds, traces and gates, each with the fix.
    Validate {
        /// Files, or shipped names.
        #[arg(required = true)]
        scenarios: Vec<String>,
    },
    /// The form's JSON schema, for editors.
    Schema,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}

/// Answers.
pub(crate) fn run(args: &Args) -> Result<String, Failure> {
    let output = args.format.output;
    match &args.verb {
        Verb::List => list(output),
        Verb::Show { scenario } => show(scenario, output),
        Verb::Validate { scenarios } => validate(scenarios, output),
        Verb::Schema => crate::json(&Scenario::json_schema().to_value()),
    }
}

fn list(output: Output) -> Result<String, Failure> {
    let all = Scenario::shipped();
    if output == Output::Json {
        return crate::json(&Value::Array(all.iter().map(summary).collect()));
    }
    let mut text = format!("{:<16} {:>7} {:>8} {:>6}  {}\n", "NAME", "USERS", "MSG/S", "HOLD", "WHAT FOR");
    for scenario in &all {
        let hold = plan::duration::show(scenario.duration);
        let (name, users, rate) = (&scenario.name, scenario.users, rate(scenario));
        text.push_str(&format!("{name:<16} {users:>7} {rate:>8} {hold:>6}  {}\n", scenario.description));
    }
    Ok(
        text + "\nRun one: chatbench run NAME --spawn. Larger or smaller: --scale 0.1. Change one: --rate, --users, ...\n"
    )
}

/// Messages a second in a few characters: one rate, or the lowest and highest of a trace.
fn rate(scenario: &Scenario) -> String {
    if let Some(trace) = &scenario.trace {
        let rates = || trace.moments().iter().map(|moment| moment.rate);
        return format!("{}-{}", rates().fold(f64::MAX, f64::min), rates().fold(0.0, f64::max));
    }
    match scenario.arrivals {
        When::None => "-".to_owned(),
        When::Closed => "closed".to_owned(),
        When::Constant | When::Poisson => scenario.rate.unwrap_or(Scenario::RATE).to_string(),
    }
}

fn summary(scenario: &Scenario) -> Value {
    let end = scenario.phases().end_us();
    json!({
        "name": scenario.name,
        "description": scenario.description,
        "users": scenario.users,
        "messagesPerSecond": scenario.planned_arrivals().rate(end - scenario.phases().hold_us, end),
        "durationS": scenario.duration.as_secs_f64(),
    })
}

fn show(name: &str, output: Output) -> Result<String, Failure> {
    let found = Scenario::find(name).map_err(|what| Failure::usage(what, HINT))?;
    if output == Output::Json {
        return crate::json(&json!(found));
    }
    match SHIPPED.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => toml::to_string(&found).map_err(|error| {
            Failure::new(Exit::Failed, error.to_string(), "this is a defect of chatbench: report it")
        }),
    }
}

fn validate(names: &[String], output: Output) -> Result<String, Failure> {
    let mut wrong = Vec::new();
    let mut sound = Vec::new();
    for name in names {
        match check(name) {
            Ok(warnings) => sound.push((name, warnings)),
            Err(what) => wrong.push(what),
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::usage(wrong.join("\n"), HINT));
    }
    if output == Output::Json {
        let one =
            |(name, warnings): &(&String, Vec<String>)| json!({ "scenario": name, "warnings": warnings });
        return crate::json(&Value::Array(sound.iter().map(one).collect()));
    }
    let mut text = String::new();
    for (name, warnings) in sound {
        text.push_str(&format!("{name}: sound\n"));
        warnings.iter().for_each(|warning| text.push_str(&format!("  but {warning}\n")));
    }
    Ok(text)
}

/// What may go wrong with a scenario that can be run.
fn check(name: &str) -> Result<Vec<String>, String> {
    let scenario = Scenario::find(name)?;
    if let Some(gate) = &scenario.gate {
        Thresholds::from_value(&format!("{name}: gate"), gate)?;
    }
    Ok(scenario.cautions().iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests;
