//! `chatbench compare A B`: whether B differs from A, by runs that take turns.

mod order;
mod side;

use crate::cli::{Address, Output, Run, page};
use crate::interrupt::Interrupt;
use crate::search::spoken;
use crate::settings::Settings;
use crate::{Outcome, json, run};
use order::{Which, order};
use report::compare::{self, Comparison};
use report::model::{Report, Verdict};
use reqwest::Url;
use schema::exit::{Exit, Failure};
use side::{Own, Side};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long each run is held unless told.
const HOLD: Duration = Duration::from_secs(10);

/// The arguments of `compare`: sides, then what `run` takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The one that is known: a chatd binary, an address, a report.json, or a folder of reports.
    #[arg(value_name = "A")]
    a: String,
    /// The one that may differ.
    #[arg(value_name = "B")]
    b: String,
    /// Runs of each side, A and B in turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=1000))]
    repeat: u32,
    /// The administrator's token of A, and of B, where they are addresses.
    #[arg(long, value_name = "FILE")]
    a_token_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    b_token_file: Option<PathBuf>,
    /// Admin listeners of A, and of B, where they are addresses on other machines.
    #[arg(long, value_name = "URL", value_parser = Address)]
    a_admin: Option<String>,
    #[arg(long, value_name = "URL", value_parser = Address)]
    b_admin: Option<String>,
    /// Processes of A, and of B, where they are addresses.
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    a_pid: Vec<u32>,
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    b_pid: Vec<u32>,
    /// Pages of metrics of A's processes, and of B's, where they are addresses on other machines.
    #[arg(long, value_name = "URL", value_parser = page())]
    a_metrics: Vec<Url>,
    #[arg(long, value_name = "URL", value_parser = page())]
    b_metrics: Vec<Url>,
    #[command(flatten)]
    run: Run,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.run.output
    }

    /// How long each run is held; none: the scenario says it.
    fn hold(&self) -> Option<Duration> {
        self.run.duration.or_else(|| self.run.scenario.is_none().then_some(HOLD))
    }

    /// The n-th run of a side: the same seed for both, so that both get the same messages at the same times.
    fn nth(&self, side: &Side, which: Which, n: u32, seed: u64) -> Option<Run> {
        let (name, own) = match which {
            Which::A => ("a", Own::of(&self.a_token_file, &self.a_admin, &self.a_pid, &self.a_metrics)),
            Which::B => ("b", Own::of(&self.b_token_file, &self.b_admin, &self.b_pid, &self.b_metrics)),
        };
        let run = side.run(&self.run, &own)?;
        let report_dir = run.report_dir.as_ref().map(|all| all.join(format!("{name}-{:02}", n + 1)));
        Some(Run { report_dir, duration: self.hold(), seed: Some(seed.wrapping_add(n.into())), ..run })
    }
}

/// Runs what has to run, compares, and prints.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    let (a, b) = (Side::of(&args.a)?, Side::of(&args.b)?);
    let seed = args.run.seed.unwrap_or_else(|| rand::random::<u32>().into());
    if !a.is_there() || !b.is_there() {
        Settings::of(&Run { duration: args.hold(), ..args.run.clone() })?.judged()?;
    }
    let mut interrupt = Interrupt::listen()?;
    let (mut a_reports, mut b_reports) = (a.read()?, b.read()?);
    for (n, which) in order(args.repeat, !a.is_there(), !b.is_there()) {
        let side = if which == Which::A { &a } else { &b };
        let Some(args) = args.nth(side, which, n, seed) else { continue };
        let report = Box::pin(run::run(&args, &mut interrupt)).await?;
        say(n, which, &report);
        if report.verdict == Verdict::Interrupted {
            return Err(Failure::new(Exit::Interrupted, "interrupted", "nothing was compared"));
        }
        if which == Which::A { a_reports.push(report) } else { b_reports.push(report) }
    }
    let found = compare::compare(&a_reports, &b_reports, seed)
        .map_err(|why| Failure::usage(why, "name runs with a hold of some seconds on each side"))?;
    let sides = (args.a.clone(), args.b.clone());
    let comparison = Comparison { sides, line: spoken(std::env::args()), ..found };
    if let Some(folder) = &args.run.report_dir {
        write(folder, &comparison)?;
    }
    let text = told(&comparison, args.run.output)?;
    Ok(Outcome { text, exit: comparison.exit() })
}

/// As it goes to stdout.
pub(crate) fn told(comparison: &Comparison, output: Output) -> Result<String, Failure> {
    match output {
        Output::Json => json(comparison),
        Output::Text => Ok(compare::text(comparison)),
    }
}

/// Its file in a folder of reports, and the forms beside it.
pub(crate) const FILE: &str = "compare.json";

/// `compare.json`, `.txt`, `.md` and `.html`.
pub(crate) fn write(folder: &Path, comparison: &Comparison) -> Result<(), Failure> {
    let forms = [
        (FILE, json(comparison)?),
        ("compare.txt", compare::text(comparison)),
        ("compare.md", compare::markdown(comparison)),
        ("compare.html", report::html::render_comparison(comparison)),
    ];
    crate::report_dir::write(folder, &forms)
}

fn say(n: u32, which: Which, report: &Report) {
    let figures = report.latency.delivery;
    let _nobody_reads = writeln!(
        std::io::stderr(),
        "{which:?} {}: {}  {:.0} msg/s  p50 {:.1} ms  p99 {:.1} ms",
        n + 1,
        report.verdict.name(),
        report.rates.delivered,
        figures.p50_ms,
        figures.p99_ms
    );
}
