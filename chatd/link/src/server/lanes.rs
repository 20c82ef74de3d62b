//! Sends in the order in which each socket made them.

use super::hub::Hub;
use super::links::Link;
use crate::wire::Reply;
use chat::Origin;
use schema::Draft;
use schema::limits::{LINK_LANE, LINK_LANES};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A call's number and what is to be sent.
type Job = (u64, Origin, Draft);

/// The lanes of a link. A socket's sends always stand in the same one.
pub(super) struct Lanes(Vec<mpsc::Sender<Job>>);

impl Lanes {
    pub(super) fn start(hub: &Arc<Hub>, link: &Arc<Link>) -> Self {
        let lane = || {
            let (sender, jobs) = mpsc::channel(LINK_LANE);
            tokio::spawn(work(Arc::clone(hub), Arc::clone(link), jobs));
            sender
        };
        Self((0..LINK_LANES).map(|_| lane()).collect())
    }

    /// Puts a send into its lane. False: that is full.
    pub(super) fn put(&self, id: u64, origin: Origin, draft: Draft) -> bool {
        let socket = origin.connection.unwrap_or_else(|| u64::from(origin.user.as_bytes()[15]));
        let lane = usize::try_from(socket % self.0.len() as u64).unwrap_or(0);
        self.0[lane].try_send((id, origin, draft)).is_ok()
    }
}

/// Makes the sends of a lane, one after the other. What still stands there when the link ends is not sent:
/// its sender does not know what became of it, and may have sent something else meanwhile.
async fn work(hub: Arc<Hub>, link: Arc<Link>, mut jobs: mpsc::Receiver<Job>) {
    while let Some((id, origin, draft)) = jobs.recv().await {
        if link.outbox.is_closed() {
            return;
        }
        let (told_by, told) = (Arc::clone(&hub), Arc::clone(&link));
        let answer = Box::new(move |outcome| {
            let reply = match outcome {
                Ok(sent) => Reply::Sent(sent),
                Err(error) => Reply::Refused(error),
            };
            told.answer(&told_by, id, reply);
        });
        hub.talk.send(origin, draft, answer).await;
    }
}
