//! Other processes: what they are to be told of people here, and what they told. The worker sends the one a
//! turn at a time and deals with the other; where there are no other processes, nothing is kept.
//!
//! Only what somebody may watch is told. A word that was lost costs nothing but time: whoever may have missed
//! some looks at everybody, because watchers are told states.

use crate::Inner;
use crate::desk::Local;
use crate::metrics::Reason;
use crate::typing::Typed;
use parking_lot::Mutex;
use schema::limits::{PRESENCE_CHANGES, TYPING_LINK};
use schema::presence::Typing;
use schema::{Timestamp, UserId};
use std::collections::HashSet;
use std::sync::Weak;
use store::presence::Signal;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// What goes to and comes from other processes.
pub(crate) struct Others {
    alone: bool,
    out: Mutex<Out>,
    heard: Mutex<Heard>,
}

/// What others are to be told.
#[derive(Default)]
pub(crate) struct Out {
    /// Who came, went or looks different; at most [`PRESENCE_CHANGES`], beyond it `everybody`.
    pub(crate) people: HashSet<UserId>,
    /// Whose last seen is in the profile; at most [`PRESENCE_CHANGES`], beyond it `everybody`.
    pub(crate) saved: HashSet<UserId>,
    /// Who types to whom, or ceases to, in order; at most [`TYPING_LINK`], more is shed.
    pub(crate) typing: Vec<(UserId, UserId, bool)>,
    pub(crate) everybody: bool,
}

/// What others told.
#[derive(Default)]
pub(crate) struct Heard {
    /// About whom; at most [`PRESENCE_CHANGES`], beyond it `everybody`.
    pub(crate) people: HashSet<UserId>,
    pub(crate) everybody: bool,
}

impl Others {
    /// Others as far as this channel has any; it is then to be given to [`hear`].
    pub(crate) fn of(signals: &mut Receiver<Signal>) -> Self {
        let alone = matches!(signals.try_recv(), Err(TryRecvError::Closed));
        Self { alone, out: Mutex::default(), heard: Mutex::default() }
    }

    /// Whether there are none, and never will be.
    pub(crate) fn alone(&self) -> bool {
        self.alone
    }

    /// Somebody looks different from now on.
    pub(crate) fn look(&self, user: UserId) {
        if !self.alone {
            let out = &mut *self.out.lock();
            note(&mut out.people, &mut out.everybody, user);
        }
    }

    /// Somebody's last seen is in their profile.
    pub(crate) fn saved(&self, user: UserId) {
        if !self.alone {
            let out = &mut *self.out.lock();
            note(&mut out.saved, &mut out.everybody, user);
        }
    }

    /// Somebody types to a peer, or ceases to. False: it was shed.
    pub(crate) fn typing(&self, user: UserId, peer: UserId, on: bool) -> bool {
        if self.alone {
            return true;
        }
        let typing = &mut self.out.lock().typing;
        let room = typing.len() < TYPING_LINK;
        if room {
            typing.push((user, peer, on));
        }
        room
    }

    /// All others are to look at everybody.
    pub(crate) fn everybody(&self) {
        self.out.lock().everybody = !self.alone;
    }

    /// There is something to tell.
    pub(crate) fn waits(&self) -> bool {
        let out = self.out.lock();
        out.everybody || !(out.people.is_empty() && out.saved.is_empty() && out.typing.is_empty())
    }

    /// Takes what is to be told.
    pub(crate) fn take(&self) -> Out {
        std::mem::take(&mut self.out.lock())
    }

    /// This could not be told. Typing is of the moment and is not told again.
    pub(crate) fn untold(&self, out: Out) {
        out.people.into_iter().for_each(|user| self.look(user));
        out.saved.into_iter().for_each(|user| self.saved(user));
        self.out.lock().everybody |= out.everybody;
    }

    /// Takes what others told.
    pub(crate) fn heard(&self) -> Heard {
        std::mem::take(&mut self.heard.lock())
    }
}

fn note(people: &mut HashSet<UserId>, everybody: &mut bool, user: UserId) {
    if people.len() < PRESENCE_CHANGES {
        people.insert(user);
    } else {
        *everybody = true;
    }
}

/// Hears other processes until they, or this service, are gone.
pub(crate) async fn hear(inner: Weak<Inner>, mut signals: Receiver<Signal>) {
    loop {
        let heard = signals.recv().await;
        let Some(inner) = inner.upgrade() else { return };
        match heard {
            Ok(Signal::Look(user)) => {
                inner.people.forget(user, None);
                let heard = &mut *inner.others.heard.lock();
                note(&mut heard.people, &mut heard.everybody, user);
            }
            Ok(Signal::Saved(user)) => {
                inner.people.forget(user, None);
                continue;
            }
            Ok(Signal::Typing { user, peer, on }) => {
                inner.hear_typing(user, peer, on);
                continue;
            }
            Ok(Signal::Everybody) | Err(RecvError::Lagged(_)) => {
                inner.people.forget_all();
                inner.others.heard.lock().everybody = true;
            }
            Err(RecvError::Closed) => return,
        }
        inner.desk.ring();
    }
}

impl Inner {
    /// Whether the peer may know was decided where the person types.
    fn hear_typing(&self, user_id: UserId, peer: UserId, typing: bool) {
        if self.desk.local(peer) == Local::Here {
            let timestamp = Timestamp::now();
            self.hand(Typed { peer, typing: Typing { user_id, typing, timestamp } });
        }
    }

    /// Notes that others are to hear of typing.
    pub(crate) fn tell_typing(&self, user: UserId, peer: UserId, on: bool) {
        if !self.others.typing(user, peer, on) {
            self.metrics.shed.count(Reason::Typing);
        }
        if !self.others.alone() {
            self.desk.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast;

    #[test]
    fn alone_nothing_is_kept() {
        let (sender, mut signals) = broadcast::channel(1);
        drop(sender);
        let others = Others::of(&mut signals);
        let ann = UserId::draw();
        others.look(ann);
        others.saved(ann);
        others.everybody();
        assert!(others.typing(ann, UserId::draw(), true) && others.alone() && !others.waits());
    }

    #[test]
    fn what_was_not_told_waits_and_beyond_a_bound_it_is_everybody() {
        let (sender, mut signals) = broadcast::channel(1);
        let others = Others::of(&mut signals);
        let ann = UserId::draw();
        others.look(ann);
        others.saved(ann);
        for n in 0..TYPING_LINK + 1 {
            assert_eq!(others.typing(ann, UserId::draw(), true), n < TYPING_LINK);
        }
        let out = others.take();
        assert!(out.people.contains(&ann) && out.saved.contains(&ann) && !out.everybody && !others.waits());
        others.untold(out);
        let out = others.take();
        assert!(out.people.len() == 1 && out.saved.len() == 1 && out.typing.is_empty(), "typing is over");
        (0..PRESENCE_CHANGES + 1).for_each(|_| others.look(UserId::draw()));
        let out = others.take();
        assert!(out.everybody && out.people.len() == PRESENCE_CHANGES);
        drop(sender);
    }
}
