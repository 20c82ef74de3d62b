//! What people may send and ask for (API.md, "Limits").

use std::time::Duration;

/// Calls a caller may make a minute, by user when authenticated, else by address.
pub const REQUESTS_PER_MINUTE: u32 = 100;
/// Accounts an address may register a minute.
pub const REGISTRATIONS_PER_MINUTE: u32 = 20;
/// Look-ups of people by phone number or username that a caller may make a minute.
pub const LOOKUPS_PER_MINUTE: u32 = 30;
/// Wrong passwords for an account in 15 minutes.
pub const LOGIN_FAILURES_PER_ACCOUNT: u32 = 10;
/// Wrong passwords from an address in 15 minutes.
pub const LOGIN_FAILURES_PER_ADDRESS: u32 = 100;
/// Accounts, names and addresses that each bound of sign-ins and registrations counts at once.
pub const COUNTED_KEYS: usize = 100_000;
/// The window of the two login bounds.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(15 * 60);
/// STOMP sends a session may make a second, sustained.
pub const MESSAGES_PER_SECOND: u32 = 50;
/// STOMP sends a session may make at once.
pub const MESSAGES_BURST: u32 = 200;
/// Characters (Unicode scalar values) of a message's content, by default.
pub const CONTENT_CHARS: usize = 4096;
/// The highest value that `limits.content_chars` may be set to.
pub const CONTENT_CHARS_MAX: usize = 49_000;
/// Bytes of a STOMP frame and of a WebSocket message.
pub const FRAME_BYTES: usize = 65_536;
/// Bytes of a JSON body.
pub const JSON_BYTES: usize = 262_144;
/// Levels of arrays and objects within each other in JSON that a client sends; ours need 4.
pub const JSON_DEPTH: usize = 32;
/// Bytes of a message's metadata, as JSON.
pub const METADATA_BYTES: usize = 4096;
/// Characters of a client message id.
pub const CLIENT_MESSAGE_ID_CHARS: usize = 64;
/// Bytes waiting for a session that does not read.
pub const OUTBOX_BYTES: usize = 524_288;
/// Sockets of a user at once.
pub const SOCKETS_PER_USER: usize = 64;
/// Sockets of an address at once, by default; 0 is no bound.
pub const SOCKETS_PER_ADDRESS: usize = 0;
/// Bytes of an uploaded file.
pub const UPLOAD_BYTES: usize = 10_485_760;
/// Rows of a page, when none are asked for.
pub const PAGE: usize = 50;
/// Rows of a page at most.
pub const PAGE_MAX: usize = 200;
/// Seconds from the upgrade to the CONNECT frame.
pub const CONNECT_DEADLINE_S: u64 = 30;
/// Conversations of a person that are listed.
pub const CONVERSATIONS_MAX: usize = 10_000;
