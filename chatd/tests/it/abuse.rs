//! Abuse while people talk: a reader that never reads, upgrades that never connect, requests that dribble, and
//! registrations and logins all at once.
//!
//! What is asserted is correctness; what it costs the others is printed. `ABUSE=full` runs it at full size
//! (below a minute), and `BIN` names the chatd that is tried:
//! `ABUSE=full BIN="$CARGO_TARGET_DIR/release/chatd" cargo test -p chatd --test it abuse -- --nocapture`.

mod deaf;
mod doors;
mod memory;
mod pairs;

use crate::server::Server;
use memory::Memory;
use pairs::{Pairs, latencies};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Growth of the process that nobody may cause: the slow reader's outbox is below a thousandth of it.
const GROWTH_KIB_MAX: u64 = 300 << 10;

/// How much of everything.
struct Size {
    pairs: usize,
    /// Before the abuse, to have something to compare with.
    calm: Duration,
    /// Messages of 1 KiB at the reader that never reads.
    unread: usize,
    upgrades: usize,
    slow_heads: usize,
    slow_bodies: usize,
    registrations: usize,
    logins: usize,
}

impl Size {
    fn chosen() -> Self {
        if std::env::var("ABUSE").as_deref() == Ok("full") {
            return Self {
                pairs: 25,
                calm: Duration::from_secs(8),
                unread: 5_000,
                upgrades: 300,
                slow_heads: 50,
                slow_bodies: 50,
                registrations: 20,
                logins: 12,
            };
        }
        Self {
            pairs: 5,
            calm: Duration::from_secs(1),
            unread: 5_000,
            upgrades: 30,
            slow_heads: 10,
            slow_bodies: 0,
            registrations: 4,
            logins: 4,
        }
    }
}

/// How often what came.
type Counts = BTreeMap<String, usize>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_lose_nothing_while_somebody_abuses_the_door() {
    let size = Size::chosen();
    let server = Server::start_with(&[
        "limits.connect_deadline_s=3",
        "limits.messages_per_second=0",
        "limits.login_failures_per_address=0",
    ])
    .await;
    let pairs = Pairs::begin(&server, size.pairs).await;
    let deaf = deaf::Deaf::begin(&server).await;
    let logins = doors::people_with_passwords(&server, size.logins).await;
    let memory = Memory::watch(server.pid());
    tokio::time::sleep(size.calm).await;

    let (began, before) = (Instant::now(), memory.now());
    let (deaf, idle, heads, bodies, registered, signed_in) = tokio::join!(
        deaf.flood(&server, size.unread),
        doors::idle_upgrades(server.port(), size.upgrades),
        doors::dribble(server.port(), size.slow_heads, doors::Slow::Head),
        doors::dribble(server.port(), size.slow_bodies, doors::Slow::Body),
        doors::registrations(&server, size.registrations),
        doors::logins(&server, &logins),
    );
    let ended = Instant::now();
    let talk = pairs.end(&server).await;
    let (peak, after) = (memory.peak(), memory.now());

    println!(
        "abuse for {:.1?}: {} messages of {} others meanwhile",
        ended - began,
        talk.len(),
        2 * size.pairs
    );
    println!("  delivery before {}", latencies(talk.iter().filter(|one| one.at < began)));
    println!("  delivery during {}", latencies(talk.iter().filter(|one| one.at >= began && one.at < ended)));
    println!("  RSS before {before}, peak {peak}, after {after} KiB");
    println!(
        "  reader that never reads: {} messages, closed with {:?}, read anew {}",
        size.unread, deaf.code, deaf.read_anew
    );
    println!("  idle upgrades: {idle:?}");
    println!("  dribbled heads: {heads:?}, bodies: {bodies:?}");
    println!("  registrations: {registered:?}, logins: {signed_in:?}");

    assert_eq!(deaf.code, Some(1013), "the slow reader was not told to come back");
    assert_eq!(deaf.read_anew, size.unread, "what it did not read is not all there");
    assert_eq!(idle.values().sum::<usize>(), size.upgrades);
    assert!(idle.keys().all(|code| code == "1002" || code == "1008"), "{idle:?}");
    assert!(
        heads.keys().chain(bodies.keys()).all(|end| ["closed", "400", "408"].contains(&end.as_str())),
        "{heads:?} {bodies:?}"
    );
    assert_eq!(
        heads.values().sum::<usize>() + bodies.values().sum::<usize>(),
        size.slow_heads + size.slow_bodies
    );
    assert!(
        registered.keys().all(|status| ["201", "429", "503"].contains(&status.as_str())),
        "{registered:?}"
    );
    assert!(signed_in.keys().all(|status| ["200", "429", "503"].contains(&status.as_str())), "{signed_in:?}");
    assert!(peak < before + GROWTH_KIB_MAX, "the process grew from {before} to {peak} KiB");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
