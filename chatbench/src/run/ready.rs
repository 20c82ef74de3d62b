//! What a run needs before it connects: accounts, and processes that generate.

use crate::accounts::Accounts;
use crate::cli::{Run, Workers as Wanted};
use crate::files;
use crate::place::Place;
use crate::provision::Password;
use crate::spawn::Server;
use crate::workers::{Workers, shares};
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

/// Starts or calls as many generators as the users need, and refuses users that do not fit.
pub(super) async fn generators(args: &Run, users: u32) -> Result<Workers, Failure> {
    let (number, hard) = (files::processes(users, files::hard()), files::hard());
    let refused = |message: String, hint: String| Failure::coded(Exit::INVALID, "invalid-measurement", message, hint);
    let Some(number) = number else {
        let message = format!("this machine allows {hard} open files a process, too few for a pair of users");
        return Err(refused(message, "raise the hard limit (ulimit -Hn)".into()));
    };
    let wanted = match args.workers {
        Wanted::Auto => number,
        Wanted::Here(wanted) if wanted < number => {
            let message =
                format!("{users} users do not fit into {wanted} processes of {hard} open files each");
            return Err(refused(message, format!("use --workers {number}, or leave it at auto")));
        }
        Wanted::Here(wanted) => wanted.min(users / 2),
        Wanted::There(_) => 0,
    };
    let workers = Workers::start(&args.workers, wanted).await?;
    let shares = shares(users, u32::try_from(workers.list.len()).unwrap_or(u32::MAX));
    for (worker, share) in workers.list.iter().zip(shares) {
        let needed = share.len() as u64 + files::RESERVE;
        if worker.files < needed {
            let message = format!("worker {} may open {} files and needs {needed}", worker.host, worker.files);
            return Err(refused(message, "raise its hard limit (ulimit -Hn), or name more workers".into()));
        }
    }
    Ok(workers)
}
