//! Typing: from one person to one other, told once when it begins and once when it ends.
//!
//! To renew it costs nobody anything. It ends when the person says so, when it is not renewed, when their
//! last socket goes, and when the two may not hear of each other any more.

use crate::metrics::Reason;
use crate::see::{Sight, nobody};
use crate::table::Turned;
use crate::{Inner, Presence};
use edge::Problem;
use schema::presence::signal::{Said, TypingTo};
use schema::presence::{Chosen, Typing};
use schema::user::Relation;
use schema::{ConversationId, Timestamp, UserId};
use std::time::Duration;
use store::Error;
use store::presence::Turn;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

/// A beginning or an end of typing, for the sockets of `peer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed {
    pub peer: UserId,
    pub typing: Typing,
}

impl Presence {
    /// Somebody types to a peer, by id or username, or ceases to. The peer hears of it if they may know that
    /// the person is there and take messages from them; else it is dropped, and nobody can tell. What is
    /// beyond `limits::TYPING_PER_SECOND` or `limits::TYPING_PEERS` is dropped too. To oneself it does nothing.
    ///
    /// # Errors
    /// `not-found` for a peer who is unknown or deleted, or when a store does not answer.
    pub async fn typing(&self, user: UserId, peer: &str, on: bool) -> Result<(), Problem> {
        let inner = &self.0;
        let names = [peer.to_owned()];
        let peer = inner.people.resolve(&names).await?.pop().flatten().ok_or_else(nobody)?;
        if peer == user {
            return Ok(());
        }
        match inner.table.turn(user, peer, on, Instant::now()) {
            Turned::Idle => {}
            Turned::Shed => inner.metrics.shed.count(Reason::Typing),
            Turned::Renewed => inner.note(user, peer, true).await?,
            Turned::Ends => inner.stop_typing(user, peer).await?,
            Turned::Begins => {
                if inner.may_type(user, peer).await? {
                    let only = inner.table.begin(user, peer, Instant::now(), || inner.tell(user, peer, true));
                    if only {
                        inner.desk.ring(); // the worker had no end to wait for
                    }
                    inner.note(user, peer, true).await?;
                }
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Ends what may be going on.
    pub(crate) async fn stop_typing(&self, user: UserId, peer: UserId) -> Result<(), Error> {
        if self.table.end(user, peer, || self.tell(user, peer, false)) {
            self.note(user, peer, false).await?;
        }
        Ok(())
    }

    /// Lets those know who ask.
    pub(crate) async fn note(&self, user: UserId, peer: UserId, on: bool) -> Result<(), Error> {
        let now = Timestamp::now();
        let until = on.then(|| later(now, self.table.time()));
        self.stores.presence.turn(&[Turn { user, peer, until }], now).await
    }

    /// Whether a peer hears that somebody types: they take messages from the person, and may see that the
    /// person is there. An invisible person would give themselves away.
    pub(crate) async fn may_type(&self, user: UserId, peer: UserId) -> Result<bool, Error> {
        let states = self.states(&[user, peer]).await?;
        let (Some(person), Some(listener)) = (
            states.get(&user).filter(|state| state.person.is_some()),
            states.get(&peer).and_then(|state| state.person.as_ref()),
        ) else {
            return Ok(false);
        };
        let (profiles, messages) = (&*self.stores.profiles, &*self.stores.messages);
        let relations = store::relations(profiles, messages, &[(peer, user), (user, peer)]).await?;
        let [to_person, to_listener] = relations[..] else { return Ok(false) };
        let takes = match to_listener {
            Relation::Blocked => false,
            Relation::Contact | Relation::Oneself => true,
            Relation::Stranger if listener.privacy.allow_messages_from_unknown => true,
            Relation::Stranger => self.has_written(peer, user).await?,
        };
        Ok(takes && person.chosen() != Chosen::Invisible && person.sight(to_person) == Sight::Open)
    }

    /// Whether somebody has written to another: then they take messages from them, as chat sees it too.
    async fn has_written(&self, writer: UserId, reader: UserId) -> Result<bool, Error> {
        let conversation = ConversationId::between(writer, reader);
        let head = self.stores.messages.heads(&[conversation], None).await?.pop().flatten();
        Ok(head.is_some_and(|head| head.marks_of(reader).received > 0))
    }

    /// Hands a turn to the sockets, here and elsewhere, and to the log. Never waits.
    pub(crate) fn tell(&self, user_id: UserId, peer: UserId, typing: bool) {
        let timestamp = Timestamp::now();
        self.hand(Typed { peer, typing: Typing { user_id, typing, timestamp } });
        self.tell_typing(user_id, peer, typing);
        let to = TypingTo { peer_id: peer };
        let said = if typing { Said::Typing(to) } else { Said::StoppedTyping(to) };
        self.journal.write(user_id, said, timestamp);
    }

    /// Hands a turn to the sockets here.
    pub(crate) fn hand(&self, typed: Typed) {
        self.metrics.typing.inc();
        self.links.lock().retain(|link| match link.try_send(typed) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.metrics.shed.count(Reason::Typing);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
    }
}

pub(crate) fn later(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}
