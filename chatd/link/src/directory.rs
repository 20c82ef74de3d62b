//! Which chat processes there are.

use tokio::sync::watch;
use uuid::Uuid;

/// A chat process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The process as it names itself; unknown where only an address is given.
    pub id: Option<Uuid>,
    /// `host:port` of its link.
    pub address: String,
}

/// The chat processes, as they come and go.
pub trait Directory: Send + Sync {
    fn nodes(&self) -> watch::Receiver<Vec<Node>>;
}

/// Addresses that stay; their names are looked up anew at each connect.
pub struct Fixed(watch::Sender<Vec<Node>>);

impl Fixed {
    /// The processes at these addresses, `host:port` each.
    pub fn new(addresses: Vec<String>) -> Self {
        let nodes = addresses.into_iter().map(|address| Node { id: None, address }).collect();
        Self(watch::Sender::new(nodes))
    }
}

impl Directory for Fixed {
    fn nodes(&self) -> watch::Receiver<Vec<Node>> {
        self.0.subscribe()
    }
}
