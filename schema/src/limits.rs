//! Every bound of the product in one place: sizes, rates, queue depths, waits.
//!
//! What an operator may change is a key of the configuration with the default named here; the rest are
//! constants because a promise or a format rests on them.

use std::num::NonZeroUsize;
use std::time::Duration;

// --- what people may send (API.md, "Limits") ---

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

/// People that somebody may have blocked at once.
pub const BLOCKS_MAX: usize = 10_000;
/// Conversations of a deleted person whose content is erased.
pub const ERASED_CONVERSATIONS_MAX: usize = 1_000_000;
/// Between two tries of an erasure that the log or a store did not take.
pub const ERASE_RETRY: Duration = Duration::from_secs(2);
/// Rows that an erasure rewrites in one batch of the history view.
pub const ERASE_BATCH: usize = 1_000;

// --- accounts ---

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

// --- presence and typing ---

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

// --- the log and the sequencer ---

/// Bytes of one record of the log.
pub const RECORD_BYTES: usize = 1 << 20;
/// Bytes waiting for the log's writer; more is refused before it is stored.
pub const LOG_QUEUE_BYTES: usize = 32 << 20;
/// How long the log's writer lets a group gather while records come faster than it syncs.
pub const GATHER: Duration = Duration::from_millis(1);
/// Bytes of one log segment.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Bytes of recent records kept in memory for consumers, a partition.
pub const LOG_TAIL_BYTES: usize = 32 << 20;
/// How long Kafka may take to take a record; well below what its sender waits for ([`ANSWER_DEADLINE`]).
pub const KAFKA_APPEND_TIME: Duration = Duration::from_secs(2);
/// How long a record waits for others to go to Kafka with it.
pub const KAFKA_LINGER: Duration = Duration::from_millis(5);
/// Records waiting to go to Kafka, beside their bytes ([`LOG_QUEUE_BYTES`]); more are refused before they are
/// stored.
pub const KAFKA_QUEUE_RECORDS: usize = 100_000;
/// How long a question to Kafka may take.
pub const KAFKA_ASK_TIME: Duration = Duration::from_secs(5);
/// Between two looks at whether Kafka's topics are still the ones that were opened.
pub const KAFKA_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long such a look may take; then Kafka counts as away.
pub const KAFKA_LOOK_TIME: Duration = Duration::from_secs(3);
/// Bytes of a partition's records that are fetched from Kafka ahead of their consumer.
pub const KAFKA_FETCH_BYTES: usize = 4 << 20;
/// How long Kafka holds a fetch that finds nothing: no record waits for it, but a partition that is taken up
/// meanwhile does.
pub const KAFKA_FETCH_WAIT: Duration = Duration::from_millis(100);
/// Bytes of the text beside a committed offset: Kafka's own default (offset.metadata.max.bytes).
pub const KAFKA_METADATA_BYTES: usize = 4096;
/// After so long a silence Kafka gives a consumer's partitions to others.
pub const KAFKA_SESSION_TIME: Duration = Duration::from_secs(6);
/// How often a consumer tells Kafka that it lives.
pub const KAFKA_HEARTBEAT: Duration = Duration::from_secs(2);
/// Records that the sequencer applies in one batch.
pub const SEQUENCER_BATCH: usize = 1024;
/// Conversation heads kept in memory, a partition.
pub const HEADS: usize = 100_000;
/// Client message ids a head remembers, to tell new sends without a look-up.
pub const CLIENT_WINDOW: usize = 32;
/// Sends that may wait for their outcome, in a process.
pub const WAITERS: usize = 65_536;
/// How long a send waits for its outcome before it answers `outcome_unknown`.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// Age of the oldest unapplied record beyond which the door refuses new ones.
pub const LAG_MAX: Duration = Duration::from_secs(1);
/// While a log partition is behind by more than that, one record is let through in this time to see whether it
/// is applied again.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two checkpoints of the history view.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Records between two checkpoints of the history view.
pub const CHECKPOINT_RECORDS: u64 = 100_000;
/// Batches on their way from the sequencer to a websocket process.
pub const DELIVERY_BATCHES: usize = 256;

// --- the link between processes ---

