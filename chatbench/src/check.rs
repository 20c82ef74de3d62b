//! `chatbench check`: before a run, whether this machine and the server can bear it, with the fix where they can't.

mod facts;
mod findings;
mod machine;
mod render;
mod server;

use crate::cli::{Output, Run, Workers};
use crate::place::Place;
use crate::settings::Settings;
use crate::{Outcome, files, json};
use facts::{Asked, Facts, Server};
use plan::{Protocol, Transport};
use schema::exit::{Exit, Failure};
use std::time::Instant;

/// Takes what `run` takes: write `check` instead of `run`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    run: Run,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.run.output
    }
}

/// Looks, and prints what was found.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    let run = &args.run;
    let settings = Settings::of(run)?;
    let place = if run.server.spawn { None } else { Some(Place::find(run, None).await?) };
    let asked = asked(run, &settings, place.as_ref());
    let mut machine = machine::look().await;
    if asked.logins {
        machine.hash_ms = Some(hash_ms().await?);
    }
    let server = match &place {
        None => Server::Later,
        Some(place) => look(place, &settings.scenario.protocol).await?,
    };
    let facts = Facts { asked, machine, server };
    let found = findings::findings(&facts);
    let exit = findings::exit(&facts, &found);
    let text = match run.output {
        Output::Json => json(&render::Checked::new(&facts.asked, &found, exit))?,
        Output::Text => render::text(&facts.asked, &found),
    };
    Ok(Outcome { text, exit })
}

/// Asks a chatd; of another server it is enough that it answers. All addresses that are to speak TLS must.
async fn look(place: &Place, protocol: &Protocol) -> Result<Server, Failure> {
    let ca = place.trust.pem();
    let answer = match (protocol, place.targets.first()) {
        (Protocol::Chatd { .. }, _) => server::ask(&place.trust.client()?, &place.api).await,
        (_, Some(first)) => server::knock(first, ca).await,
        (_, None) => Server::Silent("no target".into()),
    };
    for target in place.targets.iter().filter(|target| target.tls.is_some()) {
        if matches!(answer, Server::Silent(_)) {
            break;
        }
        if let silent @ Server::Silent(_) = server::knock(target, ca).await {
            return Ok(silent);
        }
    }
    Ok(answer)
}

/// Bytes that this machine and its control group can still lend.
pub(crate) fn free_memory() -> u64 {
    machine::free_memory()
}

/// Milliseconds that one BCrypt hash takes.
async fn hash_ms() -> Result<f64, Failure> {
    let failed = |why: String| Failure::new(Exit::Failed, format!("BCrypt: {why}"), "is there memory left?");
    let begun = Instant::now();
    let hash = tokio::task::spawn_blocking(|| bcrypt::hash("chatbench", schema::limits::BCRYPT_COST)).await;
    hash.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// Users for whom chatbench takes one more address of 127.0.0.0/8.
const USERS_AN_ADDRESS: u32 = 10_000;

fn asked(run: &Run, settings: &Settings, place: Option<&Place>) -> Asked {
    let users = settings.scenario.users;
    let phases = settings.scenario.phases();
    let named: usize = run.source_ip.iter().map(|sources| sources.addresses().len()).sum();
    let workers = match &run.workers {
        Workers::Auto => None,
        Workers::Here(number) => Some(u64::from(*number)),
        Workers::There(hosts) => Some(hosts.len() as u64),
    };
    // A server of one's own listens on as many ports as it has socket processes.
    let processes = files::processes(users, files::hard()).unwrap_or(1);
    let (targets, sources) = match place {
        None => (processes as usize, users.div_ceil(USERS_AN_ADDRESS) as usize),
        Some(place) => (place.targets.len(), place.sources(&run.source_ip, users, processes).len()),
    };
    Asked {
        users: users.into(),
        rate: settings
            .scenario
            .planned_arrivals()
            .rate(phases.warmup_us, phases.end_us())
            .unwrap_or_default(),
        message_bytes: settings.scenario.size.into(),
        ramp_s: phases.ramp_us as f64 / 1e6,
        logins: settings.scenario.behaviour.login,
        rest: settings.scenario.protocol == Protocol::Chatd { transport: Transport::Rest },
        targets: targets.max(1) as u64,
        sources: if named > 0 { named } else { sources.max(1) } as u64,
        tls: place.is_some_and(|place| place.targets.iter().any(|target| target.tls.is_some())),
        loopback: place.is_none_or(Place::is_here),
        server_here: place.is_none_or(Place::is_here),
        workers,
        elsewhere: matches!(run.workers, Workers::There(_)),
    }
}
