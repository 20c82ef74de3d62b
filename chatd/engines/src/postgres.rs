//! PostgreSQL by its URL: people, sessions, secrets, and which processes there are.

mod adopt;
mod database;

pub use adopt::adopt;
pub use database::{Database, Missing};

use crate::{BadUrl, Error};
use schema::limits::{POSTGRES_ACQUIRE_TIME, POSTGRES_CONNECT_TIME, POSTGRES_STATEMENT_TIME};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};
use std::fmt;
use std::time::Duration;

const EXAMPLE: &str = "postgres://user:password@host:5432/chatd[?sslmode=verify-full&sslrootcert=FILE]";
/// What may stand behind the question mark; the last three are of JDBC.
const PARAMETERS: [&str; 13] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "user",
    "password",
    "host",
    "port",
    "dbname",
    "application_name",
    "ApplicationName",
    "ssl",
    "loginTimeout",
];
/// A connection that was idle for longer is asked for a sign of life before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// Where PostgreSQL is and as whom it is entered. What a URL leaves out comes from the variables `PGHOST`,
/// `PGUSER`, `PGPASSWORD`, … as with psql.
#[derive(Clone)]
pub struct Postgres {
    options: PgConnectOptions,
}

impl Postgres {
    /// Reads `postgres://…`, `postgresql://…` or, as Spring writes it, `jdbc:postgresql://…`.
    ///
    /// # Errors
    /// When it is no such URL or has a parameter that is not known.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let bad = |wrong: String| BadUrl::new(wrong, EXAMPLE);
        let plain = url.strip_prefix("jdbc:").unwrap_or(url);
        if !plain.starts_with("postgres://") && !plain.starts_with("postgresql://") {
            return Err(bad("it does not begin with postgres://".to_owned()));
        }
        let (place, query) = plain.split_once('?').unwrap_or((plain, ""));
        let mut parameters = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            parameters.extend(translated(parameter).map_err(bad)?);
        }
        let url = format!("{place}?{}", parameters.join("&"));
        let options: PgConnectOptions = url.parse().map_err(|cause: sqlx::Error| match cause {
            sqlx::Error::Configuration(cause) => bad(format!("it cannot be read ({cause})")),
            _ => bad("it cannot be read".to_owned()),
        })?;
        Ok(Self { options: options.application_name("chatd") })
    }

    /// The same with another database on the same server.
    #[must_use]
    pub fn with_database(mut self, database: &str) -> Self {
        self.options = self.options.database(database);
        self
    }

    /// The same for a server's own traffic: the engine ends each statement after `POSTGRES_STATEMENT_TIME`,
    /// and a transaction that nobody goes on with. Not for migrations, which may take long.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let time = POSTGRES_STATEMENT_TIME.as_millis().to_string();
        let names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
        self.options = self.options.options(names.map(|name| (name, time.clone())));
        self
    }

    /// Host, port and database, for messages.
    pub fn address(&self) -> String {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        match self.options.get_socket() {
            Some(folder) => format!("{}/{database}", folder.display()),
            None => format!("{}:{}/{database}", self.options.get_host(), self.options.get_port()),
        }
    }

    /// A pool of at most this many connections, one of which is made now. Who asks for one waits for
    /// `POSTGRES_ACQUIRE_TIME` at most, also while PostgreSQL is away.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer in time, `Refused` when it does not let us in.
    pub async fn connect(&self, connections: u32) -> Result<PgPool, Error> {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(POSTGRES_ACQUIRE_TIME)
            // Asking each time would double the round trips; a connection that just answered is alive.
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for <= FRESH {
                        return Ok(true);
                    }
                    let asked = tokio::time::timeout(POSTGRES_CONNECT_TIME, connection.ping());
                    Ok(matches!(asked.await, Ok(Ok(()))))
                })
            })
            .connect_with(self.options.clone())
            .await;
        pool.map_err(|cause| self.not_connected(&cause))
    }

    fn not_connected(&self, cause: &sqlx::Error) -> Error {
        let address = self.address();
        let wait = POSTGRES_ACQUIRE_TIME.as_secs();
        match cause {
            sqlx::Error::PoolTimedOut => Error::Unavailable(format!(
                "PostgreSQL at {address} does not answer within {wait} s: is it up?"
            )),
            sqlx::Error::Io(cause) => {
                Error::Unavailable(format!("PostgreSQL at {address}: {cause}: is it up?"))
            }
            sqlx::Error::Database(told) => {
                let text = format!("PostgreSQL at {address}: {}", told.message());
                // Of the connection, of its resources, and of its start or end: these pass.
                let passing = ["08", "53", "57P"];
                let code = told.code().unwrap_or_default();
                if passing.iter().any(|class| code.starts_with(class)) {
                    return Error::Unavailable(text);
                }
                match code.as_ref() {
                    "3D000" => Error::Refused(format!("{text}: `chatctl schema apply` makes it")),
                    "28P01" | "28000" => Error::Refused(format!("{text}: correct stores.postgres")),
                    _ => Error::Refused(text),
                }
            }
            other => Error::Refused(format!("PostgreSQL at {address}: {other}")),
        }
    }
}

