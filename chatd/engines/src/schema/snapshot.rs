//! What the migrations make, kept as it was found after they were applied, so that `verify` needs to
//! write nothing. A test on the real servers writes it anew: `UPDATE_SNAPSHOTS=1`, tests/schema.rs.

use super::migration::Migration;
use super::{Difference, State, Status, Target};
use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Each thing by its name (`table users, column id`), and what it is.
pub type Facts = BTreeMap<String, String>;

const POSTGRES: &str = include_str!("../../../../schema/postgres/snapshot.json");
const CASSANDRA: &str = include_str!("../../../../schema/cassandra/snapshot.json");

/// What migrations make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The migrations that it was taken after, with their checksums.
    pub migrations: BTreeMap<String, String>,
    pub facts: Facts,
}

impl Snapshot {
    pub(super) fn new(migrations: &[Migration], facts: Facts) -> Self {
        let migrations =
            migrations.iter().map(|known| (known.name.clone(), known.checksum.clone())).collect();
        Self { migrations, facts }
    }

    /// The one that was built in.
    ///
    /// # Errors
    /// When it cannot be read; a test keeps that from happening.
    fn embedded(target: Target) -> Result<Self, Error> {
        let text = match target {
            Target::Cassandra => CASSANDRA,
            _ => POSTGRES,
        };
        let odd = |error| Error::Different(format!("schema/{target}/snapshot.json: {error}"));
        serde_json::from_str(text).map_err(odd)
    }
}

/// How what was found differs from what the migrations make, and what helps.
pub(super) fn verify(target: Target, stand: &[Status], found: &Facts) -> Result<Vec<Difference>, Error> {
    let any = |state| stand.iter().any(|status| status.state == state);
    let help = if any(State::Pending) {
        "migrations are pending: `chatctl schema apply`"
    } else if any(State::Newer) {
        "a newer version was here: verify with that one, see `chatctl schema status`"
    } else {
        "no migration did this: undo it by hand"
    };
    let mut all = differences(target, &Snapshot::embedded(target)?.facts, found);
    all.iter_mut().for_each(|difference| difference.help = Some(help.to_owned()));
    Ok(all)
}

/// How what was found differs. Of a thing that is missing its parts are not told, nor is a table that is
/// not ours: others may keep theirs beside.
fn differences(target: Target, expected: &Facts, found: &Facts) -> Vec<Difference> {
    let whole = |name: &str| name.split_once(", ").map(|(whole, _)| whole.to_owned());
    let difference = |object: &str, expected: Option<&String>, found: Option<&String>| Difference {
        target,
        object: object.to_owned(),
        expected: expected.cloned(),
        found: found.cloned(),
        help: None,
    };
    let mut all = Vec::new();
    for (name, text) in expected {
        let there = found.get(name);
        let whole_is_missing = whole(name).is_some_and(|whole| !found.contains_key(&whole));
        if there != Some(text) && !whole_is_missing {
            all.push(difference(name, Some(text), there));
        }
    }
    for (name, text) in found {
        let ours = whole(name).is_some_and(|whole| expected.contains_key(&whole));
        if ours && !expected.contains_key(name) {
            all.push(difference(name, None, Some(text)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::migration;
    use super::*;

    fn facts(facts: &[(&str, &str)]) -> Facts {
        facts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_missing_table_is_told_once_and_a_foreign_one_not_at_all() {
        let expected = facts(&[("table a", "logged"), ("table a, column x", "uuid"), ("table b", "logged")]);
        let told = |found: &[(&str, &str)]| {
            let found = facts(found);
            differences(Target::Postgres, &expected, &found).iter().map(|d| d.what()).collect::<Vec<_>>()
        };
        assert_eq!(told(&[("table b", "logged")]), ["table a is missing"]);
        let all = [("table a", "logged"), ("table a, column x", "uuid"), ("table b", "logged")];
        assert!(
            told(&[&all[..], &[("table c", "logged"), ("table c, column y", "text")]].concat()).is_empty()
        );
        assert_eq!(
            told(&[&all[..], &[("table a, column y", "text")]].concat()),
            ["table a, column y should not be there"]
        );
        assert_eq!(
            told(&[("table a", "logged"), ("table a, column x", "text"), ("table b", "logged")]),
            ["table a, column x is text, not uuid"]
        );
    }

    #[test]
    fn the_snapshots_were_taken_after_these_migrations() {
        let all =
            [(Target::Postgres, migration::of_postgres()), (Target::Cassandra, migration::of_cassandra())];
        for (target, migrations) in all {
            let kept = Snapshot::embedded(target).unwrap();
            let now = Snapshot::new(&migrations, kept.facts.clone());
            assert_eq!(kept, now, "UPDATE_SNAPSHOTS=1, tests/schema.rs, with the servers up");
        }
    }
}