/// Links that a process takes at once, one for each other process.
pub const LINKS: usize = 128;
/// Time for a connection of the link to be made, and for each side to say who it is.
pub const LINK_HELLO_TIME: Duration = Duration::from_secs(2);
/// Bytes of what is said before a side is known.
pub const LINK_HELLO_BYTES: usize = 4096;
/// Bytes of one frame; a page of history that is larger is cut in half.
pub const LINK_FRAME_BYTES: usize = 16 << 20;
/// Bytes waiting for a side that does not read; then the link is cut.
pub const LINK_OUTBOX_BYTES: usize = 32 << 20;
/// Bytes of pages of history that wait beside them; more are to be asked for again.
pub const LINK_PAGES_BYTES: usize = 32 << 20;
/// Pages of history that a process asks for at once; its other sessions wait their turn.
pub const LINK_PAGES: usize = 256;
/// Bytes of presence and typing that wait beside them; more is left out.
pub const LINK_SOFT_BYTES: usize = 1 << 20;
/// Bytes that are written to a link at a time.
pub const LINK_WRITE_BYTES: usize = 256 << 10;
/// Bytes of deliveries in one frame, about: a larger batch is told in parts.
pub const LINK_BATCH_BYTES: usize = 256 << 10;
/// How often each side says that it lives.
pub const LINK_BEAT: Duration = Duration::from_secs(1);
/// A side that says nothing for this long, or takes nothing, is gone: three beats.
pub const LINK_SILENCE: Duration = Duration::from_secs(3);
/// How long a call over the link waits for its answer.
pub const LINK_CALL_TIME: Duration = Duration::from_secs(5);
/// How long a process may take to say that it delivers for somebody from now on; then its link is cut.
pub const LINK_ATTEND_TIME: Duration = Duration::from_secs(1);
/// Longest wait before a lost link is tried again; the wait is drawn anew each time.
pub const LINK_RETRY: Duration = Duration::from_secs(2);
/// Calls of one link that are answered at once; more are answered that they were not taken.
pub const LINK_CALLS: usize = 4_096;
/// Ordered queues of a link's sends: those of one socket stand in one of them.
pub const LINK_LANES: usize = 64;
/// Sends that wait in one of them; more are not taken.
pub const LINK_LANE: usize = 1_024;
/// People, sockets or ended sessions named in one frame.
pub const LINK_CHUNK: usize = 2_000;

// --- PostgreSQL ---

/// Connections of a process to PostgreSQL that serve calls; one more listens.
pub const POSTGRES_CONNECTIONS: u32 = 12;
/// How long a call waits for a connection to PostgreSQL, also while it is away.
pub const POSTGRES_ACQUIRE_TIME: Duration = Duration::from_secs(2);
/// How long a connection to PostgreSQL may take to show that it lives.
pub const POSTGRES_CONNECT_TIME: Duration = Duration::from_secs(1);
/// How long PostgreSQL works on a statement before it gives up.
pub const POSTGRES_STATEMENT_TIME: Duration = Duration::from_secs(5);
/// How long the answer to a statement may take; then its connection is given up.
pub const POSTGRES_ANSWER_TIME: Duration = Duration::from_secs(6);
/// Times that a step is repeated which lost to another one and stored nothing.
pub const POSTGRES_ATTEMPTS: u32 = 4;
/// People written or looked for by one statement.
pub const POSTGRES_BATCH: usize = 5_000;
/// How often PostgreSQL is asked whether it is there, and tried again while it is not.
pub const POSTGRES_PROBE: Duration = Duration::from_secs(1);
/// How often a process says that it lives, and looks who else does.
pub const NODE_BEAT: Duration = Duration::from_secs(2);
/// How long after its last such word a process counts as gone.
pub const NODE_LEASE: Duration = Duration::from_secs(10);
/// How long the row of a process that counts as gone is kept.
pub const NODE_KEPT: Duration = Duration::from_secs(600);

// --- processes ---

