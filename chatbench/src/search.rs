//! `chatbench search`: the highest rate that holds every gate, and holds it again.
//!
//! [`bracket`] chooses the rates, each is a run of its own, and the steps are the knee of the report.

mod args;
pub(crate) mod bracket;
mod outcome;
mod step;

use crate::cli::{Output, Run};
use crate::{Outcome, broken, calibrate, run};
pub(crate) use args::{Args, percent, spoken};
use bracket::{End, Found, Kind, Next, Rules, Tried};
pub(crate) use outcome::{text, write};
use report::model::{Report, Search, SearchStep};
use schema::exit::{Exit, Failure};
use std::io::Write;

/// Searches, writes the report, and prints what was found.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    args.sound()?;
    let ceiling = if args.no_ceiling { None } else { calibrate::ceiling(&args.run).await? };
    let climbed = climb("", &args.rules(), &args.each(), step::found).await?;
    let exit = outcome::exit(&climbed, args.at_least);
    let search = Search {
        version: report::model::VERSION,
        capacity: climbed.end.and_then(|end| end.capacity),
        above: climbed.end.and_then(|end| end.above),
        generator_ceiling: ceiling,
        line: spoken(std::env::args()),
        steps: climbed.steps,
        best: climbed.best.map(Box::new),
    };
    if let Some(folder) = &args.run.report_dir {
        write(folder, &search)?;
    }
    let text = match args.run.output {
        Output::Json => serde_json::to_string_pretty(&search).map_err(broken)? + "\n",
        Output::Text => text(&search),
    };
    Ok(Outcome { text, exit })
}

/// What climbing has come to.
pub(crate) struct Climbed {
    /// None when it was interrupted, or correctness was violated.
    pub(crate) end: Option<End>,
    pub(crate) steps: Vec<SearchStep>,
    /// The report of the highest rate that passed.
    pub(crate) best: Option<Report>,
    /// Why it was left, as an exit code.
    pub(crate) left: Option<Exit>,
}

/// Runs at one rate after another until the bracket is narrow enough. `found` says what a report means: none ends it.
pub(crate) async fn climb(
    title: &str,
    rules: &Rules,
    each: &Run,
    found: fn(&Report) -> Option<Found>,
) -> Result<Climbed, Failure> {
    let mut tried: Vec<Tried> = Vec::new();
    let mut climbed = Climbed { end: None, steps: Vec::new(), best: None, left: None };
    loop {
        let (rate, kind) = match bracket::next(rules, &tried) {
            Next::Try { rate, kind } => (rate, kind),
            Next::End(end) => {
                climbed.end = Some(end);
                return Ok(climbed);
            }
        };
        say(&format!("{title}{:7} {rate:>9} msg/s{}", kind.name(), expected(rules, &tried)));
        let report_dir =
            each.report_dir.as_ref().map(|all| all.join(format!("{:02}-{rate}", tried.len() + 1)));
        let args = Run { rate: Some(rate), report_dir, ..each.clone() };
        let (step, report) = match Box::pin(run::run(&args)).await {
            Ok(report) => (step::of(rate, kind, &report), Some(report)),
            // A server that can't even be reached or started has not held the rate; if it never could, that is the answer.
            Err(failure) if tried.is_empty() || failure.exit == Exit::Interrupted || given_up(&climbed) => {
                return Err(failure);
            }
            Err(failure) => (step::failed(rate, kind, &failure), None),
        };
        let found = report.as_ref().map_or(Some(Found::Missed), found);
        say(&format!("{title}        {}", step::words(&step)));
        climbed.steps.push(step);
        let Some(found) = found else {
            climbed.left = climbed.steps.last().map(step::exit);
            climbed.best = climbed.best.or(report);
            return Ok(climbed);
        };
        tried.push(Tried { rate, found });
        let better = climbed.best.as_ref().is_none_or(|best| best.gate.rate <= rate);
        if found == Found::Held && better {
            climbed.best = report;
        }
    }
}

/// Whether the last run failed altogether: twice in a row is no measurement.
fn given_up(climbed: &Climbed) -> bool {
    climbed.steps.last().is_some_and(step::is_failure)
}

fn expected(rules: &Rules, tried: &[Tried]) -> String {
    bracket::left(rules, tried).map_or_else(String::new, |left| format!("  (about {left} runs left)"))
}

/// A line on stderr.
fn say(words: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "{words}");
}

impl Kind {
    /// As the JSON says it.
    fn word(self) -> String {
        self.name().to_owned()
    }
}
