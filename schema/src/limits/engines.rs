//! Kafka, Cassandra, PostgreSQL and Redis.

use std::num::NonZeroUsize;
use std::time::Duration;

// --- Kafka ---

/// How long Kafka may take to take a record; well below what its sender waits for
/// ([`ANSWER_DEADLINE`](super::ANSWER_DEADLINE)).
pub const KAFKA_APPEND_TIME: Duration = Duration::from_secs(2);
/// How long a record waits for others to go to Kafka with it.
pub const KAFKA_LINGER: Duration = Duration::from_millis(5);
/// Records waiting to go to Kafka, beside their bytes ([`LOG_QUEUE_BYTES`](super::LOG_QUEUE_BYTES)); more are
/// refused before they are stored.
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

// --- Cassandra ---

/// Time for a connection to a Cassandra node.
pub const CASSANDRA_CONNECT: Duration = Duration::from_secs(3);
/// Time for a request to Cassandra; its own time-outs are shorter.
pub const CASSANDRA_REQUEST: Duration = Duration::from_secs(4);
/// Connections to each Cassandra node.
pub const CASSANDRA_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN;
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
/// How long a process waits at its start for engines that are away.
pub const SCHEMA_WAIT: Duration = Duration::from_secs(60);
