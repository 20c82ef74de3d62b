//! `chatctl schema apply`.

use super::{Engines, answer};
use crate::cli::Globals;
use crate::output::{self, Show};
use crate::place::failed;
use engines::schema::{Difference, Done};
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Serialize)]
struct Applied {
    done: Vec<Done>,
    /// What is not as it should be still, because changing it could lose something.
    differences: Vec<Difference>,
}

/// Applies, with a line for each step on stderr; exits 3 when something differs that it does not change.
pub(super) async fn run(engines: &Engines, globals: &Globals) -> Result<Exit, Failure> {
    let done = engines.apply(&|step| output::remark(step)).await.map_err(failed)?;
    let differences = answer(engines.verify(), globals).await?;
    if done.is_empty() {
        output::remark("nothing to do");
    }
    for difference in &differences {
        output::remark(&format!("left as it is: {difference}"));
    }
    let applied = Applied { done, differences };
    output::show(&applied, globals.output)?;
    Ok(if applied.differences.is_empty() { Exit::Ok } else { Exit::Differs })
}

impl Show for Applied {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["ENGINE", "APPLIED"].map(str::to_owned).to_vec();
        let row = |done: &Done| vec![done.target.to_string(), done.name.clone()];
        std::iter::once(heading).chain(self.done.iter().map(row)).collect()
    }
}
