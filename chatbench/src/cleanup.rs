//! `chatbench cleanup`: deletes the accounts that `prepare` has made, and their file.

use crate::accounts::Accounts;
use crate::cli::{Door, Format, Output};
use crate::prepare::admin;
use schema::exit::{Exit, Failure};
use std::path::PathBuf;

/// The arguments of `cleanup`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    door: Door,
    /// The file that `prepare` has written.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    format: Format,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}

/// Deletes them, then the file.
pub(crate) async fn run(args: &Args) -> Result<String, Failure> {
    let read = Accounts::read(&args.file)?;
    let (api, admin) = admin(&args.door)?;
    if api != read.api {
        let what = format!("{} was made for {}, not for {api}", args.file.display(), read.api);
        return Err(Failure::usage(what, format!("name the server with --target {}", read.api)));
    }
    let deleted = admin.delete(&read.accounts).await?;
    std::fs::remove_file(&args.file).map_err(|error| {
        Failure::new(Exit::Failed, format!("{}: {error}", args.file.display()), "its accounts are deleted")
    })?;
    Ok(match args.format.output {
        Output::Json => format!("{}\n", serde_json::json!({ "deleted": deleted })),
        Output::Text => format!("{deleted} of {} users deleted\n", read.accounts.len()),
    })
}
