//! Redis: how it is reached. One server, or one behind a name that follows the primary; a Redis Cluster is
//! not supported, because the scripts of `cluster` touch several keys.

use crate::{BadUrl, Error};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSub};
use redis::{Client, ConnectionAddr, ErrorKind, RedisError, ServerErrorKind, TlsCertificates};
use schema::limits::{REDIS_CONNECT_TIME, REDIS_QUEUE, REDIS_TIME};
use std::fmt;
use std::path::PathBuf;
use tokio::time::timeout;

const EXAMPLE: &str =
    "redis://[[user]:password@]host:6379[/database][?prefix=x:], or rediss:// for TLS [?ca=FILE]";
/// The first version that has every command which `cluster` uses.
const OLDEST: (u32, u32) = (6, 2);

/// A Redis, as its URL names it. Every key begins with its prefix, if there is one.
#[derive(Clone)]
pub struct Redis {
    url: String,
    client: Client,
    prefix: String,
    /// PEM file of the authority that signed the server's certificate; `None`: one that the system trusts.
    ca: Option<PathBuf>,
}

/// Without user and password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Redis");
        shown.field("server", &self.server()).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Redis {
    /// Reads `redis://` (plain) or `rediss://` (TLS).
    ///
    /// # Errors
    /// When the URL is of another kind, has no host, or a parameter or fragment that is not known.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let bad = |wrong: &str| BadUrl::new(wrong, EXAMPLE);
        let read = redis::parse_redis_url(url).ok_or_else(|| bad("no URL of a Redis"))?;
        let tls = match read.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(bad("the scheme is neither redis nor rediss")),
        };
        if read.fragment().is_some() {
            return Err(bad("a fragment (#...) is not taken: certificates are always checked"));
        }
        let (mut prefix, mut ca) = (String::new(), None);
        for (name, value) in read.query_pairs() {
            match &*name {
                "prefix" => prefix = value.into_owned(),
                "ca" if tls => ca = Some(PathBuf::from(&*value)),
                "ca" => return Err(bad("ca= is for rediss://")),
                _ => return Err(bad("a parameter other than prefix and ca")),
            }
        }
        // What the driver complains of names a part of the URL, never its password.
        let client = Client::open(url).map_err(|error| bad(error.detail().unwrap_or("it cannot be read")))?;
        Ok(Self { url: url.to_owned(), client, prefix, ca })
    }

    /// Where a value is kept.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A connection that many share and that is made anew when it breaks. A command is answered, or fails, in
    /// `limits::REDIS_TIME`; while there is no connection, within `limits::REDIS_CONNECT_TIME`.
    ///
    /// # Errors
    /// When there is no Redis that lets us in, or it is older than 6.2.
    pub async fn connect(&self) -> Result<ConnectionManager, Error> {
        let mut manager = self.manager()?;
        let ping = async { redis::cmd("INFO").arg("server").query_async::<String>(&mut manager).await };
        match timeout(REDIS_CONNECT_TIME + REDIS_TIME, ping).await {
            Ok(Ok(info)) => self.new_enough(&info)?,
            // An account of few rights may not ask for it, but it answered.
            Ok(Err(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {}
            Ok(Err(error)) => return Err(self.failed(&error)),
            Err(_) => return Err(self.silent()),
        }
        Ok(manager)
    }

    /// The same, connected by the first who uses it.
    ///
    /// # Errors
    /// When the file of `ca=` cannot be used.
    pub fn manager(&self) -> Result<ConnectionManager, Error> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECT_TIME))
            .set_response_timeout(Some(REDIS_TIME))
            .set_pipeline_buffer_size(REDIS_QUEUE)
            // Whoever asks next tries again; waiting here would make those wait who can do without.
            .set_number_of_retries(0);
        ConnectionManager::new_lazy_with_config(self.client()?, config).map_err(|error| self.failed(&error))
    }

    /// A connection of its own that hears what is published.
    ///
    /// # Errors
    /// When there is no Redis that lets us in.
    pub async fn listen(&self) -> Result<PubSub, Error> {
        let client = self.client()?;
        match timeout(REDIS_CONNECT_TIME, client.get_async_pubsub()).await {
            Ok(connected) => connected.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Says what a failure means.
    pub fn failed(&self, error: &RedisError) -> Error {
        let server = self.server();
        match error.kind() {
            ErrorKind::AuthenticationFailed => {
                Error::Refused(format!("Redis at {server} does not take the user and password of its URL"))
            }
            ErrorKind::Server(ServerErrorKind::NoPerm) => {
                let text = error.detail().unwrap_or("a right is missing").to_owned();
                Error::Refused(format!("Redis at {server} lets this account not do everything: {text}"))
            }
            _ => Error::Unavailable(format!("Redis at {server}: {error}")),
        }
    }

    /// That it does not answer, and where it should.
    pub fn silent(&self) -> Error {
        Error::Unavailable(format!("Redis at {} does not answer", self.server()))
    }

    fn client(&self) -> Result<Client, Error> {
        let ConnectionAddr::TcpTls { .. } = self.client.get_connection_info().addr() else {
            return Ok(self.client.clone());
        };
        // The second to do so finds it done.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let Some(file) = &self.ca else { return Ok(self.client.clone()) };
        let unusable = |error: &dyn fmt::Display| {
            Error::Refused(format!("the file {} of ca= cannot be used: {error}", file.display()))
        };
        let pem = std::fs::read(file).map_err(|error| unusable(&error))?;
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
        Client::build_with_tls(self.url.as_str(), certificates).map_err(|error| unusable(&error))
    }

    fn new_enough(&self, info: &str) -> Result<(), Error> {
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).map(str::trim);
        let mut parts = version.unwrap_or_default().split('.').map(|part| part.parse::<u32>().ok());
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor)) if (major, minor) < OLDEST => {
                let (major, minor) = OLDEST;
                let server = self.server();
                let version = version.unwrap_or_default();
                Err(Error::Refused(format!("Redis at {server} is {version}; chatd needs {major}.{minor}")))
            }
            _ => Ok(()), // something that speaks its language and has other versions
        }
    }

    /// `host:port`.
    fn server(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_its_password_never_printed() {
        let redis = Redis::parse("redis://ann:s3cret@db.example:6380/2?prefix=x:").unwrap();
        assert_eq!((redis.key("a").as_str(), redis.server().as_str()), ("x:a", "db.example:6380"));
        let shown = format!("{redis:?}");
        assert!(shown.contains("db.example:6380") && !shown.contains("s3cret"), "{shown}");
        assert_eq!(Redis::parse("rediss://[::1]").unwrap().key("a"), "a");
    }

    #[test]
    fn what_is_no_url_of_a_redis_says_what_is_wrong() {
        for (url, wrong) in [
            ("postgres://u:s3cret@host", "no URL"),
            ("unix:///tmp/x?pass=s3cret", "scheme"),
            ("redis://:s3cret@", "no URL"),
            ("redis://:s3cret@host?ca=x", "ca="),
            ("redis://:s3cret@host?prefx=s3cret", "a parameter"),
            ("rediss://:s3cret@host#insecure", "fragment"),
            ("redis://:s3cret@host/two", "database"),
        ] {
            let error = Redis::parse(url).unwrap_err().to_string();
            assert!(error.contains(wrong) && !error.contains("s3cret"), "{url}: {error}");
            assert!(error.contains("redis://["), "{error}");
        }
    }
}
