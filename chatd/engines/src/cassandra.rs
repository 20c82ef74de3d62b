//! How Cassandra is reached: `cassandra://[user:password@]host:9042[,host2:9042]/keyspace[?options]`.
//!
//! `cassandras://` is TLS and wants `?ca=FILE`, the PEM certificates that signed the nodes'. The driver
//! connects to nodes by address, as the cluster tells them, so each node's certificate names its address.

mod tls;
mod url;

use crate::{BadUrl, Error};
use schema::limits::{CASSANDRA_CONNECT, CASSANDRA_CONNECTIONS, CASSANDRA_REQUEST};
use scylla::client::PoolSize;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{
    ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, MetadataError, NewSessionError,
};
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::statement::Consistency;
use std::fmt;
use std::path::PathBuf;

/// A Cassandra cluster and the keyspace in it that is ours.
#[derive(Clone)]
pub struct Cassandra {
    /// `host:port`, at least one.
    nodes: Vec<String>,
    credentials: Option<(String, String)>,
    keyspace: String,
    datacenter: Option<String>,
    replication: u8,
    tls: bool,
    ca: Option<PathBuf>,
}

impl fmt::Debug for Cassandra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "cassandras" } else { "cassandra" };
        let user = self.credentials.as_ref().map(|(user, _)| format!("{user}:***@")).unwrap_or_default();
        write!(f, "{scheme}://{user}{}/{}", self.nodes.join(","), self.keyspace)
    }
}

impl Cassandra {
    /// Reads a URL.
    ///
    /// # Errors
    /// Names what is wrong and how it should look, without the password.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        url::parse(url)
    }

    /// The keyspace that holds our tables; a plain lower-case name, safe to stand in a statement.
    pub fn keyspace(&self) -> &str {
        &self.keyspace
    }

    /// Another keyspace of the same cluster.
    ///
    /// # Errors
    /// When this is no plain lower-case name.
    pub fn with_keyspace(&self, keyspace: &str) -> Result<Self, BadUrl> {
        Ok(Self { keyspace: url::keyspace(keyspace)?, ..self.clone() })
    }

    /// The datacenter that is ours, if the URL names one.
    pub fn datacenter(&self) -> Option<&str> {
        self.datacenter.as_deref()
    }

    /// The replication of the keyspace when it is made, as CQL has it.
    pub fn replication(&self) -> String {
        let place = self.datacenter.as_deref().unwrap_or("replication_factor");
        format!("{{'class': 'NetworkTopologyStrategy', '{place}': {}}}", self.replication)
    }

    /// Connects: LOCAL_QUORUM, by token, each request bounded in time. The session uses no keyspace; statements
    /// name it.
    ///
    /// # Errors
    /// `Unavailable` when no node answers, `Refused` when it says no.
    pub async fn connect(&self) -> Result<Session, Error> {
        let mut policy = DefaultPolicy::builder().token_aware(true).permit_dc_failover(false);
        if let Some(datacenter) = &self.datacenter {
            policy = policy.prefer_datacenter(datacenter.clone());
        }
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::LocalQuorum)
            .request_timeout(Some(CASSANDRA_REQUEST))
            .load_balancing_policy(policy.build())
            .build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&self.nodes)
            .connection_timeout(CASSANDRA_CONNECT)
            .pool_size(PoolSize::PerHost(CASSANDRA_CONNECTIONS))
            .default_execution_profile_handle(profile.into_handle());
        if let Some((user, password)) = &self.credentials {
            builder = builder.user(user, password);
        }
        if self.tls {
            builder = builder.tls_context(Some(tls::config(self.ca.as_deref())?));
        }
        builder.build().await.map_err(|cause| self.not_connected(&cause))
    }

    fn not_connected(&self, cause: &NewSessionError) -> Error {
        let told = format!("{self:?} cannot be reached: {cause}");
        match cause {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
                ConnectionPoolError::Broken {
                    last_connection_error: scylla::errors::ConnectionError::ConnectionSetupRequestError(setup),
                },
            )) if refused(setup.get_error()) => {
                Error::Refused(format!("{self:?} refuses this user or password: {cause}"))
            }
            NewSessionError::EmptyKnownNodesList => Error::Refused(told),
            _ => Error::Unavailable(told),
        }
    }
}

fn refused(cause: &ConnectionSetupRequestErrorKind) -> bool {
    matches!(
        cause,
        ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, _)
            | ConnectionSetupRequestErrorKind::MissingAuthentication
    )
}

#[cfg(test)]
mod tests;
