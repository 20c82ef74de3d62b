//! Which set of stores is meant, and where it is.

use super::Config;
use crate::exit::{Exit, Failure};
use cluster::Engines;
use engines::cassandra::Cassandra;
use engines::kafka::Kafka;
use engines::postgres::Postgres;
use engines::redis::Redis;

impl Config {
    /// The engines, or `None` where everything is in the data folder.
    pub(crate) fn stores(&self) -> Result<Option<Engines>, Failure> {
        let stores = &self.stores;
        let keys = [
            ("stores.kafka", &stores.kafka),
            ("stores.cassandra", &stores.cassandra),
            ("stores.postgres", &stores.postgres),
            ("stores.redis", &stores.redis),
        ];
        let missing: Vec<&str> =
            keys.iter().filter(|(_, text)| text.is_empty()).map(|(key, _)| *key).collect();
        if missing.len() == keys.len() {
            return Ok(None);
        }
        if !missing.is_empty() {
            let hint = "set all four for the clustered set, or none for the embedded one";
            let message = format!("configuration: {} not set", and(&missing));
            return Err(Failure::new(Exit::BadKey, message, hint));
        }
        let read = |at: usize| text(keys[at].0, keys[at].1);
        let bad = |at: usize| move |error: engines::BadUrl| bad(keys[at].0, &error.to_string());
        Ok(Some(Engines {
            kafka: Kafka::parse(&read(0)?).map_err(bad(0))?,
            cassandra: Cassandra::parse(&read(1)?).map_err(bad(1))?,
            postgres: Postgres::parse(&read(2)?).map_err(bad(2))?,
            redis: Redis::parse(&read(3)?).map_err(bad(3))?,
        }))
    }
}

/// The URL itself, or what the file holds that it names.
fn text(key: &str, url: &str) -> Result<String, Failure> {
    engines::environment::unfolded(url).map_err(|error| Failure::io(key.to_owned(), &error))
}

fn bad(key: &str, reason: &str) -> Failure {
    let hint = "`chatd config doc` shows how each URL is written";
    Failure::new(Exit::BadKey, format!("configuration: {key}: {reason}"), hint)
}

fn and(words: &[&str]) -> String {
    match words {
        [one] => format!("{one} is"),
        [first @ .., last] => format!("{} and {last} are", first.join(", ")),
        [] => String::new(),
    }
}

/// A URL as it may be shown: without its password.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority
        .rsplit_once('@')
        .and_then(|(login, _)| login.split_once(':').map(|(user, _)| (login, user)))
    {
        Some((login, user)) => format!("{scheme}://{user}:***{}", &rest[login.len()..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(masked("postgres://ann:secret@db:5432/x"), "postgres://ann:***@db:5432/x");
        assert_eq!(masked("redis://:s@h"), "redis://:***@h");
        for plain in ["kafka://a:1,b:2", "postgres://ann@db/x", "@/run/secrets/url", ""] {
            assert_eq!(masked(plain), plain);
        }
    }
}
