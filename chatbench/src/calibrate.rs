//! `chatbench calibrate`: what the generator itself can do here, against a server that does next to nothing.
//!
//! The ceiling of messages over a bare relay and over the same frames that chatd takes, and what an idle user costs. The
//! null server runs beside the generator, so that the machine is shared as in a run with `--spawn`.

mod null;
mod runs;

use crate::cli::{Format, Output, Run, Threads, threads};
use crate::interrupt::Interrupt;
use crate::search::bracket::{Found, Rules};
use crate::search::{climb, spoken};
use crate::settings::LEAST_HOLD;
use crate::{Outcome, files, json, run};
use null::Null;
use report::calibration::{Calibration, Ceiling, Idle, VERSION};
use report::model::{Environment, Report, Verdict};
use runs::{Path, Shape};
use schema::exit::{Exit, Failure};
use std::path::{Path as Folder, PathBuf};
use std::time::Duration;

/// Where the ceiling is looked for, and how long each rate is held unless told.
const FROM: f64 = 8000.0;
const MOST: f64 = 2_000_000.0;
const LEAST: f64 = 100.0;
const FACTOR: f64 = 1.6;
/// More than a quiet machine needs: on a noisy one a rate that held may not hold again.
const STEPS: usize = 40;

/// The arguments of `calibrate`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// People who send.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    users: u32,
    /// Bytes of a message's content.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(53..=4096))]
    size: u32,
    /// How long each rate is held.
    #[arg(long, default_value = "3s", value_parser = held)]
    duration: Duration,
    /// How close the ceiling is to what does not hold.
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = crate::search::percent)]
    precision: f64,
    /// Threads of a generator process: auto is half of the CPUs, since the null server runs here too.
    #[arg(long, value_name = "auto|N", default_value_t, value_parser = threads)]
    threads: Threads,
    /// Connections that do nothing; 0 leaves them out.
    #[arg(long, value_name = "USERS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    idle: u32,
    /// Measure idle connections only.
    #[arg(long)]
    idle_only: bool,
    /// Write calibration.json, .txt and .html into this folder.
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// So long that a whole second lies in it, whenever it begins: rates are judged by those.
fn held(text: &str) -> Result<Duration, String> {
    let duration = crate::cli::duration(text)?;
    if duration < LEAST_HOLD {
        return Err(format!(
            "{text} may have no whole second in it, and rates are judged by those: write 2s or more"
        ));
    }
    Ok(duration)
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }

    fn shape(&self) -> Shape {
        Shape { users: self.users, size: self.size, threads: self.threads, duration: self.duration }
    }
}

/// Measures and prints.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    let users = args.idle & !1;
    if args.idle_only && users == 0 {
        return Err(Failure::usage("--idle-only without idle users measures nothing", "--idle 2 or more"));
    }
    let (shape, mut interrupt) = (args.shape(), Interrupt::listen()?);
    let (mut relay, mut stomp) = (None, None);
    if !args.idle_only {
        relay = Some(measure(Path::Relay, shape, args.precision, &mut interrupt).await?);
        stomp = Some(measure(Path::Stomp, shape, args.precision, &mut interrupt).await?);
    }
    let idle = match users {
        0 => None,
        users => Some(idle(users, args.threads, &mut interrupt).await?),
    };
    let environment = Environment::read(true, "nothing is kept");
    let calibration = Calibration {
        version: VERSION,
        chatbench: env!("CARGO_PKG_VERSION").into(),
        users: args.users,
        message_bytes: args.size,
        threads: args.threads.of(environment.cpus, true, 1),
        relay,
        stomp,
        idle,
        environment,
        line: spoken(std::env::args()),
    };
    let exit = if calibration.complete() { Exit::Ok } else { Exit::INVALID };
    if let Some(folder) = &args.report_dir {
        write(folder, &calibration)?;
    }
    Ok(Outcome { text: told(&calibration, args.format.output)?, exit })
}

/// As it goes to stdout.
pub(crate) fn told(calibration: &Calibration, output: Output) -> Result<String, Failure> {
    Ok(match output {
        Output::Json => json(calibration)?,
        Output::Text => calibration.text(),
    })
}

/// Its file in a folder of reports, and the forms beside it.
pub(crate) const FILE: &str = "calibration.json";

