//! Presence and typing.

use super::CONTACTS;
use std::time::Duration;

/// People in one bulk query of presence.
pub const PRESENCE_QUERY: usize = 500;
/// Subscriptions of a session to one person's presence.
pub const PRESENCE_TOPICS: usize = 50;
/// Pairs of a subscription and a person whose presence it hears of, of all sessions of a user: four devices
/// that listen to every contact.
pub const PRESENCE_WATCHES_OF_USER: usize = 4 * CONTACTS;
/// Pairs of a subscription and a person whose presence it hears of, in a process.
pub const PRESENCE_WATCHES: usize = 2_000_000;
/// Subscriptions that wait to be taken up.
pub const PRESENCE_ASKS: usize = 8_192;
/// People whose changes wait to be looked at one by one; beyond it, everybody who is watched is.
pub const PRESENCE_CHANGES: usize = 65_536;
/// People, or pairs of a viewer and a person, dealt with at once.
pub const PRESENCE_BATCH: usize = 500;
/// Until what an outbox or a store did not take is offered again.
pub const PRESENCE_RETRY: Duration = Duration::from_secs(1);
/// Records of presence and typing on their way to the log; more are shed, so that messages always find room.
pub const PRESENCE_RECORDS: usize = 8_192;
/// How often a process says that it lives.
pub const LEASE_BEAT: Duration = Duration::from_secs(20);
/// How long after the last such word its sockets count as gone.
pub const LEASE_TIME: Duration = Duration::from_secs(60);
/// How often last seens are made durable.
pub const LAST_SEEN_FLUSH: Duration = Duration::from_secs(3);
/// Last seens that are not durable yet; more are dropped.
pub const LAST_SEEN_UNSAVED: usize = 200_000;
/// How long typing lasts that is not renewed.
pub const TYPING_TIME: Duration = Duration::from_secs(6);
/// Turns of typing on and off that a person may take a second; more are dropped.
pub const TYPING_PER_SECOND: u32 = 10;
/// People that a person may be typing to at once.
pub const TYPING_PEERS: usize = 16;
/// People who may be typing at once, in a process.
pub const TYPISTS: usize = 100_000;
/// Typing on its way to the sockets of a process; more is shed.
pub const TYPING_LINK: usize = 4_096;
