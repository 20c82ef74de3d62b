//! The names of the seed document's environment, understood beside `CHATD_*`, which win.

use crate::exit::{Exit, Failure};

/// The keys that these variables set, with their values.
pub(super) fn keys(environment: &[(String, String)]) -> Result<Vec<(&'static str, String)>, Failure> {
    let get = |name: &str| {
        let found = environment.iter().find(|(known, text)| known == name && !text.is_empty());
        found.map(|(_, text)| text.as_str())
    };
    let mut keys = Vec::new();
    if let Some(url) = get("SPRING_DATASOURCE_URL") {
        let (user, password) = (get("SPRING_DATASOURCE_USERNAME"), get("SPRING_DATASOURCE_PASSWORD"));
        keys.push(("stores.postgres", postgres(url, user, password)?));
    }
    if let Some(servers) = get("SPRING_KAFKA_BOOTSTRAP_SERVERS") {
        keys.push(("stores.kafka", format!("kafka://{servers}")));
    }
    let cassandra = get("SPRING_CASSANDRA_CONTACT_POINTS").or(get("SPRING_DATA_CASSANDRA_CONTACT_POINTS"));
    if let Some(points) = cassandra {
        let keyspace = get("SPRING_CASSANDRA_KEYSPACE_NAME").or(get("SPRING_DATA_CASSANDRA_KEYSPACE_NAME"));
        keys.push(("stores.cassandra", format!("cassandra://{points}/{}", keyspace.unwrap_or("chatd"))));
    }
    if let Some(host) = get("SPRING_REDIS_HOST").or(get("SPRING_DATA_REDIS_HOST")) {
        let port = get("SPRING_REDIS_PORT").or(get("SPRING_DATA_REDIS_PORT")).unwrap_or("6379");
        let password = get("SPRING_REDIS_PASSWORD").or(get("SPRING_DATA_REDIS_PASSWORD"));
        let login = password.map(|password| format!(":{}@", escaped(password))).unwrap_or_default();
        keys.push(("stores.redis", format!("redis://{login}{host}:{port}")));
    }
    // A profile that is meant for production wants its logs for machines.
    if get("SPRING_PROFILES_ACTIVE")
        .is_some_and(|profiles| profiles.split(',').any(|one| one.trim() == "prod"))
    {
        keys.push(("log.format", "json".to_owned()));
    }
    Ok(keys)
}

fn postgres(url: &str, user: Option<&str>, password: Option<&str>) -> Result<String, Failure> {
    let Some(rest) = url.strip_prefix("jdbc:postgresql://").or(url.strip_prefix("postgres://")) else {
        let hint = "write it as jdbc:postgresql://host:5432/chatapp";
        return Err(Failure::new(Exit::BadKey, "environment SPRING_DATASOURCE_URL: no PostgreSQL URL", hint));
    };
    let login = match (user, password) {
        (None, _) => String::new(),
        (Some(user), None) => format!("{}@", escaped(user)),
        (Some(user), Some(password)) => format!("{}:{}@", escaped(user), escaped(password)),
    };
    Ok(format!("postgres://{login}{rest}"))
}

/// A text as it stands in the login of a URL (RFC 3986, 3.2.1).
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        keys(&pairs).unwrap()
    }

    #[test]
    fn the_seeds_own_lines_are_understood() {
        let keys = read(&[
            ("SPRING_PROFILES_ACTIVE", "prod"),
            ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db:5432/chatapp"),
            ("SPRING_REDIS_HOST", "redis"),
            ("SPRING_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
        ]);
        let expected = [
            ("stores.postgres", "postgres://db:5432/chatapp"),
            ("stores.kafka", "kafka://kafka:9092"),
            ("stores.redis", "redis://redis:6379"),
            ("log.format", "json"),
        ];
        assert_eq!(keys, expected.map(|(key, text)| (key, text.to_owned())));
        assert!(read(&[]).is_empty());
    }

    #[test]
    fn a_password_may_hold_anything() {
        let keys = read(&[
            ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/x"),
            ("SPRING_DATASOURCE_USERNAME", "ann"),
            ("SPRING_DATASOURCE_PASSWORD", "p@ss/w%rd"),
        ]);
        assert_eq!(keys, [("stores.postgres", "postgres://ann:p%40ss%2Fw%25rd@db/x".to_owned())]);
    }
}
