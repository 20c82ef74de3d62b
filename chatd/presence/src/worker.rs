//! The one task that makes news of what was noted. It alone owns the index, so nothing there needs a lock,
//! and people who come and go faster than it looks are dealt with once.

use crate::Inner;
use crate::desk::News;
use crate::index::Index;
use futures_util::FutureExt;
use schema::limits::{LAST_SEEN_FLUSH, PRESENCE_RETRY};
use schema::presence::Status;
use schema::{Timestamp, UserId};
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use store::presence::Signal;
use tokio::time::{Instant, sleep_until};

/// The worker.
pub(crate) struct Worker {
    pub(crate) inner: Arc<Inner>,
    pub(crate) index: Index,
    /// Who has a socket here, and what everybody could see of them when it was looked at last.
    pub(crate) known: HashMap<UserId, Status>,
    /// People whose watchers could not be told; bounded by who is watched.
    pub(crate) later: HashSet<UserId>,
    /// Who came or went and could not be dealt with; bounded by the sockets.
    pub(crate) unsettled: HashSet<UserId>,
    /// Viewers whose contacts could not be read; bounded by the sockets.
    pub(crate) reload: HashSet<UserId>,
    /// There are last seens that are not durable.
    pub(crate) unsaved: bool,
    /// Those of them that are from here, whatever becomes of the store; at most `LAST_SEEN_UNSAVED`.
    pub(crate) seen: HashMap<UserId, Timestamp>,
    /// When everybody is looked at, because words of others may have been lost.
    pub(crate) look_at: Option<Instant>,
    pub(crate) beat_at: Instant,
    /// The store does not hold, or not wholly, what this process holds.
    pub(crate) lost: bool,
    /// When the store last took a beat.
    pub(crate) beaten: Instant,
    retry_at: Instant,
    save_at: Instant,
}

/// Runs until the desk is closed.
pub(crate) async fn run(inner: Arc<Inner>) {
    let (now, beat) = (Instant::now(), inner.beat);
    let mut worker = Worker {
        inner,
        index: Index::default(),
        known: HashMap::new(),
        later: HashSet::new(),
        unsettled: HashSet::new(),
        reload: HashSet::new(),
        unsaved: false,
        seen: HashMap::new(),
        look_at: None,
        lost: false,
        retry_at: now,
        save_at: now + LAST_SEEN_FLUSH,
        beat_at: now + beat,
        beaten: now,
    };
    loop {
        let wake = worker.wake_at();
        tokio::select! {
            () = worker.inner.desk.rung() => {}
            () = sleep_until(wake) => {}
        }
        let news = worker.inner.desk.take();
        let closing = news.closing;
        // Whatever a panic leaves half done, the next look at the same people does anew.
        let turn = AssertUnwindSafe(Box::pin(worker.turn(news)));
        if turn.catch_unwind().await.is_err() {
            worker.inner.metrics.retries.inc();
            tracing::error!("a turn of the presence worker ended in a panic");
            tokio::time::sleep(PRESENCE_RETRY).await; // if it does so every time, then not in a hurry
        }
        if closing {
            return Box::pin(worker.end()).await;
        }
    }
}

impl Worker {
    /// When there is something to do without news.
    fn wake_at(&self) -> Instant {
        let waits = !(self.later.is_empty() && self.unsettled.is_empty() && self.reload.is_empty());
        let times = [
            Some(self.beat_at),
            self.inner.table.next_end(),
            waits.then_some(self.retry_at),
            self.inner.others.waits().then_some(self.retry_at),
            self.unsaved.then_some(self.save_at),
            self.look_at,
        ];
        times.into_iter().flatten().min().unwrap_or(self.beat_at)
    }

    async fn turn(&mut self, news: News) {
        let closing = news.closing;
        self.round(news).await;
        if !closing {
            self.hear().await;
            self.chores().await;
        }
        self.tell_others().await;
    }

    /// Deals with what other processes told.
    async fn hear(&mut self) {
        let heard = self.inner.others.heard();
        if heard.everybody {
            // Whom others hold may be lost too: they get the time to hold them again.
            self.beat_at = Instant::now();
            self.look_at.get_or_insert(Instant::now() + PRESENCE_RETRY);
        }
        let here: Vec<UserId> =
            heard.people.iter().copied().filter(|user| self.known.contains_key(user)).collect();
        let mut look = heard.people;
        self.settle_told(&here, &mut look).await;
        self.sync(&look).await;
    }

