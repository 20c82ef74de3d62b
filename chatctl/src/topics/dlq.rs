//! `chatctl topic dlq`.

use crate::cli::Globals;
use crate::output::{self, Show};
use crate::schemas::answer;
use clap::Args;
use engines::kafka::{DeadLetter, Kafka, dead_letters};
use schema::exit::{Exit, Failure};
use serde::Serialize;

/// Dead letters of one answer, at most.
const MOST: u64 = 10_000;

#[derive(Debug, Args)]
pub(crate) struct Dlq {
    /// Records from the oldest that is kept, at most 10000.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=MOST))]
    limit: u64,
}

#[derive(Serialize)]
struct Letters {
    letters: Vec<Letter>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Letter {
    /// Its own offset among the dead letters.
    dlq_offset: u64,
    #[serde(flatten)]
    letter: DeadLetter,
}

pub(super) async fn run(args: &Dlq, kafka: &Kafka, globals: &Globals) -> Result<Exit, Failure> {
    let max = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let found = answer(dead_letters(kafka, max), globals).await?;
    let letters = found.into_iter().map(|(dlq_offset, letter)| Letter { dlq_offset, letter }).collect();
    output::show(&Letters { letters }, globals.output)?;
    Ok(Exit::Ok)
}

impl Show for Letters {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["DLQ OFFSET", "EPOCH", "PARTITION", "OFFSET", "REASON"].map(str::to_owned).to_vec();
        let row = |letter: &Letter| {
            vec![
                letter.dlq_offset.to_string(),
                letter.letter.epoch.to_string(),
                letter.letter.partition.to_string(),
                letter.letter.offset.to_string(),
                letter.letter.reason.clone(),
            ]
        };
        std::iter::once(heading).chain(self.letters.iter().map(row)).collect()
    }
}
