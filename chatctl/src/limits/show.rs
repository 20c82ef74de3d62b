//! `chatctl limits show`.

use crate::cli::Globals;
use crate::client::Client;
use crate::output;
use clap::Args;
use schema::api::{Limit, Limits};
use schema::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct Show {}

pub(crate) async fn run(_: &Show, globals: &Globals) -> Result<Exit, Failure> {
    let limits: Limits = Client::new(globals)?.get("/admin/limits").await?;
    output::show(&limits, globals.output)?;
    Ok(Exit::Ok)
}

impl output::Show for Limits {
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |limit: &Limit| vec![limit.key.clone(), limit.value.to_string(), limit.unit.clone()];
        std::iter::once(["KEY", "VALUE", "UNIT"].map(str::to_owned).to_vec())
            .chain(self.limits.iter().map(row))
            .collect()
    }
}
