//! Whether the log may be used now.

use schema::event::Topic;
use store::Error;
use tokio::sync::watch;

/// How Kafka looks from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Fine,
    /// No broker answers, or a topic is missing: passes by itself or with an operator.
    Away(String),
    /// The topic is another one than was opened: until the process starts again.
    Replaced(String),
    Closed,
}

/// What was seen last, and who waits for something else.
pub(super) struct State(watch::Sender<Look>);

impl Default for State {
    fn default() -> Self {
        Self(watch::Sender::new(Look::Fine))
    }
}

impl State {
    /// Takes up what was seen. A topic that was replaced stays so, and so does an end. `true`: it is news.
    pub(super) fn see(&self, look: Look) -> bool {
        self.0.send_if_modified(|last| {
            let stays = match last {
                Look::Closed => true,
                Look::Replaced(_) => look != Look::Closed,
                _ => *last == look,
            };
            if !stays {
                *last = look;
            }
            !stays
        })
    }

    pub(super) fn listen(&self) -> watch::Receiver<Look> {
        self.0.subscribe()
    }

    pub(super) fn closed(&self) -> bool {
        *self.0.borrow() == Look::Closed
    }

    /// Whether appends are taken now.
    pub(super) fn health(&self) -> Result<(), Error> {
        match &*self.0.borrow() {
            Look::Fine => Ok(()),
            Look::Away(why) | Look::Replaced(why) => Err(Error::Unavailable(why.clone())),
            Look::Closed => Err(Error::Unavailable("the log is closed".into())),
        }
    }

    /// Whether what is read still belongs to the log that was opened.
    pub(super) fn readable(&self) -> Result<(), Error> {
        match &*self.0.borrow() {
            Look::Fine | Look::Away(_) => Ok(()),
            Look::Replaced(why) => Err(Error::Corrupt(why.clone())),
            Look::Closed => Err(Error::Unavailable("the log is closed".into())),
        }
    }
}

/// A topic of the log as it was opened.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) topic: Topic,
    /// With the cluster's prefix.
    pub(super) name: String,
    /// Kafka's, of this life of the topic.
    pub(super) id: String,
    pub(super) partitions: u32,
}
