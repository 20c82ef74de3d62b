//! What crosses a process border: nouns, ids, events, bodies, wire formats and bounds.
//!
//! Everything else in the workspace stands on this package, the server as well as the two tools, so it
//! holds no I/O, no async and no state: bytes in, values out.
//!
//! - [`id`], [`user`], [`message`]: the nouns and the rules their texts obey
//! - [`event`]: the records of the log and their JSON envelope
//! - [`position`]: where a record stands in the log; cursors
//! - [`presence`]: who is there and who is typing, and the records of that
//! - [`api`], [`code`]: REST bodies and the one list of error codes
//! - [`exit`]: the exit codes of the two tools, and the failure that carries one
//! - [`wire`]: STOMP, bytes to frames and back
//! - [`limits`]: every bound of the product

pub mod api;
pub mod code;
pub mod event;
pub mod exit;
pub mod id;
pub mod limits;
pub mod message;
pub mod position;
pub mod presence;
pub mod time;
pub mod user;
pub mod wire;

pub use code::Code;
pub use id::{ConversationId, MessageId, SessionId, UserId};
pub use message::{Draft, Message, MessageStatus, MessageType};
pub use position::{Cursor, Position};
pub use time::Timestamp;
pub use user::{DisplayName, Phone, User, Username};
