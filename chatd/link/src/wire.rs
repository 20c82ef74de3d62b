//! What goes over a link, in both directions.
//!
//! All of it is tagged from outside: JSON that is carried as it came (a message's metadata) would not survive
//! another way.

use crate::shapes::{Identified, Refusal};
use chat::{Backlog, Batch, Delivery, MarkKind, Origin, Sent};
use schema::event::DevicePosition;
use schema::presence::{Chosen, Presence, Typing};
use schema::{Cursor, Draft, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Raised with each change that an older process would not understand.
pub(crate) const VERSION: u32 = 1;

/// The first frame, of the side that connects.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) version: u32,
    /// The process that connects, as records of the log name it.
    pub(crate) node: Uuid,
    pub(crate) token: String,
    pub(crate) wants: Wants,
}

/// What the side that connects is told, besides answers and positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wants {
    pub(crate) deliveries: Deliveries,
    /// Typing and ended sessions.
    pub(crate) news: bool,
}

/// Whose deliveries a process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deliveries {
    /// Those of people that it attends.
    Attended,
    /// Everybody's.
    All,
}

/// The answer to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Greeting {
    Welcome {
        node: Uuid,
        position: Cursor,
    },
    /// The connection is closed behind this.
    Refused(String),
}

/// From the side that connected.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Up {
    /// It lives.
    Beat,
    Call {
        id: u64,
        call: Call,
    },
    /// These sockets are open, and whose they are.
    Connected(Vec<(UserId, u64)>),
    Disconnected(UserId, u64),
    /// Connection and subscription.
    Unwatch(u64, u32),
    Leave(UserId),
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Attend(Vec<UserId>),
    Send {
        origin: Origin,
        draft: Draft,
    },
    Resolve(String),
    Mark {
        user: UserId,
        peer: UserId,
        kind: MarkKind,
        up_to: u64,
        device: Option<DevicePosition>,
    },
    Passed {
        user: UserId,
        session: SessionId,
        cursor: Cursor,
    },
    Feed {
        user: UserId,
        after: Cursor,
        limit: usize,
    },
    Backlog {
        user: UserId,
        session: SessionId,
        until: Cursor,
    },
    Typing {
        user: UserId,
        peer: String,
        on: bool,
    },
    SetStatus(UserId, Chosen),
    /// Without a name it is the viewer's contacts.
    Watch {
        viewer: UserId,
        connection: u64,
        subscription: u32,
        name: Option<String>,
    },
    /// The `Cookie` headers of a request.
    ByCookie(Vec<String>),
    ByTicket(String),
}

/// To the side that connected.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Down {
    /// It lives; so many batches came before this on this link, and the view shows so much.
    Beat {
        batches: u64,
        position: Cursor,
    },
    Batch(Batch),
    Answer {
        id: u64,
        reply: Reply,
    },
    Typed {
        peer: UserId,
        typing: Typing,
    },
    Presence(Shown),
    Ended(Vec<(SessionId, Timestamp)>),
}

/// Somebody's presence, for a subscription of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) connection: u64,
    pub(crate) subscription: u32,
    pub(crate) presence: Arc<Presence>,
}

/// The answer to a call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    Done,
    User(UserId),
    Sent(Sent),
    Feed(Vec<Delivery>, Cursor),
    Backlog(Backlog),
    Caller(Option<Identified>),
    Refused(chat::Error),
    Problem(Refusal),
    /// Nothing was done: the process that was asked has too much to do.
    Overloaded,
}
