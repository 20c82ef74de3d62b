//! `chatbench prepare`: accounts and tokens for many runs, in a file.

use crate::accounts::Accounts;
use crate::cli::{Door, Format, Output, duration};
use crate::place::{admin_listener, caution};
use crate::provision::{Admin, Password, admin_token};
use crate::trust::Trust;
use schema::exit::Failure;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The arguments of `prepare`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    door: Door,
    /// People.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    users: u32,
    /// The file to write, for --users-file; readable by nobody else.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Give them a password too, for scenarios that log in.
    #[arg(long)]
    passwords: bool,
    /// How long the tokens live, 24h at most.
    #[arg(long, default_value = "12h", value_parser = duration)]
    life: Duration,
    #[command(flatten)]
    format: Format,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}

/// The administrator of a server that runs already.
pub(crate) fn admin(door: &Door) -> Result<(String, Admin), Failure> {
    let api = door.api.clone().or_else(|| door.target.first().cloned()).unwrap_or_default();
    let api = api.trim_end_matches('/').to_owned();
    let url = admin_listener(door.admin.as_deref(), &api)?;
    caution(door.admin.as_deref());
    let token = admin_token(door.token_file.as_deref(), door.data.as_deref())?;
    Ok((api, Admin::new(Trust::of(door, door.is_tls())?.client()?, &url, token)))
}

/// Makes them.
pub(crate) async fn run(args: &Args) -> Result<String, Failure> {
    if args.out.exists() {
        let what = format!("{} is there already", args.out.display());
        return Err(Failure::usage(what, "`chatbench cleanup` deletes its accounts and it; or name another"));
    }
    let (api, admin) = admin(&args.door)?;
    let password = args.passwords.then(Password::draw).transpose()?;
    let users = args.users.next_multiple_of(2);
    let accounts = admin.provision(rand::random(), users, args.life, password.as_ref()).await?;
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + args.life;
    Accounts::new(api, until.as_secs(), accounts).write(&args.out)?;
    let file = args.out.display();
    Ok(match args.format.output {
        Output::Json => format!("{}\n", serde_json::json!({ "users": users, "file": file.to_string() })),
        Output::Text => format!(
            "{users} users in {file}\nuse them with: chatbench run --users {users} --users-file {file}\n"
        ),
    })
}
