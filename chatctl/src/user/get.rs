//! `chatctl user get`.

use super::path;
use crate::cli::Globals;
use crate::client::Client;
use crate::output;
use clap::Args;
use schema::api::AdminUser;
use schema::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// A user id, username or phone number.
    user: String,
}

pub(crate) async fn run(args: &Get, globals: &Globals) -> Result<Exit, Failure> {
    let user: AdminUser = Client::new(globals)?.get(&path(&args.user)).await?;
    output::show(&user, globals.output)?;
    Ok(Exit::Ok)
}
