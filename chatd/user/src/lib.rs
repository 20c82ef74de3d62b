//! People: who am I, who is this, whom do I know, and what of me may others see.
//!
//! Stands on `store` (profiles, and messages for blocks and the export) and `edge`; the gateway and port 8082
//! serve its routes, the administrators' API calls [`Users::list`] and [`Users::get`]. Blocks are records of
//! conversations, so `chat` serves their calls.
//!
//! - me: the caller's own profile: read, change, end
//! - privacy: what others may see; contacts: whom the caller knows
//! - lookup: another's profile, by id, username or phone number
//! - view: what of a profile a viewer may see, the one place that decides
//! - export: everything that is stored about the caller, as one document
//!
//! Invariants: nothing of a person is shown without what the viewer is to them ([`store::relation`]); a phone
//! number is shown to its owner and to who looked it up by that very number, to nobody else; not there and not
//! visible is the same 404; who is blocked sees a person who shows nothing, and nothing by which to tell; who
//! remembers something of a person hears of each change ([`edge::Changes`]), even if who made it has gone away.

mod admin;
mod contacts;
mod export;
mod lookup;
mod me;
mod privacy;
mod routes;
mod view;

use edge::{Changes, Problem, Remove, Signer};
use export::Exports;
use schema::limits::{CONTACTS, PAGE, PAGE_MAX};
use schema::{Code, UserId, Username};
use std::sync::Arc;
use store::profiles::{Name, Profile};
use store::{Accounts, Messages, Profiles};
use tracing::Instrument;

/// What the service stands on.
#[derive(Clone)]
pub struct Parts {
    pub profiles: Arc<dyn Profiles>,
    /// Sessions, for the export.
    pub accounts: Arc<dyn Accounts>,
    /// Blocks, and messages for the export.
    pub messages: Arc<dyn Messages>,
    /// Seals cursors.
    pub signer: Arc<Signer>,
    /// Told of every change of a person.
    pub changes: Arc<Changes>,
    /// Ends accounts.
    pub remove: Arc<dyn Remove>,
}

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rows of a page, at most.
    pub page_max: usize,
    /// Contacts of a person, at most.
    pub contacts: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { page_max: PAGE_MAX, contacts: CONTACTS }
    }
}

/// The user service.
#[derive(Clone)]
pub struct Users(Arc<Inner>);

struct Inner {
    parts: Parts,
    config: Config,
    exports: Exports,
}

impl Users {
    /// The service on these parts.
    pub fn open(parts: Parts, config: Config) -> Self {
        Self(Arc::new(Inner { parts, config, exports: Exports::default() }))
    }

    fn profiles(&self) -> &dyn Profiles {
        &*self.0.parts.profiles
    }

    /// The caller's own profile.
    async fn own(&self, user: UserId) -> Result<Profile, Problem> {
        self.profiles().find(&Name::Id(user)).await?.ok_or_else(gone)
    }

    /// The person with this id or username.
    async fn named(&self, text: &str) -> Result<Profile, Problem> {
        let name = Name::of(text).ok_or_else(nobody)?;
        self.profiles().find(&name).await?.ok_or_else(nobody)
    }

    /// Rows of a page, checked against its bound.
    fn limit(&self, asked: Option<usize>) -> Result<usize, Problem> {
        let most = self.0.config.page_max;
        match asked {
            None => Ok(PAGE.min(most)),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::field("limit", "is out of bounds", format!("1-{most}"))),
        }
    }

    /// Makes a change and tells of it, to its end, even if the caller goes away meanwhile. It is told whatever
    /// comes of it: a change of unknown outcome may be there.
    async fn change<T: Send + 'static>(
        &self,
        user: UserId,
        work: impl Future<Output = Result<T, store::Error>> + Send + 'static,
        former_username: fn(&T) -> Option<&Username>,
    ) -> Result<T, Problem> {
        let changes = Arc::clone(&self.0.parts.changes);
        let told = async move {
            let outcome = work.await;
            changes.person(user, outcome.as_ref().ok().and_then(former_username));
            outcome
        };
        let outcome = tokio::spawn(told.in_current_span()).await.map_err(|panic| {
            Problem::new(Code::Internal, "the server failed on this call").caused_by(panic)
        })?;
        Ok(outcome?)
    }
}

/// A token of a person who was removed is good for nothing.
fn gone() -> Problem {
    edge::caller::unauthorized().caused_by("the user is gone")
}

/// Not there and not visible.
fn nobody() -> Problem {
    Problem::new(Code::NotFound, "there is no such user")
}
