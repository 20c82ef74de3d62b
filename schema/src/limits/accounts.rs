//! Accounts: passwords, names, contacts, exports, tokens, sessions, tickets.

use std::time::Duration;

/// Bytes of a password, at least.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of a password, at most: BCrypt takes no more without cutting it.
pub const PASSWORD_BYTES_MAX: usize = 71;
/// Characters of a display name, at most.
pub const DISPLAY_NAME_CHARS_MAX: usize = 50;
/// Characters of a device name, at most.
pub const DEVICE_NAME_CHARS_MAX: usize = 100;
/// Characters of a username, at least.
pub const USERNAME_CHARS_MIN: usize = 3;
/// Characters of a username, at most.
pub const USERNAME_CHARS_MAX: usize = 32;
/// Bytes of the address of a person's photo, at most.
pub const AVATAR_URL_BYTES_MAX: usize = 2048;
/// Contacts of a person, at most.
pub const CONTACTS: usize = 5_000;
/// People that somebody may have blocked at once.
pub const BLOCKS_MAX: usize = 10_000;
/// Conversations of a deleted person whose content is erased.
pub const ERASED_CONVERSATIONS_MAX: usize = 1_000_000;
/// Between two tries of an erasure that the log or a store did not take.
pub const ERASE_RETRY: Duration = Duration::from_secs(2);
/// Rows that an erasure rewrites in one batch of the history view.
pub const ERASE_BATCH: usize = 1_000;
/// Exports of a process at once; one a person.
pub const EXPORTS: usize = 8;
/// Bytes of an export that wait for the caller to read on.
pub const EXPORT_CHUNK_BYTES: usize = 65_536;
/// How long an export waits for a caller who does not read.
pub const EXPORT_STALL: Duration = Duration::from_secs(30);
/// Conversations in an export, at most; it says when there are more.
pub const EXPORT_CONVERSATIONS: usize = 100_000;
/// Sessions in an export, at most.
pub const EXPORT_SESSIONS: usize = 10_000;
/// Life of an access token.
pub const ACCESS_TOKEN_S: i64 = 15 * 60;
/// Life of a refresh token.
pub const REFRESH_TOKEN_S: i64 = 30 * 24 * 3600;
/// Life of a token that an administrator mints, at most.
pub const MINTED_TOKEN_S_MAX: i64 = 30 * 24 * 3600;
/// BCrypt cost of a stored password.
pub const BCRYPT_COST: u32 = 12;
/// Hashes that may wait for a hashing thread; more answer 503.
pub const HASH_QUEUE: usize = 64;
/// Life of a one-time ticket that opens a socket.
pub const TICKET_S: i64 = 30;
/// Bytes of what may be a ticket; ours have 43.
pub const TICKET_BYTES: usize = 128;
/// Live tickets of a user at once; a page that opens several sockets needs one each.
pub const TICKETS_PER_USER: usize = 16;
/// Live tickets of a process at once: about 13 MB.
pub const TICKETS: usize = 65_536;
/// Time between two looks for sessions that have reached their own end, whose sockets are then closed.
pub const SESSION_SWEEP: Duration = Duration::from_millis(500);
/// Sessions that one such look ends at a time; it goes on until there are no more.
pub const SESSION_SWEEP_ROWS: usize = 1_000;
/// Seconds after which a full queue of hashes has room again.
pub const HASH_RETRY_S: u32 = 5;
/// Users in one bulk import request, and tokens in one bulk mint.
pub const BULK_MAX: usize = 5_000;
/// Bytes of an administrator's bulk request.
pub const BULK_BYTES: usize = 8 << 20;
