//! Broken promises, by class and by where they showed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Examples that are kept to name in the report.
const EXAMPLES: usize = 10;

/// A kind of broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Acknowledged or received, but not in history.
    Lost,
    /// More than once.
    Duplicated,
    /// Before one that was sent earlier.
    Reordered,
    /// Content that no sender wrote.
    Corrupted,
    /// With the wrong person, or under the wrong name.
    Misdelivered,
    /// Never sent, or refused, and there all the same.
    Phantom,
    /// A sequence of a conversation that is missing or out of turn.
    Gap,
}

impl Class {
    pub const ALL: [Class; 7] = [
        Class::Lost,
        Class::Duplicated,
        Class::Reordered,
        Class::Corrupted,
        Class::Misdelivered,
        Class::Phantom,
        Class::Gap,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Class::Lost => "lost",
            Class::Duplicated => "duplicated",
            Class::Reordered => "reordered",
            Class::Corrupted => "corrupted",
            Class::Misdelivered => "misdelivered",
            Class::Phantom => "phantom",
            Class::Gap => "sequenceGaps",
        }
    }
}

/// Counts by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    lost: u64,
    duplicated: u64,
    reordered: u64,
    corrupted: u64,
    misdelivered: u64,
    phantom: u64,
    sequence_gaps: u64,
}

impl Counts {
    pub fn of(&self, class: Class) -> u64 {
        *self.clone().place(class)
    }

    fn place(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::Lost => &mut self.lost,
            Class::Duplicated => &mut self.duplicated,
            Class::Reordered => &mut self.reordered,
            Class::Corrupted => &mut self.corrupted,
            Class::Misdelivered => &mut self.misdelivered,
            Class::Phantom => &mut self.phantom,
            Class::Gap => &mut self.sequence_gaps,
        }
    }
}

/// All that was found, apart by where it showed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Violations {
    /// Seen on the sockets.
    pub live: Counts,
    /// Seen in history after the drain.
    pub history: Counts,
    /// The first few, in words.
    pub examples: Vec<String>,
}

impl Violations {
    pub fn live(&mut self, class: Class, what: impl FnOnce() -> String) {
        *self.live.place(class) += 1;
        self.example(class, "live", what);
    }

    pub fn history(&mut self, class: Class, what: impl FnOnce() -> String) {
        *self.history.place(class) += 1;
        self.example(class, "history", what);
    }

    /// Violations in all.
    pub fn total(&self) -> u64 {
        Class::ALL.iter().map(|class| self.live.of(*class) + self.history.of(*class)).sum()
    }

    pub fn merge(&mut self, other: Violations) {
        for class in Class::ALL {
            *self.live.place(class) += other.live.of(class);
            *self.history.place(class) += other.history.of(class);
        }
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    fn example(&mut self, class: Class, place: &str, what: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(format!("{} ({place}): {}", class.name(), what()));
        }
    }
}
