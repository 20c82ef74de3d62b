//! What one send costs on Cassandra, by how its writes are put together.
//!
//! `cassandra_bench URL SERVER_PID` makes a keyspace of its own and drops it at the end. Each line: sends a second
//! asked and done, statements a batch, head in a table of its own or beside the rows, latency of a group of sends
//! from its due time until its last batch is answered, CPU of server and client per send. Then the same through
//! `CassandraMessages`, and reads.
//!
//! Measured on 2 cores that seven builds shared (load 9 to 16; Cassandra 5.0.9 with its full compiler, this in a
//! debug build), in three runs; the CPU says more than the times. Per send at full speed, 3 to 6 thousand a second:
//! server 170-197 µs in batches of 10, 152-198 in batches of 50, client 29-43 and 13-14; with the head beside the
//! rows, in one partition write less, server 146-177 and 124-226. At 1,000 a second: server 430-1,190, p50 3 ms.
//! Through the view: 355 µs at 2,000 a second, 202 at 3,400. Heads: 247-435 µs each, 41-68 where twenty are asked
//! at once. So: twenty keys a read; batches of ten, of which Cassandra does not warn. The head stays in a table of
//! its own although that costs a fifth: beside the rows it would be spread over all their files, and each look at
//! it would read them all.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement: what fails ends it")]

use cluster::cassandra::CassandraMessages;
use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use schema::{ConversationId, MessageId, MessageType, Position, Timestamp, UserId};
use scylla::client::session::Session;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::{SerializationError, writers::RowWriter};
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::messages::{Change, FeedEntry, Head, IdEntry, Messages, StoredMessage, Write};
use uuid::Uuid;

const CONVERSATIONS: u64 = 10_000;
const SECONDS: u64 = 8;

/// A message of 300 bytes as JSON, a head, an id's entry, a feed entry.
enum Bound {
    Row(Uuid, i64, i64, i64),
    RowAndHead(Uuid, i64, i64, i64),
    Id(Uuid, i64),
    Head(Uuid, i64),
    Feed(Uuid, i32, i64, i64),
}

impl SerializeRow for Bound {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let text = "x".repeat(650);
        match self {
            Self::Row(c, b, s, at) => (c, b, s, at, text, at).serialize(ctx, writer),
            Self::RowAndHead(c, b, s, at) => (c, b, s, at, text, vec![7_u8; 200], at).serialize(ctx, writer),
            Self::Id(id, at) => (id, vec![7_u8; 56], at).serialize(ctx, writer),
            Self::Head(c, at) => (c, vec![7_u8; 200], at).serialize(ctx, writer),
            Self::Feed(u, p, b, at) => (u, p, b, at, 0_i8, vec![7_u8; 24], at).serialize(ctx, writer),
        }
    }

    fn is_empty(&self) -> bool {
        false
    }
}

struct Bench {
    session: Session,
    keyspace: String,
    server: u32,
    statements: [PreparedStatement; 5],
}

impl Bench {
    fn statement(&self, bound: &Bound) -> PreparedStatement {
        let place = match bound {
            Bound::Row(..) => 0,
            Bound::RowAndHead(..) => 1,
            Bound::Id(..) => 2,
            Bound::Head(..) => 3,
            Bound::Feed(..) => 4,
        };
        self.statements[place].clone()
    }

    /// The writes of some sends, which begin at `offset`.
    fn sends(&self, offset: u64, count: u64, beside: bool) -> Vec<Bound> {
        let mut all = Vec::new();
        for n in offset..offset + count {
            let at = (1_i64 << 44) + n.cast_signed();
            // As users and conversations are met: mixed.
            let pair = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % CONVERSATIONS;
            let id = |kind: u128, n: u64| Uuid::from_u128((kind << 96) | u128::from(n) | (7 << 76));
            let (conversation, sequence) = (id(1, pair), (n / CONVERSATIONS).cast_signed());
            if beside {
                all.push(Bound::RowAndHead(conversation, 0, sequence, at));
            } else {
                all.push(Bound::Row(conversation, 0, sequence, at));
                all.push(Bound::Head(conversation, at));
            }
            all.push(Bound::Id(id(2, n), at));
            all.push(Bound::Feed(id(3, pair / 5), 0, 0, at));
            all.push(Bound::Feed(id(3, pair / 5 + 1), 0, 0, at));
        }
        all
    }