/// `calibration.json`, `.txt` and `.html`.
pub(crate) fn write(folder: &Folder, calibration: &Calibration) -> Result<(), Failure> {
    let forms = [
        (FILE, told(calibration, Output::Json)?),
        ("calibration.txt", told(calibration, Output::Text)?),
        ("calibration.html", report::html::render_calibration(calibration)),
    ];
    crate::report_dir::write(folder, &forms)
}

/// The ceiling for a run like this over chatd's frames; none where the generator is not here, or speaks something else.
pub(crate) async fn ceiling(run: &Run, interrupt: &mut Interrupt) -> Result<Option<f64>, Failure> {
    let Some(shape) = Shape::of(run) else { return Ok(None) };
    Ok(measure(Path::Stomp, shape, 0.1, interrupt).await?.rate)
}

async fn measure(
    path: Path,
    shape: Shape,
    precision: f64,
    interrupt: &mut Interrupt,
) -> Result<Ceiling, Failure> {
    let null = interrupt.or("a null server was started", Null::start()).await?;
    let (from, least, most, factor) = (FROM, LEAST, MOST, FACTOR);
    let rules = Rules { from, least, most, factor, precision, steps: STEPS, at_least: None };
    let folder = runs::folder()?;
    let ward = interrupt.ward();
    ward.folder(folder.path());
    let each = runs::rate(path, shape, &[&null], folder.path())?;
    let climbed = climb(&format!("ceiling, {}: ", path.name()), &rules, &each, found, interrupt).await;
    null.stop().await;
    let climbed = climbed?;
    if let Some(left) = climbed.left {
        let reason = climbed.steps.last().and_then(|step| step.reasons.first());
        return Err(stopped(left, reason.map(String::as_str)));
    }
    let end = climbed.end;
    Ok(Ceiling::of(end.and_then(|end| end.capacity), end.and_then(|end| end.above), climbed.steps))
}

/// Why a calibration came to no end: the null server keeps every promise, so that a broken one is chatbench's.
fn stopped(exit: Exit, reason: Option<&str>) -> Failure {
    let reason = reason.unwrap_or(exit.name()).to_owned();
    match exit {
        Exit::Interrupted => Failure::new(exit, "interrupted", "nothing was measured"),
        Exit::Incorrect => Failure::new(
            exit,
            format!("correctness was violated against the null server: {reason}"),
            "this is a defect of chatbench: report it",
        ),
        _ => Failure::new(exit, reason, "repeat it; a second time it is a defect of chatbench"),
    }
}

/// A rate is the generator's own when it passes without a finding against the measurement.
fn found(report: &Report) -> Option<Found> {
    match report.verdict {
        Verdict::Interrupted => None,
        _ if report.exit == u8::from(Exit::Incorrect) => None,
        Verdict::Pass if report.findings.is_empty() => Some(Found::Held),
        // Once may be the machine's doing, twice is the limit.
        _ => Some(Found::Starved),
    }
}

async fn idle(users: u32, threads: Threads, interrupt: &mut Interrupt) -> Result<Idle, Failure> {
    let few = || {
        Failure::new(
            Exit::INVALID,
            "not even a pair of users fits into a process's open files",
            "ulimit -Hn 4096",
        )
    };
    let processes = files::processes(users, files::hard()).ok_or_else(few)?;
    let nulls = interrupt.or("null servers were started", Null::several(processes)).await?;
    let folder = runs::folder()?;
    let ward = interrupt.ward();
    ward.folder(folder.path());
    let args = runs::idle(users, threads, &nulls.iter().collect::<Vec<_>>(), folder.path())?;
    let report = Box::pin(run::run(&args, interrupt)).await;
    for null in nulls {
        null.stop().await;
    }
    let report = report?;
    for exit in [Exit::Interrupted, Exit::Incorrect] {
        if report.exit == u8::from(exit) {
            return Err(stopped(exit, report.reasons.first().map(|reason| reason.what.as_str())));
        }
    }
    let free = crate::check::free_memory();
    let bytes_per_user = report.generator.rss_per_user_bytes;
    Ok(Idle {
        asked: users,
        connected: report.connected,
        workers: report.workers.len().try_into().unwrap_or(u32::MAX),
        connects_per_s: report.connected as f64 / report.phases.connect_s.max(0.001),
        bytes_per_user,
        generator_cpus: report.generator.cpus,
        room: bytes_per_user.map(|bytes| Idle::room(free, bytes)),
        error: report.sockets.connect_errors.first().cloned(),
    })
}
