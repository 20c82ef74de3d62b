//! `chatctl schema plan`.

use super::{Engines, answer};
use crate::cli::Globals;
use crate::output::{self, Format, Show};
use engines::schema::{Change, Target};
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Serialize)]
struct Plan {
    changes: Vec<Change>,
}

/// Exits 3 when there is something to do.
pub(super) async fn run(engines: &Engines, globals: &Globals) -> Result<Exit, Failure> {
    let plan = Plan { changes: answer(engines.plan(), globals).await? };
    match globals.output {
        Some(Format::Json) => output::show(&plan, globals.output)?,
        _ => output::print(&plan.text())?,
    }
    if plan.changes.is_empty() {
        output::remark("nothing to do");
        return Ok(Exit::Ok);
    }
    Ok(Exit::Differs)
}

impl Plan {
    /// As a script of each engine would have it; what is done to a topic, in words.
    fn text(&self) -> String {
        let mut text = String::new();
        for change in &self.changes {
            text.push_str(&format!("-- {} {}\n", change.target, change.name));
            let end = if change.target == Target::Kafka { "" } else { ";" };
            change.statements.iter().for_each(|statement| text.push_str(&format!("{statement}{end}\n")));
        }
        text
    }
}

impl Show for Plan {
    fn rows(&self) -> Vec<Vec<String>> {
        self.text().lines().map(|line| vec![line.to_owned()]).collect()
    }
}