    async fn write(&self, writes: &[Bound], size: usize) {
        let batches: Vec<&[Bound]> = writes.chunks(size).collect();
        stream::iter(batches)
            .for_each_concurrent(32, async |bounds| {
                let mut batch = Batch::new(BatchType::Unlogged);
                batch.set_is_idempotent(true);
                for bound in bounds {
                    batch.append_statement(self.statement(bound));
                }
                self.session.batch(&batch, bounds).await.unwrap();
            })
            .await;
    }

    async fn run(&self, rate: u64, size: usize, beside: bool) {
        let mut latency = Histogram::<u64>::new(3).unwrap();
        let (server, client) = (cpu(self.server), cpu(std::process::id()));
        let started = Instant::now();
        let mut done = 0;
        while started.elapsed() < Duration::from_secs(SECONDS) {
            // What is due by now goes as one group, as the sequencer takes what is there.
            let due = u64::try_from(started.elapsed().as_micros()).unwrap() * rate / 1_000_000;
            if due <= done {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let group = (due - done).min(1024);
            let first_due = started + Duration::from_micros((done + 1) * 1_000_000 / rate);
            self.write(&self.sends(done, group, beside), size).await;
            latency.record_n(u64::try_from(first_due.elapsed().as_micros()).unwrap(), group).unwrap();
            done += group;
        }
        let seconds = started.elapsed().as_secs_f64();
        let per = |before: f64, pid| (cpu(pid) - before) * 1e6 / done as f64;
        println!(
            "{rate:>6}/s asked {:>6.0}/s done, {size:>2} a batch, head {}: p50 {:>6.1} ms p99 {:>7.1} ms, server {:>4.0} us, client {:>3.0} us a send",
            done as f64 / seconds,
            if beside { "beside" } else { "apart " },
            latency.value_at_quantile(0.5) as f64 / 1e3,
            latency.value_at_quantile(0.99) as f64 / 1e3,
            per(server, self.server),
            per(client, std::process::id()),
        );
    }

    /// The same through the view, as the sequencer writes: what is due, one call at a time.
    async fn view(&self, view: &CassandraMessages, rate: u64, base: u64) {
        let mut latency = Histogram::<u64>::new(3).unwrap();
        let (server, client) = (cpu(self.server), cpu(std::process::id()));
        let started = Instant::now();
        let mut done = 0;
        while started.elapsed() < Duration::from_secs(SECONDS) {
            let due = u64::try_from(started.elapsed().as_micros()).unwrap() * rate / 1_000_000;
            if due <= done {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let group = (due - done).min(1024);
            let first_due = started + Duration::from_micros((done + 1) * 1_000_000 / rate);
            let writes: Vec<Write> = (done..done + group).flat_map(|n| send(base + n)).collect();
            view.write(&writes).await.unwrap();
            latency.record_n(u64::try_from(first_due.elapsed().as_micros()).unwrap(), group).unwrap();
            done += group;
        }
        let per = |before: f64, pid| (cpu(pid) - before) * 1e6 / done as f64;
        println!(
            "{rate:>6}/s asked {:>6.0}/s done, the view: p50 {:>6.1} ms p99 {:>7.1} ms, server {:>4.0} us, client {:>3.0} us a send",
            done as f64 / started.elapsed().as_secs_f64(),
            latency.value_at_quantile(0.5) as f64 / 1e3,
            latency.value_at_quantile(0.99) as f64 / 1e3,
            per(server, self.server),
            per(client, std::process::id()),
        );
    }

    /// Heads, one by one and twenty in one statement.
    async fn reads(&self) {
        for many in [1_usize, 20] {
            let table = format!("SELECT conversation, head FROM {}.heads WHERE conversation", self.keyspace);
            let text = if many == 1 { format!("{table} = ?") } else { format!("{table} IN ?") };
            let statement = self.session.prepare(text).await.unwrap();
            let ids: Vec<Uuid> =
                (0..CONVERSATIONS).map(|n| Uuid::from_u128((1 << 96) | u128::from(n) | (7 << 76))).collect();
            let (server, client, started) = (cpu(self.server), cpu(std::process::id()), Instant::now());
            stream::iter(ids.chunks(many))
                .for_each_concurrent(64, async |ids| {
                    if many == 1 {
                        self.session.execute_unpaged(&statement, (ids[0],)).await.unwrap();
                    } else {
                        self.session.execute_unpaged(&statement, (ids,)).await.unwrap();
                    }
                })
                .await;
            println!(
                "heads, {many:>2} a statement: {:>6.0}/s, server {:>4.0} us, client {:>3.0} us a head",
                CONVERSATIONS as f64 / started.elapsed().as_secs_f64(),
                (cpu(self.server) - server) * 1e6 / CONVERSATIONS as f64,
                (cpu(std::process::id()) - client) * 1e6 / CONVERSATIONS as f64,
            );
        }
    }
}

/// What the sequencer writes for one message of 300 bytes.
fn send(n: u64) -> Vec<Write> {
    let pair = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % CONVERSATIONS;
    let user = |n: u64| UserId(Uuid::from_u128((3 << 96) | u128::from(n) | (7 << 76)));
    let members = [user(pair / 5), user(pair / 5 + 1 + pair % 5)];
    let conversation_id = ConversationId::between(members[0], members[1]);
    let position = Position { epoch: 1, partition: u32::try_from(pair % 12).unwrap(), offset: n };
    let client_message_id = Uuid::now_v7().to_string();
    let message_id = MessageId::derive(conversation_id, members[0], &client_message_id);
    let sequence = n / CONVERSATIONS + 1;
    let row = StoredMessage {
        message_id,
        conversation_id,
        sequence,
        position,
        sender_id: members[0],
        recipient_id: members[1],
        client_message_id,
        content: "x".repeat(300),
        message_type: MessageType::Text,
        timestamp: Timestamp(1_700_000_000_000),
        reply_to_message_id: None,
        metadata: None,
        hidden: false,
        erased: false,
    };
    let entry = FeedEntry { position, conversation_id, change: Change::Message { sequence } };
    vec![
        Write::Message(Arc::new(row)),
        Write::Id(IdEntry { message_id, conversation_id, sequence, position, request_hash: [7; 16] }),
        Write::Feed { user: members[0], entry: entry.clone() },
        Write::Feed { user: members[1], entry },
        Write::Head(Head {
            last_sequence: sequence,
            changed: position,
            ..Head::empty(conversation_id, members)
        }),
    ]
}

/// CPU seconds of a process so far.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "cassandra://127.0.0.1:9042".into());
    let server = arguments.next().and_then(|pid| pid.parse().ok()).unwrap_or_else(std::process::id);
    let keyspace = format!("b{}", Uuid::now_v7().simple());
    let cassandra = engines::cassandra::Cassandra::parse(&url).unwrap();
    let session = cassandra.connect().await.unwrap();
    let make = format!("CREATE KEYSPACE {keyspace} WITH replication = {}", cassandra.replication());
    session.query_unpaged(make, ()).await.unwrap();
    let schema = include_str!("../../../schema/cassandra/0001_messages.cql");
    let plain: Vec<&str> = schema.lines().filter(|line| !line.starts_with("--")).collect();
    for statement in
        plain.join("\n").replace("{keyspace}", &keyspace).split(';').filter(|s| !s.trim().is_empty())
    {
        session.query_unpaged(statement, ()).await.unwrap();
    }
    session.query_unpaged(format!("ALTER TABLE {keyspace}.messages ADD head blob static"), ()).await.unwrap();
    let k = &keyspace;
    let statements = [
        format!(
            "INSERT INTO {k}.messages (conversation, bucket, sequence, written, payload) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
        ),
        format!(
            "INSERT INTO {k}.messages (conversation, bucket, sequence, written, payload, head) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        ),
        format!("INSERT INTO {k}.message_ids (id, entry) VALUES (?, ?) USING TIMESTAMP ?"),
        format!("INSERT INTO {k}.heads (conversation, head) VALUES (?, ?) USING TIMESTAMP ?"),
        format!(
            "INSERT INTO {k}.feed (person, log_partition, bucket, written, kind, entry) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        ),
    ];
    let mut prepared = Vec::new();
    for statement in statements {
        prepared.push(session.prepare(statement).await.unwrap());
    }
    let bench = Bench { session, keyspace, server, statements: prepared.try_into().unwrap() };
    for (rate, size, beside) in [
        (10_000, 10, false), // warms up
        (1_000, 10, false),
        (1_000, 10, true),
        (1_000, 50, false),
        (10_000, 10, false),
        (10_000, 10, true),
        (10_000, 50, false),
        (10_000, 50, true),
    ] {
        bench.run(rate, size, beside).await;
    }
    let ours = cassandra.with_keyspace(&bench.keyspace).unwrap();
    let view = CassandraMessages::open(&ours, 1, 12).await.unwrap();
    for (rate, base) in [(1_000, 1 << 30), (2_000, 1 << 31), (5_000, 1 << 32), (10_000, 1 << 33)] {
        bench.view(&view, rate, base).await;
    }
    drop(view);
    bench.reads().await;
    let mut drop = Statement::new(format!("DROP KEYSPACE {}", bench.keyspace));
    drop.set_request_timeout(Some(Duration::from_secs(60)));
    bench.session.query_unpaged(drop, ()).await.unwrap();
}