    /// Tells other processes what they may have to look at, and who types to people of theirs.
    pub(crate) async fn tell_others(&mut self) {
        let inner = Arc::clone(&self.inner);
        if !inner.others.waits() {
            return;
        }
        let mut out = inner.others.take();
        let typing = inner.for_others(std::mem::take(&mut out.typing)).await;
        let looks = out.people.iter().map(|user| Signal::Look(*user));
        let saved = out.saved.iter().map(|user| Signal::Saved(*user));
        let signals: Vec<Signal> =
            if out.everybody { vec![Signal::Everybody] } else { looks.chain(saved).collect() };
        let signals: Vec<Signal> = typing.into_iter().chain(signals).collect();
        if let Err(error) = inner.stores.presence.tell(&signals).await {
            tracing::debug!(%error, "other processes are told later");
            inner.metrics.retries.inc();
            inner.others.untold(out);
            self.retry_at = Instant::now() + PRESENCE_RETRY;
        }
    }

    /// Deals with what was noted.
    async fn round(&mut self, news: News) {
        let mut look = HashSet::new();
        let mut people = news.people;
        people.extend(news.changed.iter().filter(|user| self.known.contains_key(user)));
        if news.everybody {
            people.extend(self.known.keys());
        }
        people.sort_unstable();
        people.dedup();
        self.settle(&people, &mut look).await;
        for ask in news.asks {
            self.take_up(ask, &mut look).await;
        }
        news.gone.iter().for_each(|connection| self.index.remove(*connection));
        news.ended.iter().for_each(|(connection, number)| self.index.end(*connection, *number));
        let viewers =
            if news.everybody { self.index.viewers() } else { news.changed.iter().copied().collect() };
        for viewer in viewers {
            look.insert(viewer);
            look.extend(self.index.seen_by(viewer));
            self.contacts_changed(viewer, &mut look).await;
        }
        if news.everybody {
            look.extend(self.index.everybody());
        }
        if news.everybody || !news.changed.is_empty() {
            self.stop_forbidden((!news.everybody).then_some(&news.changed)).await;
        }
        self.sync(&look).await;
    }

    async fn contacts_changed(&mut self, viewer: UserId, look: &mut HashSet<UserId>) {
        let subscriptions = self.index.contacts_of(viewer);
        self.load_contacts(viewer, &subscriptions, look).await;
    }

    /// Ends typing that may not be heard any more.
    async fn stop_forbidden(&self, changed: Option<&HashSet<UserId>>) {
        for (user, peer) in self.inner.table.among(changed) {
            // What can't be told ends by itself within seconds.
            if let Ok(false) = self.inner.may_type(user, peer).await
                && let Err(error) = self.inner.stop_typing(user, peer).await
            {
                tracing::debug!(%error, "typing could not be ended");
            }
        }
    }

    /// What is due without news.
    async fn chores(&mut self) {
        let now = Instant::now();
        let expired = self.inner.table.expire(now, |user, peer| self.inner.tell(user, peer, false));
        for (user, peer) in expired {
            if let Err(error) = self.inner.note(user, peer, false).await {
                tracing::debug!(%error, "the end of typing could not be noted");
            }
        }
        if self.look_at.is_some_and(|at| now >= at) {
            self.look_at = None;
            self.sync(&self.index.everybody().collect()).await;
        }
        if now >= self.retry_at {
            self.retry().await;
            self.retry_at = Instant::now() + PRESENCE_RETRY;
        }
        if now >= self.save_at {
            if self.unsaved
                && let Err(error) = self.save().await
            {
                tracing::warn!(%error, "last seens wait for the profiles");
                self.inner.metrics.retries.inc();
            }
            self.save_at = Instant::now() + LAST_SEEN_FLUSH;
        }
        if now >= self.beat_at {
            self.beat_at = now + self.inner.beat;
            if let Err(error) = self.beat(now).await {
                tracing::warn!(%error, "the store of presence did not take a beat");
                self.inner.metrics.retries.inc();
                self.beat_at = Instant::now() + PRESENCE_RETRY;
            }
        }
    }

    /// What could not be done before.
    async fn retry(&mut self) {
        let mut look = std::mem::take(&mut self.later);
        let people: Vec<UserId> = std::mem::take(&mut self.unsettled).into_iter().collect();
        self.settle(&people, &mut look).await;
        for viewer in std::mem::take(&mut self.reload) {
            self.contacts_changed(viewer, &mut look).await;
        }
        self.sync(&look).await;
    }
}
