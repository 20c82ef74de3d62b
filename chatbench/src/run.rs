//! `chatbench run`: provision, connect, warm up, hold, drain, reconcile, judge.

mod hold;

use crate::cli::Run;
use crate::fleet::{Connecting, Fleet, Setup};
use crate::interrupt::Interrupt;
use crate::process::Environment;
use crate::progress::Progress;
use crate::provision::{Admin, admin_token};
use crate::reconcile::reconcile;
use crate::report::{Measured, Report, Times};
use crate::spawn::Server;
pub(crate) use hold::Samples;
use hold::{Held, hold};
use reqwest::{Client, Url};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schema::exit::{Exit, Failure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Files that a process needs beside its sockets; the server keeps `limits::FILES_KEPT` from them.
const FILES: u64 = schema::limits::FILES_KEPT + 100;
/// Time between two looks at the counters.
const TICK: Duration = Duration::from_millis(200);

/// Runs and judges; the report has the exit code.
pub(crate) async fn run(args: &Run) -> Result<Report, Failure> {
    let users = args.users;
    if !users.is_multiple_of(2) {
        let hint = format!("--users {} or --users {}", users - 1, users + 1);
        return Err(Failure::usage(format!("--users {users} is odd, and people talk in pairs"), hint));
    }
    files(u64::from(users))?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::new(Exit::Failed, format!("signals: {error}"), "the kernel refused a handler")
    })?;
    let mut progress = Progress::new();
    let server = if args.spawn {
        progress.phase("server", "starting chatd");
        let server = Server::start(args.chatd.as_deref(), &args.set).await?;
        interrupt.owns(server.pid());
        Some(server)
    } else {
        None
    };
    let result = measure(args, server.as_ref(), interrupt, &mut progress).await;
    progress.end();
    let ended_well = match server {
        Some(server) => server.stop().await,
        None => true,
    };
    let mut report = result?;
    if !ended_well {
        report.notes.push("chatd did not end by itself within 20 s of SIGTERM, or not with exit 0".into());
    }
    Ok(report)
}

async fn measure(
    args: &Run,
    server: Option<&Server>,
    mut interrupt: Interrupt,
    progress: &mut Progress,
) -> Result<Report, Failure> {
    let target = Target::find(args, server).await?;
    let durability =
        if server.is_some() { "embedded, fsync per group commit" } else { "as the target is configured" };
    let environment = Environment::read(target.address.ip().is_loopback(), durability);
    let (run, seed) = (rand::random::<u32>(), args.seed.unwrap_or_else(|| rand::random::<u32>().into()));
    let client = Client::new();
    let mut times = Times::default();

    progress.phase("users", &format!("{} accounts and tokens", args.users));
    let begun = Instant::now();
    let life = args.warmup + args.duration + args.drain + Duration::from_secs(3600);
    let accounts = target.admin(client.clone()).provision(run, args.users, life).await?;
    times.provision = begun.elapsed();

    progress.phase("connect", &format!("{} sockets to {}", args.users, target.address));
    let begun = Instant::now();
    let setup = Arc::new(Setup {
        run,
        target: target.address,
        authority: target.authority.clone(),
        accounts,
        size: args.size as usize,
        threads: args.threads as usize,
        connecting: (args.connecting as usize).div_ceil(args.threads as usize),
        drain: args.drain,
    });
    let mut fleet = Fleet::start(setup.clone())?;
    let connecting = connect(&mut fleet, args.users, &mut interrupt, progress).await?;
    times.connect = begun.elapsed();

    let Held { mut harvest, samples, drain } =
        hold(args, &mut fleet, seed, target.pid, &mut interrupt, progress).await?;
    times.drain = drain;

    progress.phase("history", "comparing with what was acknowledged");
    let begun = Instant::now();
    let compared =
        reconcile(&client, &target.url, &setup.accounts, args.reconcile, seed, &mut harvest.ledger);
    let reconciled = compared.await;
    times.reconcile = begun.elapsed();
    let interrupted = interrupt.is_set();
    let measured =
        Measured { run, seed, harvest, connecting, reconciled, samples, environment, times, interrupted };
    let mut report = Report::new(args, measured);
    if let Some(server) = server {
        report.notes.push(server.ready.clone());
    } else {
        report.notes.push(format!("the accounts bench_{run:08x}_0 and on stay on the target"));
    }
    Ok(report)
}

