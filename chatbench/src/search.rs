//! `chatbench search`: the highest rate that holds every gate, and holds it again.
//!
//! [`bracket`] chooses the rates, each is a run of its own, and the steps are the knee of the report.

mod args;
pub(crate) mod bracket;
mod outcome;
mod step;

use crate::cli::Run;
use crate::interrupt::Interrupt;
use crate::{Outcome, calibrate, run};
pub(crate) use args::{Args, percent, spoken};
use bracket::{End, Found, Kind, Next, Rules, Tried};
pub(crate) use outcome::{FILE, told, write};
use report::model::{Report, Search, SearchStep};
use schema::exit::{Exit, Failure};
use std::io::Write;

/// Searches, writes the report, and prints what was found.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    args.sound()?;
    let mut interrupt = Interrupt::listen()?;
    let ceiling = if args.no_ceiling { None } else { calibrate::ceiling(&args.run, &mut interrupt).await? };
    let climbed = climb("", &args.rules(), &args.each(), step::found, &mut interrupt).await?;
    let exit = outcome::exit(&climbed, args.at_least);
    let search = Search {
        version: report::model::VERSION,
        capacity: climbed.end.and_then(|end| end.capacity),
        above: climbed.end.and_then(|end| end.above),
        generator_ceiling: ceiling,
        line: spoken(std::env::args()),
        steps: climbed.steps,
        left: climbed.left.map(u8::from),
        best: climbed.best.map(Box::new),
    };
    if let Some(folder) = &args.run.report_dir {
        write(folder, &search)?;
    }
    Ok(Outcome { text: told(&search, args.run.output)?, exit })
}

/// What climbing has come to.
pub(crate) struct Climbed {
    /// None when it was left before that.
    pub(crate) end: Option<End>,
    pub(crate) steps: Vec<SearchStep>,
    /// The report of the capacity; without one, of the highest rate that held, or of what broke correctness.
    pub(crate) best: Option<Report>,
    /// Why it was left, as an exit code.
    pub(crate) left: Option<Exit>,
}

/// Runs at one rate after another until the bracket is narrow enough. `found` says what a report means: none ends it.
///
/// # Errors
/// The first run came to nothing. Later that leaves the search, and what was measured before is kept.
pub(crate) async fn climb(
    title: &str,
    rules: &Rules,
    each: &Run,
    found: fn(&Report) -> Option<Found>,
    interrupt: &mut Interrupt,
) -> Result<Climbed, Failure> {
    let mut tried: Vec<Tried> = Vec::new();
    let mut held = Held::default();
    let mut climbed = Climbed { end: None, steps: Vec::new(), best: None, left: None };
    let mut failed_before = false;
    loop {
        let (rate, kind) = match bracket::next(rules, &tried) {
            Next::Try { rate, kind } => (rate, kind),
            Next::End(end) => {
                climbed.end = Some(end);
                climbed.best = held.best(end.capacity);
                return Ok(climbed);
            }
        };
        say(&format!("{title}{:7} {rate:>9} msg/s{}", kind.name(), expected(rules, &tried)));
        let report_dir =
            each.report_dir.as_ref().map(|all| all.join(format!("{:02}-{rate}", tried.len() + 1)));
        let args = Run { rate: Some(rate), report_dir, ..each.clone() };
        let (step, report, found) = match Box::pin(run::run(&args, interrupt)).await {
            Ok(report) => {
                let found = found(&report);
                (step::of(rate, kind, &report), Some(report), found)
            }
            Err(failure) if tried.is_empty() => return Err(failure),
            Err(failure) => {
                // Once it may be the rate; twice in a row is no measurement.
                let found = step::came_to(&failure).filter(|_| !failed_before);
                (step::failed(rate, kind, &failure), None, found)
            }
        };
        failed_before = report.is_none();
        say(&format!("{title}        {}", step::words(&step)));
        let exit = step::exit(&step);
        climbed.steps.push(step);
        let Some(found) = found else {
            climbed.left = Some(exit);
            climbed.best = if exit == Exit::Incorrect { report } else { held.best(None) };
            return Ok(climbed);
        };
        tried.push(Tried { rate, found });
        if let Some(report) = report.filter(|_| found == Found::Held) {
            held.enter(rate, report);
        }
    }
}

/// The reports of runs that held, one a rate.
#[derive(Default)]
struct Held(Vec<(f64, Report)>);

impl Held {
    fn enter(&mut self, rate: f64, report: Report) {
        self.0.retain(|(known, _)| *known != rate);
        self.0.push((rate, report));
    }

    /// That of this rate; without one, of the highest.
    fn best(self, capacity: Option<f64>) -> Option<Report> {
        let wanted = self.0.into_iter().filter(|(rate, _)| capacity.is_none_or(|capacity| capacity == *rate));
        wanted.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, report)| report)
    }
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
