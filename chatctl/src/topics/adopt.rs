//! `chatctl topic adopt`.

use super::full_name;
use crate::cli::Globals;
use crate::output::{self, Show};
use crate::place::Place;
use crate::schemas::answer;
use clap::Args;
use engines::epoch::{self, Adopted};
use engines::kafka::Kafka;
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The topic's name, with the prefix or without.
    name: String,
    /// Yes: the topic that is there now is meant, and what history was built from before is gone.
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Epoch {
    topic: String,
    topic_id: String,
    epoch: u32,
    /// Whether it was another topic before.
    raised: bool,
}

pub(super) async fn run(
    args: &Adopt,
    kafka: &Kafka,
    place: &Place,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let name = full_name(kafka, &args.name);
    if !args.yes {
        let message = format!("adopting {name} gives up what is left of the log before it");
        return Err(Failure::usage(message, "look at `chatctl topic describe`, then say --yes"));
    }
    let postgres = place.postgres()?;
    let adopted = answer(epoch::adopt(kafka, &postgres, &name), globals).await?;
    let Adopted { topic, topic_id, epoch, raised } = adopted;
    output::show(&Epoch { topic, topic_id, epoch, raised }, globals.output)?;
    if !raised {
        output::remark("the epoch is not raised: no other log is known of this name");
    }
    Ok(Exit::Ok)
}

impl Show for Epoch {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["TOPIC", "ID", "EPOCH"].map(str::to_owned).to_vec();
        vec![heading, vec![self.topic.clone(), self.topic_id.clone(), self.epoch.to_string()]]
    }
}
