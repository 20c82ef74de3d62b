//! Kafka: how it is reached, which topics it must have, and what can be asked of it.

mod asker;
mod dead;
mod declared;
mod describe;
mod group;
mod topics;

pub use asker::Asker;
pub use dead::{DEAD_LETTERS, DeadLetter, dead_letters};
pub use declared::{Declared, declared};
pub use describe::{Partition, Topic as Described};
pub use group::{Lag, Member, lag, members};
pub use topics::{Offsets, create, delete, list, offsets, settings};

use crate::{BadUrl, Error};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use schema::event::Topic;
use std::fmt;
use std::path::PathBuf;

const EXAMPLE: &str = "kafka://[user:password@]host:9092[,host2:9092][?prefix=x.&replication=3\
                       &mechanism=SCRAM-SHA-512], or kafkas:// for TLS with [&ca=FILE]";

/// A cluster of Kafka, as its URL names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port` of each, joined by commas.
    servers: String,
    tls: bool,
    /// PEM file of the authorities that are trusted instead of the system's.
    ca: Option<PathBuf>,
    login: Option<Login>,
    prefix: String,
    replication: u16,
}

#[derive(Clone, PartialEq, Eq)]
struct Login {
    user: String,
    password: String,
    mechanism: String,
}

impl Kafka {
    /// Reads `kafka://[user:password@]host:9092[,host2:9092][?prefix=&replication=&mechanism=]`, or
    /// `kafkas://` with `ca=FILE`. User and password are percent-encoded where they must be.
    ///
    /// # Errors
    /// When it is none; says what is wrong, never the password.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let wrong = |wrong: &str| BadUrl::new(wrong, EXAMPLE);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no kafka://"))?;
        let tls = match scheme {
            "kafka" => false,
            "kafkas" => true,
            _ => return Err(wrong("it begins neither with kafka:// nor with kafkas://")),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, hosts) = match place.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, place),
        };
        let servers = servers(hosts.trim_end_matches('/'))?;
        let mut kafka = Self { servers, tls, ca: None, login: None, prefix: String::new(), replication: 1 };
        let mut mechanism = "SCRAM-SHA-512".to_owned();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| wrong("a parameter has no value"))?;
            let value = decoded(value).ok_or_else(|| wrong("a parameter is not percent-encoded UTF-8"))?;
            match key {
                "prefix" => kafka.prefix = name(value)?,
                "replication" => kafka.replication = replication(&value)?,
                "mechanism" => mechanism = known(value)?,
                "ca" if tls => kafka.ca = Some(value.into()),
                "ca" => return Err(wrong("ca= needs kafkas://")),
                _ => return Err(wrong("a parameter is none of prefix, replication, mechanism and ca")),
            }
        }
        if let Some(login) = login {
            let (user, password) = login.split_once(':').ok_or_else(|| wrong("the user has no password"))?;
            let read = |text| decoded(text).ok_or_else(|| wrong("the login is not percent-encoded UTF-8"));
            kafka.login = Some(Login { user: read(user)?, password: read(password)?, mechanism });
        }
        Ok(kafka)
    }

    /// What every client of this cluster needs: servers and security, nothing else.
    pub fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        let protocol = match (self.tls, self.login.is_some()) {
            (false, false) => "PLAINTEXT",
            (false, true) => "SASL_PLAINTEXT",
            (true, false) => "SSL",
            (true, true) => "SASL_SSL",
        };
        config.set("security.protocol", protocol);
        if let Some(ca) = &self.ca {
            config.set("ssl.ca.location", ca.to_string_lossy());
        }
        if let Some(login) = &self.login {
            config.set("sasl.mechanism", &login.mechanism);
            config.set("sasl.username", &login.user).set("sasl.password", &login.password);
        }
        config
    }

    /// A topic's name on this cluster.
    pub fn topic(&self, topic: Topic) -> String {
        self.named(topic.name())
    }

    /// The name on this cluster of a topic that `schema/kafka/topics.toml` declares.
    pub fn named(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// A consumer group's name on this cluster.
    pub fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }

    /// What stands before the name of every topic and group; empty where the cluster is chatd's own.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// On how many brokers each record is.
    pub fn replication(&self) -> u16 {
        self.replication
    }
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL without the password.
impl fmt::Display for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "kafkas://" } else { "kafka://" })?;
        if let Some(login) = &self.login {
            write!(f, "{}:***@", login.user)?;
        }
        f.write_str(&self.servers)?;
        if !self.prefix.is_empty() {
            write!(f, "?prefix={}", self.prefix)?;
        }
        Ok(())
    }
}

/// Each `host:port`, with Kafka's own port where none is named.
fn servers(hosts: &str) -> Result<String, BadUrl> {
    let wrong = |wrong: &str| BadUrl::new(wrong, EXAMPLE);
    let server = |host: &str| match host.rsplit_once(':') {
        _ if host.is_empty() || host.starts_with(':') => Err(wrong("a host is missing")),
        _ if host.contains(['/', ' ']) => Err(wrong("a host has a / or a space in it")),
        Some((name, port)) if !name.ends_with(':') && !port.contains(']') => match port.parse::<u16>() {
            Ok(1..) => Ok(host.to_owned()),
            _ => Err(wrong("a port is not a number from 1 to 65535")),
        },
        _ => Ok(format!("{host}:9092")),
    };
    Ok(hosts.split(',').map(server).collect::<Result<Vec<_>, _>>()?.join(","))
}

/// A prefix that a topic's name may begin with.
fn name(prefix: String) -> Result<String, BadUrl> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if prefix.len() <= 64 && prefix.chars().all(fits) {
        return Ok(prefix);
    }
    Err(BadUrl::new("prefix= has something else than 0 to 64 of a-z, A-Z, 0-9, dot, _ and -", EXAMPLE))
}

fn replication(value: &str) -> Result<u16, BadUrl> {
    match value.parse() {
        Ok(brokers @ 1..=9) => Ok(brokers),
        _ => Err(BadUrl::new("replication= is not a number from 1 to 9", EXAMPLE)),
    }
}

fn known(mechanism: String) -> Result<String, BadUrl> {
    match mechanism.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => Ok(mechanism),
        _ => Err(BadUrl::new("mechanism= is none of PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", EXAMPLE)),
    }
}

/// Text without its percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What a failed call means to the caller.
pub(crate) fn failed(what: &str, error: &KafkaError) -> Error {
    use RDKafkaErrorCode as Code;
    let text = format!("Kafka, {what}: {error}");
    match error.rdkafka_error_code() {
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::TopicAlreadyExists
            | Code::InvalidConfig
            | Code::InvalidReplicationFactor
            | Code::InvalidPartitions
            | Code::InvalidTopic
            | Code::PolicyViolation,
        ) => Error::Refused(text),
        None => Error::Refused(text),
        Some(_) => Error::Unavailable(text),
    }
}

#[cfg(test)]
mod tests;
