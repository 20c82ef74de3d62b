//! `chatctl schema verify`.

use super::{Differences, Engines, answer};
use crate::cli::Globals;
use crate::output;
use schema::exit::{Exit, Failure};

/// Exits 3 when something differs.
pub(super) async fn run(engines: &Engines, globals: &Globals) -> Result<Exit, Failure> {
    let found = Differences { differences: answer(engines.verify(), globals).await? };
    output::show(&found, globals.output)?;
    if found.differences.is_empty() {
        output::remark("nothing differs");
    }
    Ok(found.exit())
}
