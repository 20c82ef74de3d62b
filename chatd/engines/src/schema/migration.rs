//! Numbered migrations, and how what was applied compares with what this program knows.

use super::statements;
use super::{State, Status, Target};
use crate::Error;
use sha2::{Digest as _, Sha256};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
}

/// One file of `schema/postgres` or `schema/cassandra`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Migration {
    /// Of the file's name; they are applied in this order.
    pub(super) number: i32,
    /// The file's name without its suffix: `0001_people`.
    pub(super) name: String,
    pub(super) statements: Vec<String>,
    /// SHA-256 of the statements, in hexadecimal.
    pub(super) checksum: String,
}

/// What an engine says that it was given.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    pub(super) number: i32,
    pub(super) name: String,
    pub(super) checksum: String,
    /// As RFC 3339.
    pub(super) at: String,
}

impl Migration {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let statements = statements::split(text);
        let mut hash = Sha256::new();
        for statement in &statements {
            hash.update(statement.as_bytes());
            hash.update(b";\n");
        }
        let checksum = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let number = name.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or_default();
        Self { number, name: name.to_owned(), statements, checksum }
    }
}

/// The migrations of PostgreSQL, in order.
pub(super) fn of_postgres() -> Vec<Migration> {
    embedded::POSTGRES.iter().map(|(name, text)| Migration::new(name, text)).collect()
}

/// The migrations of Cassandra, in order, with `{keyspace}` and `{replication}` still in them.
pub(super) fn of_cassandra() -> Vec<Migration> {
    embedded::CASSANDRA.iter().map(|(name, text)| Migration::new(name, text)).collect()
}

/// Where each migration stands: those that this program knows, then those that it does not.
pub(super) fn compare(target: Target, known: &[Migration], applied: &[Applied]) -> Vec<Status> {
    let status = |name: &str, state, at: Option<&Applied>, detail| Status {
        target,
        name: name.to_owned(),
        state,
        applied_at: at.map(|applied| applied.at.clone()),
        detail,
    };
    let mut all: Vec<Status> = known
        .iter()
        .map(|migration| {
            let Some(found) = applied.iter().find(|applied| applied.number == migration.number) else {
                return status(&migration.name, State::Pending, None, None);
            };
            if found.name == migration.name && found.checksum == migration.checksum {
                return status(&migration.name, State::Applied, Some(found), None);
            }
            status(&migration.name, State::Differs, Some(found), Some(altered(target, migration, found)))
        })
        .collect();
    for newer in applied.iter().filter(|applied| known.iter().all(|known| known.number != applied.number)) {
        let detail = "applied by a newer version; this one does not know it".to_owned();
        all.push(status(&newer.name, State::Newer, Some(newer), Some(detail)));
    }
    all
}

fn altered(target: Target, migration: &Migration, found: &Applied) -> String {
    let file = target.file(&migration.name);
    if found.name == migration.name {
        return format!(
            "{file} is not what was applied on {}: restore it, and put what shall change into a new migration",
            found.at
        );
    }
    format!("number {} was applied as {}, but is {file} here", found.number, found.name)
}

/// Those still to be applied.
///
/// # Errors
/// When one that was applied is altered, or unknown to this program: then nothing may be applied.
pub(super) fn pending<'a>(
    target: Target,
    known: &'a [Migration],
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, Error> {
    let all = compare(target, known, applied);
    if let Some(odd) = all.iter().find(|status| matches!(status.state, State::Differs | State::Newer)) {
        let detail = odd.detail.as_deref().unwrap_or_default();
        return Err(Error::Different(format!("{target}, {}: {detail}", odd.name)));
    }
    Ok(known.iter().zip(&all).filter(|(_, s)| s.state == State::Pending).map(|(known, _)| known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(migration: &Migration) -> Applied {
        Applied {
            number: migration.number,
            name: migration.name.clone(),
            checksum: migration.checksum.clone(),
            at: "2026-11-23T00:00:00Z".to_owned(),
        }
    }

    #[test]
    fn a_comment_more_is_the_same_migration() {
        let one = Migration::new("0001_people", "CREATE TABLE a (x int);");
        let two = Migration::new("0001_people", "-- people\nCREATE TABLE a\n(x int)");
        assert_eq!(one, two);
        assert_ne!(one.checksum, Migration::new("0001_people", "CREATE TABLE a (x bigint)").checksum);
    }

    #[test]
    fn what_is_altered_or_newer_lets_nothing_be_applied() {
        let known = [Migration::new("0001_a", "A"), Migration::new("0002_b", "B")];
        let names = |applied: &[Applied]| {
            pending(Target::Postgres, &known, applied)
                .map(|pending| pending.iter().map(|m| m.name.clone()).collect::<Vec<_>>())
                .map_err(|error| error.to_string())
        };
        assert_eq!(names(&[]), Ok(vec!["0001_a".to_owned(), "0002_b".to_owned()]));
        assert_eq!(names(&[applied(&known[0])]), Ok(vec!["0002_b".to_owned()]));
        assert_eq!(names(&[applied(&known[1])]), Ok(vec!["0001_a".to_owned()]));

        let altered = Applied { checksum: "other".to_owned(), ..applied(&known[0]) };
        let error = names(&[altered]).unwrap_err();
        assert!(error.contains("schema/postgres/0001_a.sql"), "{error}");
        let newer = applied(&Migration::new("0009_z", "Z"));
        let error = names(&[applied(&known[0]), newer]).unwrap_err();
        assert!(error.contains("0009_z") && error.contains("newer version"), "{error}");
    }

    #[test]
    fn the_files_are_numbered_from_one_on() {
        for migrations in [of_postgres(), of_cassandra()] {
            for (at, migration) in migrations.iter().enumerate() {
                assert_eq!(migration.number as usize, at + 1, "{}", migration.name);
                assert!(
                    migration.name.starts_with(&format!("{:04}_", migration.number)),
                    "{}",
                    migration.name
                );
                assert!(!migration.statements.is_empty(), "{} is empty", migration.name);
            }
        }
    }

    #[test]
    fn what_cassandra_was_half_given_can_be_given_again() {
        for migration in of_cassandra() {
            for statement in migration.statements {
                let again = ["IF NOT EXISTS", "IF EXISTS"].iter().any(|words| statement.contains(words));
                assert!(again, "{}: without IF [NOT] EXISTS: {statement}", migration.name);
            }
        }
    }
}