async fn connect(
    fleet: &mut Fleet,
    users: u32,
    interrupt: &mut Interrupt,
    progress: &mut Progress,
) -> Result<Connecting, Failure> {
    let mut done = std::pin::pin!(fleet.connected());
    let mut ticks = tokio::time::interval(TICK);
    let connecting = loop {
        tokio::select! {
            done = &mut done => break done?,
            () = interrupt.wait() => {
                fleet.stop();
                return Err(Failure::new(Exit::Interrupted, "interrupted while connecting", "nothing was measured"));
            }
            _ = ticks.tick() => {
                let seen = fleet.seen();
                progress.tick(seen.connected as f64 / f64::from(users), seen);
            }
        }
    };
    if connecting.connected == 0 {
        fleet.stop();
        let first = connecting.errors.first().map_or("no reason given", String::as_str);
        let hint = "is --target the gateway of a running chatd, and does it take the tokens of --admin?";
        return Err(Failure::new(Exit::Unreachable, format!("nobody could connect: {first}"), hint));
    }
    Ok(connecting)
}

/// Where the load goes.
struct Target {
    url: String,
    admin: String,
    token: String,
    address: SocketAddr,
    authority: String,
    /// The server's process, where it is known.
    pid: Option<u32>,
}

impl Target {
    async fn find(args: &Run, server: Option<&Server>) -> Result<Self, Failure> {
        let bad = |url: &str, why: &str| {
            Failure::usage(format!("--target {url}: {why}"), "write http://HOST:PORT; TLS is not offered yet")
        };
        let text = server.map_or_else(|| args.target.clone(), Server::target);
        let url = Url::parse(&text).map_err(|error| bad(&text, &error.to_string()))?;
        let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme())
        else {
            return Err(bad(&text, "not a plain http:// address"));
        };
        let unreachable =
            |why: String| Failure::new(Exit::Unreachable, format!("{text}: {why}"), "check the name");
        let authority = format!("{host}:{port}");
        let found = tokio::net::lookup_host(authority.as_str()).await;
        let address = found.map_err(|error| unreachable(error.to_string()))?.next();
        let address = address.ok_or_else(|| unreachable("no address".into()))?;
        let beside = || format!("http://{host}:{}", port.saturating_add(10));
        let admin = server.map_or_else(|| args.admin.clone().unwrap_or_else(beside), Server::admin);
        let token = match server {
            Some(server) => admin_token(None, Some(&server.data()))?,
            None => admin_token(args.token_file.as_deref(), args.data.as_deref())?,
        };
        let pid = server.map(Server::pid).or(args.server_pid);
        Ok(Self { url: text, admin, token, address, authority, pid })
    }

    fn admin(&self, client: Client) -> Admin {
        Admin::new(client, &self.admin, self.token.clone())
    }
}

/// Raises the limit of open files as far as it goes, and refuses users that do not fit.
fn files(users: u64) -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    if users + FILES > most {
        let message =
            format!("{users} users need {} open files, this machine allows {most} a process", users + FILES);
        let hint =
            format!("use --users {} or fewer, or raise the hard limit (ulimit -Hn)", (most - FILES) & !1);
        return Err(Failure::coded(Exit::INVALID, "invalid-measurement", message, hint));
    }
    // If the kernel does not follow, connecting says so with the error of the socket that did not fit.
    let _as_it_was = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_users_than_files_are_refused_with_the_number_that_fits() {
        files(10).unwrap();
        let most = getrlimit(Resource::Nofile).maximum;
        if let Some(most) = most {
            let failure = files(most).unwrap_err();
            assert_eq!(failure.exit, Exit::INVALID);
            assert!(failure.hint.contains(&((most - FILES) & !1).to_string()), "{failure}");
        }
    }
}
