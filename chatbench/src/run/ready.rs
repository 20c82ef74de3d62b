//! What a run needs before it connects: accounts, and processes that generate.

use crate::accounts::Accounts;
use crate::cli::{Run, Workers as Wanted};
use crate::files;
use crate::place::Place;
use crate::provision::Password;
use crate::spawn::Server;
use crate::workers::{Generators, Workers, shares};
use plan::{Account, Plan};
use schema::UserId;
use schema::exit::{Exit, Failure};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long tokens outlive what is planned: connecting and comparing take what they take.
const MORE: Duration = Duration::from_secs(3600);

/// The accounts of all users, in order: of a file, new ones, or just names where the server knows no accounts.
pub(super) async fn accounts(
    args: &Run,
    server: Option<&Server>,
    place: &Place,
    plan: &Plan,
) -> Result<Vec<Account>, Failure> {
    let phases = &plan.phases;
    let micros = phases.ramp_us + phases.end_us() + phases.drain_us;
    let life = Duration::from_micros(micros) + MORE;
    let login = plan.behaviour.login;
    if let Some(file) = &args.users_file {
        let ends = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + life - MORE;
        return Accounts::read(file)?.take(file, plan.users, ends.as_secs(), login);
    }
    if !plan.protocol.has_history() {
        let nameless = |_| Account { id: UserId::draw(), token: String::new(), password: None };
        return Ok((0..plan.users).map(nameless).collect());
    }
    let password = login.then(Password::draw).transpose()?;
    place.admin(args, server)?.provision(plan.run, plan.users, life, password.as_ref()).await
}

/// The generators to be had, refusing users that do not fit here; those that are elsewhere say so themselves.
pub(super) fn generators(args: &Run, users: u32) -> Result<Generators, Failure> {
    if let Wanted::There(hosts) = &args.workers {
        return Generators::there(hosts, args.secret.as_deref());
    }
    let hard = files::hard();
    let Some(number) = files::processes(users, hard) else {
        let message = format!("this machine allows {hard} open files a process, too few for a pair of users");
        return Err(refused(message, "raise the hard limit (ulimit -Hn)".into()));
    };
    match args.workers {
        Wanted::Here(wanted) if wanted < number => {
            let message =
                format!("{users} users do not fit into {wanted} processes of {hard} open files each");
            Err(refused(message, format!("use --workers {number}, or leave it at auto")))
        }
        Wanted::Here(wanted) => Ok(Generators::Here(wanted.min(users / 2))),
        _ => Ok(Generators::Here(number)),
    }
}

/// Starts the generators, or calls those that are elsewhere.
pub(super) async fn workers(generators: &Generators, users: u32) -> Result<Workers, Failure> {
    let workers = Workers::start(generators).await?;
    let shares = shares(users, u32::try_from(workers.list.len()).unwrap_or(u32::MAX));
    for (worker, share) in workers.list.iter().zip(shares) {
        let needed = share.len() as u64 + files::RESERVE;
        if worker.files < needed {
            let message =
                format!("worker {} may open {} files and needs {needed}", worker.host, worker.files);
            return Err(refused(message, "raise its hard limit (ulimit -Hn), or name more workers".into()));
        }
    }
    Ok(workers)
}

fn refused(message: String, hint: String) -> Failure {
    Failure::coded(Exit::INVALID, "invalid-measurement", message, hint)
}
