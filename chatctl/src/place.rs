//! Where the engines are: never on the command line, where everybody on the machine can read a password.

use clap::Args;
use engines::cassandra::Cassandra;
use engines::kafka::Kafka;
use engines::postgres::Postgres;
use engines::schema::{Schema, Target};
use engines::{BadUrl, Error, environment};
use schema::exit::{Exit, Failure};
use std::path::PathBuf;

/// Said below the help of the nouns that reach the engines themselves.
pub(crate) const HELP: &str = "\
Where the engines are, from the first of these that says so:
  CHATD_STORES__KAFKA, CHATD_STORES__CASSANDRA, CHATD_STORES__POSTGRES
  SPRING_KAFKA_BOOTSTRAP_SERVERS, SPRING_CASSANDRA_CONTACT_POINTS,
    SPRING_DATASOURCE_URL, SPRING_DATASOURCE_USERNAME, SPRING_DATASOURCE_PASSWORD
  stores.kafka, stores.cassandra, stores.postgres in the file of --config
`chatd config doc` shows how each URL is written. @FILE is read from that file.";

/// Where the engines are, beside the environment.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// chatd's configuration file; the environment beats it.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl Place {
    /// Kafka, which must be named.
    pub(crate) fn kafka(&self) -> Result<Kafka, Failure> {
        self.find_kafka()?.ok_or_else(|| missing(&[Target::Kafka]))
    }

    /// PostgreSQL, which must be named.
    pub(crate) fn postgres(&self) -> Result<Postgres, Failure> {
        self.find_postgres()?.ok_or_else(|| missing(&[Target::Postgres]))
    }

    /// Those of the engines that are meant; all of them must be named. Where none is picked out, all are meant.
    pub(crate) fn schema(&self, only: &[Target]) -> Result<Schema, Failure> {
        let meant = |target| only.is_empty() || only.contains(&target);
        let schema = Schema {
            postgres: if meant(Target::Postgres) { self.find_postgres()? } else { None },
            cassandra: if meant(Target::Cassandra) { self.find_cassandra()? } else { None },
            kafka: if meant(Target::Kafka) { self.find_kafka()? } else { None },
        };
        let found = [
            (Target::Postgres, schema.postgres.is_some()),
            (Target::Cassandra, schema.cassandra.is_some()),
            (Target::Kafka, schema.kafka.is_some()),
        ];
        let lacking: Vec<_> = found
            .iter()
            .filter(|(target, found)| meant(*target) && !found)
            .map(|(target, _)| *target)
            .collect();
        if lacking.is_empty() { Ok(schema) } else { Err(missing(&lacking)) }
    }

    fn find_kafka(&self) -> Result<Option<Kafka>, Failure> {
        let found = self.find(Target::Kafka)?;
        found.map(|(name, url)| Kafka::parse(&url).map_err(|error| bad(&name, &error))).transpose()
    }

    fn find_cassandra(&self) -> Result<Option<Cassandra>, Failure> {
        let found = self.find(Target::Cassandra)?;
        found.map(|(name, url)| Cassandra::parse(&url).map_err(|error| bad(&name, &error))).transpose()
    }

    fn find_postgres(&self) -> Result<Option<Postgres>, Failure> {
        let found = self.find(Target::Postgres)?;
        found.map(|(name, url)| Postgres::parse(&url).map_err(|error| bad(&name, &error))).transpose()
    }

    /// An engine's URL and what named it.
    fn find(&self, target: Target) -> Result<Option<(String, String)>, Failure> {
        let own = own_variable(target);
        if let Some(url) = variable(&own) {
            return Ok(Some((own.clone(), unfolded(&own, &url)?)));
        }
        let name = format!("SPRING_* for {target}");
        if let Some(url) =
            environment::spring(&target.to_string(), variable).map_err(|error| bad(&name, &error))?
        {
            return Ok(Some((name, url)));
        }
        let key = format!("stores.{target}");
        match self.file(&target.to_string())? {
            Some(url) => Ok(Some((key.clone(), unfolded(&key, &url)?))),
            None => Ok(None),
        }
    }

    /// A key of the section `stores` of the configuration file.
    fn file(&self, key: &str) -> Result<Option<String>, Failure> {
        let Some(path) = &self.config else { return Ok(None) };
        let hint = "name chatd's configuration file; `chatd config doc` prints one that is well formed";
        let wrong = |why: String| Failure::usage(format!("--config {}: {why}", path.display()), hint);
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let value = table.get("stores").and_then(|stores| stores.get(key));
        Ok(value.and_then(toml::Value::as_str).filter(|url| !url.is_empty()).map(str::to_owned))
    }
}

fn own_variable(target: Target) -> String {
    format!("CHATD_STORES__{}", target.to_string().to_uppercase())
}

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The URL itself, or what the file holds that `@FILE` names.
fn unfolded(name: &str, url: &str) -> Result<String, Failure> {
    environment::unfolded(url)
        .map_err(|error| Failure::usage(format!("{name}: {error}"), "name a file with the URL"))
}

fn bad(name: &str, error: &BadUrl) -> Failure {
    Failure::usage(format!("{name}: {error}"), "`chatd config doc` shows how each URL is written")
}

fn missing(targets: &[Target]) -> Failure {
    let words: Vec<_> = targets.iter().map(|target| format!("stores.{target}")).collect();
    let variables: Vec<_> = targets.iter().map(|target| own_variable(*target)).collect();
    let message = format!("not set: {}", words.join(", "));
    let hint = format!(
        "set {}, or name chatd's configuration file with --config; Spring's names do as well, see --help",
        variables.join(", ")
    );
    Failure::coded(Exit::Usage, "no-engine", message, hint)
}

/// An engine's error as ours.
pub(crate) fn failed(error: Error) -> Failure {
    match error {
        Error::Unavailable(text) => Failure::new(Exit::Unreachable, text, "the same command may be repeated"),
        Error::Refused(text) => {
            Failure::coded(Exit::Failed, "engine-refused", text, "correct what is named and repeat")
        }
        Error::Different(text) => Failure::coded(
            Exit::Refused,
            "schema-differs",
            text,
            "`chatctl schema status` shows where each stands",
        ),
    }
}
