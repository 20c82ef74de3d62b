//! Where the engines are, as an environment says it: the names that the seed document takes from Spring, and URLs
//! that stand in a file.

use crate::BadUrl;
use std::io;

const JDBC: &str = "jdbc:postgresql://host:5432/chatapp";

/// The URL of `kafka`, `cassandra`, `postgres` or `redis` that Spring's variables give, if they give one. `get`
/// reads a variable; one that is empty is not set.
///
/// # Errors
/// When `SPRING_DATASOURCE_URL` is of no PostgreSQL.
pub fn spring(engine: &str, get: impl Fn(&str) -> Option<String>) -> Result<Option<String>, BadUrl> {
    let get = |name: &str| get(name).filter(|text| !text.is_empty());
    let either = |of: &str, name: &str| {
        get(&format!("SPRING_{of}_{name}")).or_else(|| get(&format!("SPRING_DATA_{of}_{name}")))
    };
    Ok(match engine {
        "kafka" => get("SPRING_KAFKA_BOOTSTRAP_SERVERS").map(|servers| format!("kafka://{servers}")),
        "cassandra" => either("CASSANDRA", "CONTACT_POINTS").map(|points| {
            let keyspace = either("CASSANDRA", "KEYSPACE_NAME").unwrap_or_else(|| "chatd".to_owned());
            format!("cassandra://{points}/{keyspace}")
        }),
        "postgres" => match get("SPRING_DATASOURCE_URL") {
            Some(url) => {
                Some(postgres(&url, get("SPRING_DATASOURCE_USERNAME"), get("SPRING_DATASOURCE_PASSWORD"))?)
            }
            None => None,
        },
        "redis" => either("REDIS", "HOST").map(|host| {
            let port = either("REDIS", "PORT").unwrap_or_else(|| "6379".to_owned());
            let password = either("REDIS", "PASSWORD");
            let login = password.map(|password| format!(":{}@", escaped(&password))).unwrap_or_default();
            format!("redis://{login}{host}:{port}")
        }),
        _ => None,
    })
}

fn postgres(url: &str, user: Option<String>, password: Option<String>) -> Result<String, BadUrl> {
    let plain = url.strip_prefix("jdbc:").unwrap_or(url);
    let rest = plain.strip_prefix("postgresql://").or(plain.strip_prefix("postgres://"));
    let rest = rest.ok_or_else(|| BadUrl::new("it is of no PostgreSQL", JDBC))?;
    let login = match (user, password) {
        (None, _) => String::new(),
        (Some(user), None) => format!("{}@", escaped(&user)),
        (Some(user), Some(password)) => format!("{}:{}@", escaped(&user), escaped(&password)),
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

/// The URL itself, or what the file holds that `@FILE` names.
///
/// # Errors
/// When the file cannot be read; the message names it.
pub fn unfolded(url: &str) -> io::Result<String> {
    let Some(file) = url.strip_prefix('@') else { return Ok(url.to_owned()) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot read {file}: {error}")))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(engine: &str, pairs: &[(&str, &str)]) -> Option<String> {
        let get =
            |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        spring(engine, get).unwrap()
    }

    #[test]
    fn the_seeds_own_lines_are_understood() {
        let lines = [
            ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db:5432/chatapp"),
            ("SPRING_REDIS_HOST", "redis"),
            ("SPRING_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
            ("SPRING_DATA_CASSANDRA_CONTACT_POINTS", "one,two"),
        ];
        for (engine, url) in [
            ("postgres", "postgres://db:5432/chatapp"),
            ("redis", "redis://redis:6379"),
            ("kafka", "kafka://kafka:9092"),
            ("cassandra", "cassandra://one,two/chatd"),
        ] {
            assert_eq!(read(engine, &lines).as_deref(), Some(url));
            assert_eq!(read(engine, &[]), None);
        }
        assert_eq!(read("kafka", &[("SPRING_KAFKA_BOOTSTRAP_SERVERS", "")]), None);
    }

    #[test]
    fn a_password_may_hold_anything() {
        let lines = [
            ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/x"),
            ("SPRING_DATASOURCE_USERNAME", "ann"),
            ("SPRING_DATASOURCE_PASSWORD", "p@ss/w%rd"),
        ];
        assert_eq!(read("postgres", &lines).unwrap(), "postgres://ann:p%40ss%2Fw%25rd@db/x");
        let wrong = spring("postgres", |_| Some("jdbc:mysql://db/x".to_owned())).unwrap_err();
        assert!(wrong.to_string().contains("jdbc:postgresql://"), "{wrong}");
    }

    #[test]
    fn a_url_may_stand_in_a_file() {
        assert_eq!(unfolded("redis://h").unwrap(), "redis://h");
        let file = std::env::temp_dir().join(format!("chatd-url-{}", std::process::id()));
        std::fs::write(&file, "redis://:s@h\n").unwrap();
        assert_eq!(unfolded(&format!("@{}", file.display())).unwrap(), "redis://:s@h");
        std::fs::remove_file(&file).unwrap();
        let gone = unfolded(&format!("@{}", file.display())).unwrap_err();
        assert!(gone.to_string().contains(&*file.to_string_lossy()), "{gone}");
    }
}
