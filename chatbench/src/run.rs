//! `chatbench run`: provision, connect, warm up, hold, drain, reconcile, judge.

mod ready;

use crate::cli::Run;
use crate::coordinator::{Carried, Job, carry};
use crate::interrupt::Interrupt;
use crate::live::Live;
use crate::place::{Place, caution, durability};
use crate::reconcile::{reconcile, without_history};
use crate::settings::Settings;
use crate::spawn::Server;
use crate::workers::Generators;
use plan::{Account, Plan};
use ready::accounts;
use report::model::{Environment, Phases, Reconciled, Report};
use report::process::ClockWatch;
use report::{Format, Measured, Thresholds};
use reqwest::Client;
use schema::Timestamp;
use schema::exit::{Exit, Failure};
use std::path::Path;
use std::time::Instant;

/// Runs and judges; the report has the exit code. After an interrupt it does not begin.
pub(crate) async fn run(args: &Run, interrupt: &mut Interrupt) -> Result<Report, Failure> {
    let settings = Settings::of(args)?;
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let mut plan = settings.scenario.plan(rand::random(), seed, Vec::new(), None);
    plan.reused = args.users_file.is_some();
    let asked = settings.thresholds(args, &plan)?;
    let baseline = args.baseline.as_deref().map(baseline).transpose()?;
    let generators = ready::generators(args, plan.users)?;
    caution(args.door.admin.as_deref());
    let mut live = Live::new(args.live, interrupt.trigger());
    live.asked(&asked, &plan.phases);
    let server = match args.server.spawn {
        true => {
            live.phase("server", "starting chatd");
            let start = Server::start(&args.server, plan.users, interrupt.ward());
            Some(interrupt.or("chatd was started", start).await?)
        }
        false => None,
    };
    let what =
        What { args, settings: &settings, server: server.as_ref(), generators: &generators, asked: &asked };
    let result = Box::pin(what.measure(plan, interrupt, &mut live)).await;
    live.end();
    let ended_well = match server {
        Some(server) => server.stop().await,
        None => true,
    };
    let mut measured = result?;
    if !ended_well {
        measured.notes.push("chatd did not end by itself within 20 s of SIGTERM, or not with exit 0".into());
    }
    let report = report::assemble(&measured, &asked, baseline.as_ref());
    keep(args, &measured, &report)?;
    Ok(report)
}

/// The report of an earlier run, which gates may be relative to.
fn baseline(path: &Path) -> Result<Report, Failure> {
    let hint = "name a report.json, or the folder of --report-dir that has one";
    report::json::read(path).map_err(|why| Failure::usage(format!("--baseline: {why}"), hint))
}

/// Keeps the report where it was asked for.
fn keep(args: &Run, measured: &Measured, report: &Report) -> Result<(), Failure> {
    if let Some(folder) = &args.report_dir {
        let formats = if args.report.is_empty() { &Format::ALL[..] } else { &args.report };
        report::write(folder, report, &measured.seconds, formats).map_err(|error| {
            let hint = "name a folder that can be written to; the run itself is done";
            Failure::new(Exit::Failed, format!("--report-dir: {error}"), hint)
        })?;
    }
    Ok(())
}

/// What is measured, and against what.
struct What<'a> {
    args: &'a Run,
    settings: &'a Settings,
    server: Option<&'a Server>,
    generators: &'a Generators,
    asked: &'a Thresholds,
}

