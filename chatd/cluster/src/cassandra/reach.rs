//! The session, and a new one in its place when the cluster is back before the driver looks again.
//!
//! The driver waits up to ten seconds between two tries to connect to a node, and knows nodes by the addresses
//! that they had. A session that begins anew asks the names of the URL once more.

use engines::cassandra::Cassandra;
use parking_lot::RwLock;
use scylla::client::session::Session;
use std::sync::Arc;
use store::Error;

pub(super) struct Reach {
    cassandra: Cassandra,
    session: RwLock<Arc<Session>>,
}

impl Reach {
    pub(super) async fn connect(cassandra: &Cassandra) -> Result<Self, Error> {
        let session = connect(cassandra).await?;
        Ok(Self { cassandra: cassandra.clone(), session: RwLock::new(Arc::new(session)) })
    }

    /// The session of now. Statements that another has prepared hold in it.
    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session.read())
    }

    /// Connects anew.
    pub(super) async fn again(&self) -> Result<(), Error> {
        let session = connect(&self.cassandra).await?;
        *self.session.write() = Arc::new(session);
        Ok(())
    }
}

async fn connect(cassandra: &Cassandra) -> Result<Session, Error> {
    cassandra.connect().await.map_err(|cause| Error::Unavailable(cause.to_string()))
}
