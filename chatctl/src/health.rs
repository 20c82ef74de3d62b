//! `chatctl health`.

use crate::cli::Globals;
use crate::client::Client;
use crate::output;
use clap::Args;
use schema::api::HealthStatus;
use schema::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct Health {}

pub(crate) async fn run(_: &Health, globals: &Globals) -> Result<Exit, Failure> {
    let health: schema::api::Health = Client::new(globals)?.get("/admin/health").await?;
    output::show(&health, globals.output)?;
    Ok(if health.status == HealthStatus::Up { Exit::Ok } else { Exit::Failed })
}