impl What<'_> {
    async fn measure(
        &self,
        mut plan: Plan,
        interrupt: &mut Interrupt,
        live: &mut Live,
    ) -> Result<Measured, Failure> {
        let (args, users) = (self.args, plan.users);
        let place = interrupt.or("the server was looked for", Place::find(args, self.server)).await?;
        let client = place.trust.client()?;
        let has_rest = put(&mut plan, &place);
        load::driver::of(&plan)
            .map_err(|why| Failure::usage(why, "see `chatbench run --help` and `scenario show`"))?;
        let mut environment = Environment::read(place.is_here(), durability(self.server, &plan.protocol));
        let watch = ClockWatch::start();
        let mut phases = Phases::default();

        live.phase("users", &format!("{users} accounts and tokens"));
        let begun = Instant::now();
        let accounts = interrupt.or("accounts were made", accounts(args, self.server, &place, &plan)).await?;
        phases.provision_s = begun.elapsed().as_secs_f64();
        environment.server =
            if has_rest { crate::provision::version(&client, &place.api).await } else { None };

        live.phase("connect", &format!("{users} sockets to {}", words(&plan)));
        let workers = interrupt.or("workers were started", ready::workers(self.generators, users)).await?;
        let sources = place.sources(&args.source_ip, users, u32::try_from(workers.list.len()).unwrap_or(1));
        let job = Job {
            plan: &plan,
            accounts: &accounts,
            threads: args.threads,
            with_server: place.is_here(),
            connecting: args.connecting,
            sources: &sources,
            chaos: &self.settings.scenario.chaos,
            servers: place.processes.clone(),
            client: client.clone(),
            asked: self.asked,
        };
        let mut carried = carry(job, workers, interrupt, live).await?;
        phases.connect_s = carried.connect.as_secs_f64();
        phases.warmup_s = plan.phases.warmup_us as f64 / 1e6;
        phases.hold_s = carried.held.as_secs_f64();
        phases.drain_s = carried.drain.as_secs_f64();

        live.phase("history", "comparing with what was acknowledged");
        let begun = Instant::now();
        let reconciled = self.reconcile(&client, &place.api, &plan, &accounts, &mut carried).await;
        phases.reconcile_s = begun.elapsed().as_secs_f64();
        let mut notes = self.notes(&plan);
        notes.append(&mut carried.notes);
        Ok(Measured {
            line: self.settings.line(args, plan.seed),
            scenario: self.settings.name(),
            labels: args.label.iter().cloned().collect(),
            started: Timestamp(i64::try_from(carried.hold_wall_ms).unwrap_or_default()).to_string(),
            harvest: carried.harvest,
            seconds: carried.seconds,
            begin_us: carried.begin_us,
            processes: carried.processes,
            samples: carried.samples,
            clock_step_us: watch.step_us(),
            workers: carried.workers,
            reconciled,
            environment,
            phases,
            marks: carried.marks,
            notes,
            interrupted: interrupt.is_set(),
            cut: carried.cut,
            plan,
        })
    }

    async fn reconcile(
        &self,
        client: &Client,
        api: &str,
        plan: &Plan,
        accounts: &[Account],
        carried: &mut Carried,
    ) -> Reconciled {
        let ledger = &mut carried.harvest.ledger;
        if plan.protocol.has_history() {
            reconcile(client, api, accounts, self.args.reconcile, plan.seed, ledger).await
        } else {
            without_history(plan.users / 2, ledger)
        }
    }

    fn notes(&self, plan: &Plan) -> Vec<String> {
        match self.server {
            Some(server) => server.ready(),
            None => {
                let stay = plan.protocol.has_history() && self.args.users_file.is_none();
                let accounts = || format!("the accounts bench_{:08x}_0 and on stay on the target", plan.run);
                // A server that was started here has no such limits.
                let cautions = self.settings.scenario.cautions().into_iter();
                cautions.map(|caution| caution.to_string()).chain(stay.then(accounts)).collect()
            }
        }
    }
}

/// Puts the place into the plan; whether it has a REST side.
fn put(plan: &mut Plan, place: &Place) -> bool {
    let has_rest = plan.protocol.has_history();
    plan.targets.clone_from(&place.targets);
    plan.api = has_rest.then(|| place.api.clone());
    plan.ca = place.trust.pem().map(str::to_owned);
    has_rest
}

fn words(plan: &Plan) -> String {
    match &plan.targets[..] {
        [one] => one.to_string(),
        many => format!("{} targets", many.len()),
    }
}
