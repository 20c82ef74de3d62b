//! `chatctl schema status`.

use super::{Engines, answer};
use crate::cli::Globals;
use crate::output::{self, Show};
use engines::schema::{State, Status};
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Serialize)]
struct All {
    items: Vec<Status>,
}

pub(super) async fn run(engines: &Engines, globals: &Globals) -> Result<Exit, Failure> {
    let items = answer(engines.status(), globals).await?;
    output::show(&All { items }, globals.output)?;
    Ok(Exit::Ok)
}

impl Show for All {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["ENGINE", "NAME", "STATE", "APPLIED", "DETAIL"].map(str::to_owned).to_vec();
        let row = |status: &Status| {
            let state = match status.state {
                State::Applied => "applied",
                State::Pending => "pending",
                State::Differs => "differs",
                State::Newer => "newer",
            };
            vec![
                status.target.to_string(),
                status.name.clone(),
                state.to_owned(),
                status.applied_at.clone().unwrap_or_else(|| "-".to_owned()),
                status.detail.clone().unwrap_or_default(),
            ]
        };
        std::iter::once(heading).chain(self.items.iter().map(row)).collect()
    }
}