/// `Retry-After` of a 503, in seconds.
pub const RETRY_AFTER_S: u32 = 1;
/// HTTP connections of a listener that are no sockets (yet); more are closed unserved.
pub const HTTP_CONNECTIONS: usize = 32_768;
/// Sockets and SockJS sessions of a process; more are refused with 429.
pub const SOCKETS: usize = 262_144;
/// Open files that no connection may take: they are for the log, the views and the accounts.
pub const FILES_KEPT: u64 = 512;
/// Headers of an HTTP/1 request.
pub const HTTP_HEADERS: usize = 100;
/// Time for the TLS handshake of a connection.
pub const TLS_HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How often the certificate's and the key's file are looked at for a change.
pub const TLS_RELOAD_INTERVAL: Duration = Duration::from_secs(3);
/// How long a browser remembers that this host is reached over TLS only.
pub const HSTS_S: u64 = 365 * 24 * 3600;
/// How long a browser may remember what a preflight said.
pub const CORS_MAX_AGE: Duration = Duration::from_secs(600);
/// Trusted proxies that a request is followed through, from the nearest on.
pub const PROXY_HOPS: usize = 16;
/// Time for which an HTTP answer may make no progress because its reader does not read.
pub const HTTP_STALL_TIME: Duration = Duration::from_secs(30);
/// Connections waiting to be accepted, a listener.
pub const BACKLOG: i32 = 4096;
/// Bytes of an HTTP/1 request's head.
pub const HTTP_HEAD_BYTES: usize = 32_768;
/// Time for an HTTP/1 request's head, and for an idle connection to begin the next one.
pub const HTTP_HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for an HTTP request, its body included.
pub const HTTP_TIME: Duration = Duration::from_secs(30);
/// How long sync may wait for something new, in seconds.
pub const SYNC_WAIT_S_MAX: u64 = 30;
/// Time for in-flight work to end after SIGTERM.
pub const DRAIN: Duration = Duration::from_secs(10);

// --- Redis: what processes share that may be lost ---

/// Time for a connection to Redis, its handshake included.
pub const REDIS_CONNECT_TIME: Duration = Duration::from_secs(2);
/// Time for Redis to answer; later it counts as away.
pub const REDIS_TIME: Duration = Duration::from_secs(1);
/// Until a connection to Redis that failed is made anew.
pub const REDIS_RETRY: Duration = Duration::from_millis(500);
/// Commands on their way to Redis, a connection; more wait.
pub const REDIS_QUEUE: usize = 512;
/// How often the connection that hears other processes is tried: a silent one heals nothing.
pub const SIGNALS_PING: Duration = Duration::from_secs(5);
/// Signals of other processes that wait to be heard; who is further behind looks at everybody.
pub const SIGNALS: usize = 32_768;
/// How long Redis keeps what a silent process held, for another to take up.
pub const PRESENCE_KEEP: Duration = Duration::from_secs(3600);
/// How long Redis keeps last seens that no process makes durable.
pub const LAST_SEEN_KEEP: Duration = Duration::from_secs(24 * 3600);
/// How long Redis keeps a ticket past its end, for clocks that differ.
pub const TICKET_KEEP: Duration = Duration::from_secs(60);
/// Time for a bucket that processes share; later the process counts by itself.
pub const RATES_TIME: Duration = Duration::from_millis(50);
/// How long a process counts by itself before it asks for the shared buckets again.
pub const RATES_RETRY: Duration = Duration::from_secs(1);

// --- Cassandra ---

/// Time for a connection to a Cassandra node.
pub const CASSANDRA_CONNECT: Duration = Duration::from_secs(3);
/// Time for a request to Cassandra; its own time-outs are shorter.
pub const CASSANDRA_REQUEST: Duration = Duration::from_secs(4);
/// Connections to each Cassandra node.
pub const CASSANDRA_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN;

// --- the schema of the engines ---

/// How long an apply waits for another one that is at work.
pub const SCHEMA_LOCK_WAIT: Duration = Duration::from_secs(300);
/// How long a migration of PostgreSQL waits for a lock on a table; while it waits, others wait behind it.
pub const SCHEMA_STATEMENT_LOCK_WAIT: Duration = Duration::from_secs(10);
/// Time for one statement that changes a schema.
pub const SCHEMA_STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// Time after which the lease of a killed apply on Cassandra runs out; whole seconds.
pub const SCHEMA_LEASE: Duration = Duration::from_secs(15);
/// How often an apply renews its lease.
pub const SCHEMA_LEASE_RENEWAL: Duration = Duration::from_secs(4);
/// How often something that another makes is looked for.
pub const SCHEMA_POLL: Duration = Duration::from_millis(200);
/// How often an engine that cannot be reached is asked for its schema again, while chatd starts.
pub const SCHEMA_RETRY: Duration = Duration::from_millis(500);
/// Time for one question about the schema.
pub const SCHEMA_QUESTION_TIMEOUT: Duration = Duration::from_secs(10);

