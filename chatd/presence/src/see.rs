//! Who may see what: the one place where presence is turned into what somebody is shown.

use crate::desk::Local;
use crate::people::Person;
use crate::{Inner, Presence};
use edge::Problem;
use schema::presence::{Chosen, Presence as Shown, Status};
use schema::user::Relation;
use schema::{Code, Timestamp, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use store::Error;

/// What is true of a person, whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// `None`: unknown or deleted.
    pub(crate) person: Option<Arc<Person>>,
    /// A socket is open here.
    pub(crate) here: bool,
    /// A socket of another process is open.
    pub(crate) elsewhere: bool,
    pub(crate) last_seen: Option<Timestamp>,
}

/// How much a viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Everything: it is themselves.
    Own,
    Open,
    /// Nothing: as if the person were never there.
    Hidden,
}

impl State {
    pub(crate) fn there(&self) -> bool {
        self.here || self.elsewhere
    }

    pub(crate) fn chosen(&self) -> Chosen {
        self.person.as_ref().map_or(Chosen::Invisible, |person| person.chosen)
    }

    /// What everybody may see whom nothing forbids it.
    pub(crate) fn public(&self) -> Status {
        if self.there() { self.chosen().shown() } else { Status::Offline }
    }

    /// What somebody of this relation may see.
    pub(crate) fn sight(&self, relation: Relation) -> Sight {
        match &self.person {
            None => Sight::Hidden,
            Some(_) if relation == Relation::Oneself => Sight::Own,
            Some(person) if person.privacy.shows_last_seen(relation) => Sight::Open,
            Some(_) => Sight::Hidden,
        }
    }

    /// What is shown. Who chose to be invisible shows no last seen, be they there or not: a last seen that
    /// came and went would tell of a session.
    pub(crate) fn shown(&self, user_id: UserId, sight: Sight) -> Shown {
        let status = match sight {
            Sight::Own if self.there() => self.chosen().status(),
            Sight::Own => Status::Offline,
            Sight::Open => self.public(),
            Sight::Hidden => Status::Offline,
        };
        let may_know = match sight {
            Sight::Own => true,
            Sight::Open => self.chosen() != Chosen::Invisible,
            Sight::Hidden => false,
        };
        let last_seen = self.last_seen.filter(|_| may_know && status == Status::Offline);
        Shown { user_id, status, last_seen, typing: None }
    }
}

impl Presence {
    /// One person's presence, as far as the viewer may see it.
    ///
    /// # Errors
    /// `not-found` for who is unknown or deleted, or when a store does not answer. Somebody who has blocked
    /// the viewer is OFFLINE, like somebody who shows nothing.
    pub async fn see(&self, viewer: UserId, name: &str) -> Result<Shown, Problem> {
        let names = [name.to_owned()];
        self.see_all(viewer, &names).await?.pop().ok_or_else(nobody)
    }

    /// People's presence in the order asked, each once; who is unknown is left out.
    ///
    /// # Errors
    /// When a store does not answer.
    pub async fn see_all(&self, viewer: UserId, names: &[String]) -> Result<Vec<Shown>, Problem> {
        let inner = &self.0;
        let mut seen = HashSet::new();
        let people: Vec<UserId> = inner
            .people
            .resolve(names)
            .await?
            .into_iter()
            .flatten()
            .filter(|user| seen.insert(*user))
            .collect();
        let states = inner.states(&people).await?;
        let pairs: Vec<(UserId, UserId)> = people.iter().map(|person| (viewer, *person)).collect();
        let sights = inner.sights(&pairs, &states).await?;
        let typing = inner.stores.presence.typing(viewer, &people, Timestamp::now()).await?;
        let mut shown = Vec::with_capacity(people.len());
        for ((person, sight), typing) in people.iter().zip(sights).zip(typing) {
            let Some(state) = states.get(person).filter(|state| state.person.is_some()) else { continue };
            let typing = typing && sight == Sight::Open && state.chosen() != Chosen::Invisible;
            shown.push(Shown { typing: typing.then_some(true), ..state.shown(*person, sight) });
        }
        Ok(shown)
    }
}

impl Inner {
    /// What is true of these people. The store of presence is asked before the profiles: a last seen moves
    /// from the one to the other.
    pub(crate) async fn states(&self, users: &[UserId]) -> Result<HashMap<UserId, State>, Error> {
        let traces = self.stores.presence.look(self.node, users, Timestamp::now()).await?;
        let people = self.people.find(users).await?;
        let state = |((user, trace), person): ((&UserId, store::presence::Trace), Option<Arc<Person>>)| {
            let local = self.desk.local(*user);
            let chosen = person.as_ref().map_or(Chosen::Invisible, |person| person.chosen);
            let left = match local {
                Local::Left(at) if chosen != Chosen::Invisible => Some(at),
                _ => None,
            };
            let kept = person.as_ref().and_then(|person| person.last_seen);
            let last_seen = left.max(trace.last_seen).max(kept);
            (*user, State { person, here: local == Local::Here, elsewhere: trace.elsewhere, last_seen })
        };
        Ok(users.iter().zip(traces).zip(people).map(state).collect())
    }

    /// How much each viewer may see of each person, for pairs of `(viewer, person)`, in order.
    pub(crate) async fn sights(
        &self,
        pairs: &[(UserId, UserId)],
        states: &HashMap<UserId, State>,
    ) -> Result<Vec<Sight>, Error> {
        let (profiles, messages) = (&*self.stores.profiles, &*self.stores.messages);
        let relations = store::relations(profiles, messages, pairs).await?;
        let sight = |((_, person), relation): (&(UserId, UserId), Relation)| {
            states.get(person).map_or(Sight::Hidden, |state| state.sight(relation))
        };
        Ok(pairs.iter().zip(relations).map(sight).collect())
    }
}

pub(crate) fn nobody() -> Problem {
    Problem::new(Code::NotFound, "there is no such user")
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::user::PrivacySettings;

    fn state(here: bool, chosen: Chosen) -> State {
        let user = UserId::draw();
        let person = Person { user, privacy: PrivacySettings::default(), chosen, last_seen: None };
        State { person: Some(Arc::new(person)), here, elsewhere: false, last_seen: Some(Timestamp(7)) }
    }

    #[test]
    fn what_is_chosen_shows_only_while_somebody_is_there() {
        let user = UserId::draw();
        let of = |there, chosen, sight| {
            let shown = state(there, chosen).shown(user, sight);
            (shown.status, shown.last_seen.is_some())
        };
        use Chosen::{Away, Busy, Invisible, Online};
        for (chosen, status) in [(Online, Status::Online), (Away, Status::Away), (Busy, Status::Busy)] {
            assert_eq!(of(true, chosen, Sight::Open), (status, false));
            assert_eq!(of(false, chosen, Sight::Open), (Status::Offline, true));
            assert_eq!(of(true, chosen, Sight::Hidden), (Status::Offline, false));
            assert_eq!(of(false, chosen, Sight::Hidden), (Status::Offline, false));
        }
        assert_eq!(of(true, Invisible, Sight::Open), (Status::Offline, false));
        assert_eq!(of(false, Invisible, Sight::Open), (Status::Offline, false), "the same, there or not");
        assert_eq!(of(true, Invisible, Sight::Own), (Status::Invisible, false));
        assert_eq!(of(false, Invisible, Sight::Own), (Status::Offline, true));
    }
}
