//! The names of the seed document's environment, understood beside `CHATD_*`, which win.

use crate::exit::{Exit, Failure};

/// The keys that these variables set, with their values.
pub(super) fn keys(environment: &[(String, String)]) -> Result<Vec<(&'static str, String)>, Failure> {
    let get = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.clone())
    };
    let engines = [
        ("stores.postgres", "postgres"),
        ("stores.kafka", "kafka"),
        ("stores.cassandra", "cassandra"),
        ("stores.redis", "redis"),
    ];
    let mut keys = Vec::new();
    for (key, engine) in engines {
        let url = engines::environment::spring(engine, get).map_err(|error| {
            let message = format!("environment SPRING_DATASOURCE_URL: {}", error.wrong);
            Failure::new(Exit::BadKey, message, format!("write it as {}", error.example))
        })?;
        keys.extend(url.map(|url| (key, url)));
    }
    // A profile that is meant for production wants its logs for machines.
    if get("SPRING_PROFILES_ACTIVE")
        .is_some_and(|profiles| profiles.split(',').any(|one| one.trim() == "prod"))
    {
        keys.push(("log.format", "json".to_owned()));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_and_the_profile_become_keys() {
        let set = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let environment = [
            set("SPRING_PROFILES_ACTIVE", "prod"),
            set("SPRING_DATASOURCE_URL", "jdbc:postgresql://db:5432/chatapp"),
            set("SPRING_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
        ];
        let expected = [
            ("stores.postgres", "postgres://db:5432/chatapp"),
            ("stores.kafka", "kafka://kafka:9092"),
            ("log.format", "json"),
        ];
        assert_eq!(keys(&environment).unwrap(), expected.map(|(key, text)| (key, text.to_owned())));
        assert!(keys(&[]).unwrap().is_empty());
        assert!(keys(&[set("SPRING_DATASOURCE_URL", "jdbc:mysql://db/x")]).is_err());
    }
}