// --- the gateway, in front of services in other processes ---

/// Addresses that a service may have.
pub const UPSTREAMS: usize = 256;
/// Time for a connection to a service in another process, its TLS handshake included.
pub const UPSTREAM_CONNECT_TIME: Duration = Duration::from_secs(1);
/// Time for the head of a service's answer; longer than a service takes to give up itself.
pub const UPSTREAM_ANSWER_TIME: Duration = Duration::from_secs(40);
/// Time for which the body of a service's answer may make no progress; longer than SockJS is silent.
pub const UPSTREAM_STALL_TIME: Duration = Duration::from_secs(60);
/// Addresses that a request is tried on when connections are refused.
pub const UPSTREAM_TRIES: usize = 3;
/// Between two looks at whether a service's process is well.
pub const UPSTREAM_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Time for it to say so.
pub const UPSTREAM_CHECK_TIME: Duration = Duration::from_secs(1);
/// Idle connections that are kept to a service's process.
pub const UPSTREAM_IDLE_CONNECTIONS: usize = 256;
/// For how long they are kept: less than `HTTP_HEAD_TIME`, so that no request meets the service's own end.
pub const UPSTREAM_IDLE_TIME: Duration = Duration::from_secs(5);
/// SockJS sessions over HTTP whose process is remembered: about 30 MB.
pub const SOCKJS_ROUTES: usize = 262_144;
/// How long it is remembered after the session's last request.
pub const SOCKJS_ROUTE_TIME: Duration = Duration::from_secs(60);
/// Bytes that are taken from one end of a tunnel at a time; what the other end does not take at once waits.
pub const TUNNEL_BYTES: usize = 16_384;
/// Sequences of a conversation in one partition of Cassandra.
pub const CASSANDRA_ROWS: u64 = 4096;
/// Bits of an offset within one partition of a person's feed.
pub const CASSANDRA_FEED_BITS: u32 = 22;
/// Statements of one batch; Cassandra warns of batches over more than ten partitions.
pub const CASSANDRA_BATCH: usize = 10;
/// Bytes of one batch; Cassandra warns from 5 KiB and fails from 50 KiB. A larger row goes alone.
pub const CASSANDRA_BATCH_BYTES: usize = 4096;
/// Requests of one call on their way to Cassandra at once.
pub const CASSANDRA_REQUESTS: usize = 32;
/// Keys that one statement reads: twenty heads cost Cassandra 68 µs each, single ones 301.
pub const CASSANDRA_KEYS: usize = 20;
/// Rows that one statement reads.
pub const CASSANDRA_PAGE: usize = 500;
/// How often the nodes of Cassandra are asked in which life they are.
pub const CASSANDRA_PULSE: Duration = Duration::from_secs(1);
/// How long ago the nodes may have been seen when a write is answered. A node needs longer from its end to its
/// next answer.
pub const CASSANDRA_FRESH: Duration = Duration::from_secs(2);
/// Time for a node that did not answer the last time to say in which life it is.
pub const CASSANDRA_AWAY: Duration = Duration::from_millis(200);
/// How long a node may be away until what it had answered is written again.
pub const CASSANDRA_GONE: Duration = Duration::from_secs(60);
/// How old an answered write is when it counts as on disk: more than twice `commitlog_sync_period`.
pub const CASSANDRA_TRAIL: Duration = Duration::from_secs(25);
/// Checkpoints of a partition that wait for that.
pub const CASSANDRA_TRAILING: usize = 64;
/// Buckets of feeds that a process remembers to have indexed; then it forgets all and writes them again.
pub const CASSANDRA_INDEXED: usize = 200_000;
/// Erasures that a process remembers, so that what is still on its way is written without content.
pub const CASSANDRA_ERASED: usize = 65_536;

/// How often a process looks where the core of its data folder listens for links.
pub const LINK_LOOK: Duration = Duration::from_millis(200);
/// How long a process without stores waits at its start for one that has them.
pub const LINK_START: Duration = Duration::from_secs(60);
/// How long a process waits at its start for engines that are away.
pub const SCHEMA_WAIT: Duration = Duration::from_secs(60);