/// A parameter as sqlx knows it; none when it means nothing here.
fn translated(parameter: &str) -> Result<Option<String>, String> {
    let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    if !PARAMETERS.contains(&key) {
        // A password with a question mark that is not escaped ends up here: only what looks like a name is told.
        let name =
            key.len() <= 32 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let told = if name && !key.is_empty() { key } else { "" };
        return Err(format!("the parameter {told:?} is not one of {}", PARAMETERS.join(", ")));
    }
    match (key, value) {
        // What JDBC's `ssl=true` stands for.
        ("ssl", "true") => Ok(Some("sslmode=verify-full".to_owned())),
        ("ssl", "false") => Ok(Some("sslmode=disable".to_owned())),
        ("ssl", _) => Err("ssl is neither true nor false".to_owned()),
        ("ApplicationName" | "application_name" | "loginTimeout", _) => Ok(None),
        _ => Ok(Some(parameter.to_owned())),
    }
}

/// Without the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@{}", self.options.get_username(), self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::PgSslMode;

    #[test]
    fn reads_its_own_url_and_springs() {
        let own = Postgres::parse("postgres://anna:s%40cret@db:5433/chat?sslmode=require").unwrap();
        assert_eq!(format!("{own:?}"), "postgres://anna@db:5433/chat");
        assert!(matches!(own.options.get_ssl_mode(), PgSslMode::Require));
        let springs = Postgres::parse("jdbc:postgresql://ben@db:5432/chat?ssl=true&loginTimeout=3").unwrap();
        assert_eq!(format!("{springs:?}"), "postgres://ben@db:5432/chat");
        assert!(matches!(springs.options.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(springs.with_database("other").address(), "db:5432/other");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (url, wrong) in [
            ("mysql://u:hunter2@h/d", "does not begin with postgres://"),
            ("postgres://u:hunter2@h:x/d", "cannot be read"),
            ("postgres://u:hunter2@h/d?sslmod=require", "\"sslmod\""),
            ("postgres://u:hunter2@h/d?sslmode=maybe", "cannot be read"),
            ("postgres://u:?hunter2@h/d", "the parameter \"\""),
            ("jdbc:postgresql://h/d?ssl=perhaps&password=hunter2", "neither true nor false"),
        ] {
            let told = Postgres::parse(url).unwrap_err().to_string();
            assert!(told.contains(wrong) && told.contains("host:5432/chatd"), "{url}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[tokio::test]
    async fn who_is_not_there_is_named() {
        let nobody = Postgres::parse("postgres://u:hunter2@127.0.0.1:1/d").unwrap();
        let told = nobody.connect(1).await.unwrap_err();
        assert!(told.retryable() && told.to_string().contains("127.0.0.1:1/d"), "{told}");
        assert!(!told.to_string().contains("hunter2"), "{told}");
    }
}
