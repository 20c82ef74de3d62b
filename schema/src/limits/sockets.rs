//! Sockets: STOMP, WebSocket, SockJS.

use std::time::Duration;

// --- STOMP and WebSocket ---

/// Headers of a STOMP frame.
pub const STOMP_HEADERS: usize = 100;
/// Bytes of a STOMP header line.
pub const STOMP_HEADER_BYTES: usize = 8192;
/// Subscriptions of a session.
pub const SUBSCRIPTIONS: usize = 100;
/// Messages of a session that are acknowledged and did not come back over the delivery link yet.
pub const SENDS_UNPASSED: usize = 1024;
/// Sends of a session that may wait for their outcome.
pub const SENDS_IN_FLIGHT: usize = 1024;
/// Bytes of a socket's read buffer and of its write buffer.
pub const SOCKET_BUFFER_BYTES: usize = 4096;
/// Period of heart-beats in both directions, in milliseconds.
pub const HEARTBEAT_MS: u64 = 20_000;
/// Pings of a session that ask for DELIVERED: at most one in this time.
pub const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Pings of a process that ask for DELIVERED, a second. Beyond it they come later and tell of more at once:
/// a message each second to each of 10,000 people would otherwise double the records of the log.
pub const PINGS_PER_SECOND: u32 = 2_000;
/// A write that makes no progress for this long ends the session.
pub const SEND_TIME: Duration = Duration::from_secs(10);
/// Frames that a session may have unacknowledged before its device position stops moving.
pub const UNACKNOWLEDGED: usize = 1024;
/// Marks of all sessions that may be on their way to the log; fewer than `WAITERS`, so that sends pass.
pub const MARKS_IN_FLIGHT: usize = 4096;
/// Conversations of a session whose marks are remembered or wait.
pub const MARKED_CONVERSATIONS: usize = 1024;
/// Time for the other side to answer a close frame, and for what waits before it to be written.
pub const CLOSE_TIME: Duration = Duration::from_secs(3);
/// Messages read from history at a time while a subscription is caught up.
pub const REPLAY_PAGE: usize = 100;

// --- SockJS (the names in brackets are Spring's) ---

/// How many times larger than a frame an array of messages from a client may be: escapes take their room.
pub const SOCKJS_ARRAY_FRAMES: usize = 4;
/// Bytes from a client over HTTP that wait until its session reads on.
pub const SOCKJS_INBOUND_BYTES: usize = 262_144;
/// Bytes that wait for the client's next receive request. More stays in the outbox; one frame may pass it.
pub const SOCKJS_BUFFER_BYTES: usize = 32_768;
/// Bytes of a streaming response; then it ends, and the client asks again [streamBytesLimit].
pub const SOCKJS_STREAM_BYTES: usize = 131_072;
/// How long a receive request may be silent [heartbeatTime].
pub const SOCKJS_HEARTBEAT: Duration = Duration::from_secs(25);
/// How long a session lives without a receive request, and how long a closed one is remembered
/// [disconnectDelay].
pub const SOCKJS_DISCONNECT_DELAY: Duration = Duration::from_secs(5);
/// How long a streaming response goes on when the session wants to know what has arrived: only the next
/// request proves it.
pub const SOCKJS_PROOF_TIME: Duration = Duration::from_secs(3);
/// SockJS sessions over HTTP of an address at once.
pub const SOCKJS_SESSIONS_PER_ADDRESS: usize = 1024;
/// Bytes of the names in a SockJS session's path.
pub const SOCKJS_NAME_BYTES: usize = 128;
