//! Which process a SockJS session over HTTP lives in: its requests must all come there.
//!
//! The first request goes to the process that its name and the addresses of the processes that are well decide
//! (rendezvous hashing), which is the same for every gateway with the same table. The way is remembered while
//! the session is used, so that a process that comes or goes moves nobody else's.

use crate::node::Node;
use crate::upstream::Upstream;
use parking_lot::Mutex;
use schema::limits::{SOCKJS_NAME_BYTES, SOCKJS_ROUTE_TIME, SOCKJS_ROUTES};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The ways of sessions.
pub(crate) struct Affinity {
    ways: Mutex<HashMap<Box<str>, Arc<Way>>>,
    most: usize,
}

/// The way of one session.
pub(crate) struct Way {
    pub(crate) node: Arc<Node>,
    /// Its process has answered: the session may live there, and nowhere else.
    settled: AtomicBool,
    since: Instant,
    /// When it was used last, in milliseconds since it was found.
    used: AtomicU64,
}

/// A request that goes a session's way; as long as it lasts the way is remembered.
pub(crate) struct Using(Arc<Way>);

impl Drop for Using {
    fn drop(&mut self) {
        self.0.touch();
    }
}

impl Way {
    fn new(node: Arc<Node>) -> Self {
        Self { node, settled: AtomicBool::new(false), since: Instant::now(), used: AtomicU64::new(0) }
    }

    fn touch(&self) {
        let now = self.since.elapsed().as_millis();
        self.used.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn idle(&self) -> Duration {
        self.since.elapsed().saturating_sub(Duration::from_millis(self.used.load(Ordering::Relaxed)))
    }
}

impl Using {
    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.0.node
    }

    /// Whether the session may live there already.
    pub(crate) fn is_settled(&self) -> bool {
        self.0.settled.load(Ordering::Relaxed)
    }

    /// The process has answered.
    pub(crate) fn settle(&self) {
        self.0.settled.store(true, Ordering::Relaxed);
    }
}

/// The session that a path names when it is one over HTTP. A WebSocket is a session by itself.
pub(crate) fn session(path: &str) -> Option<&str> {
    let mut parts = path.strip_prefix("/ws/")?.split('/');
    let (server, session, transport) = (parts.next()?, parts.next()?, parts.next()?);
    let good = !server.is_empty()
        && !session.is_empty()
        && session.len() <= SOCKJS_NAME_BYTES
        && transport != "websocket"
        && parts.next().is_none();
    good.then_some(session)
}

impl Affinity {
    pub(crate) fn new() -> Self {
        Self::holding(SOCKJS_ROUTES)
    }

    fn holding(most: usize) -> Self {
        Self { ways: Mutex::default(), most }
    }

    /// The way of this session: the one it goes already, or a new one to a process that is well and was not
    /// tried. Beyond the bound a way is found and not remembered: it stays the same while nobody comes or goes.
    pub(crate) fn way(&self, session: &str, upstream: &Upstream, tried: &[Arc<Node>]) -> Option<Using> {
        let mut ways = self.ways.lock();
        if let Some(way) = ways.get(session) {
            way.touch();
            return Some(Using(Arc::clone(way)));
        }
        let way = Arc::new(Way::new(Arc::clone(rendezvous(session, upstream, tried)?)));
        if ways.len() < self.most {
            ways.insert(session.into(), Arc::clone(&way));
        }
        Some(Using(way))
    }

    /// Forgets a way that leads nowhere.
    pub(crate) fn forget(&self, session: &str, using: &Using) {
        if let Entry::Occupied(entry) = self.ways.lock().entry(session.into())
            && Arc::ptr_eq(entry.get(), &using.0)
        {
            entry.remove();
        }
    }

    /// Forgets the ways that nobody went for a while.
    pub(crate) fn sweep(&self) {
        self.ways.lock().retain(|_, way| Arc::strong_count(way) > 1 || way.idle() < SOCKJS_ROUTE_TIME);
    }

    /// Ways that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.ways.lock().len()
    }
}

/// The process, of those that are well, whose name goes best with the session's.
fn rendezvous<'a>(session: &str, upstream: &'a Upstream, tried: &[Arc<Node>]) -> Option<&'a Arc<Node>> {
    let well = upstream.nodes.iter().filter(|node| node.is_well());
    let new = well.filter(|node| !tried.iter().any(|one| Arc::ptr_eq(one, node)));
    new.max_by_key(|node| weight(session, &node.name))
}

/// FNV-1a over both names, then mixed, so that the last letters count as much as the first. Every gateway, of
/// whichever version, must come to the same.
fn weight(session: &str, node: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in session.bytes().chain([0]).chain(node.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Service;

    fn upstream(addresses: &[&str]) -> Upstream {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Upstream::new(Service::Websocket, addresses).unwrap()
    }

    fn node(affinity: &Affinity, session: &str, upstream: &Upstream) -> String {
        affinity.way(session, upstream, &[]).unwrap().node().name.clone()
    }

    #[test]
    fn sessions_over_http_are_told_by_their_path() {
        assert_eq!(session("/ws/000/abc/xhr"), Some("abc"));
        assert_eq!(session("/ws/000/abc/xhr_send"), Some("abc"));
        for other in ["/ws", "/ws/", "/ws/info", "/ws/websocket", "/ws/1/abc/websocket", "/ws/1/abc/xhr/x"] {
            assert_eq!(session(other), None, "{other}");
        }
        for odd in ["/ws//abc/xhr", "/ws/1//xhr", &format!("/ws/1/{}/xhr", "x".repeat(129))] {
            assert_eq!(session(odd), None, "{odd}");
        }
    }

    #[test]
    fn every_gateway_sends_a_session_to_the_same_process_and_all_processes_get_some() {
        let names = ["http://a:1", "http://b:1", "http://c:1"];
        let (one, other) = (upstream(&names), upstream(&[names[2], names[0], names[1]]));
        let (first, second) = (Affinity::new(), Affinity::new());
        let mut counts = HashMap::new();
        for number in 0..3000 {
            let session = format!("session-{number}");
            let name = node(&first, &session, &one);
            assert_eq!(name, node(&second, &session, &other));
            *counts.entry(name).or_insert(0) += 1;
        }
        assert!(counts.len() == 3 && counts.values().all(|&count| count > 800), "{counts:?}");
    }

    #[test]
    fn a_session_stays_where_it_is() {
        let upstream = upstream(&["http://a:1", "http://b:1", "http://c:1"]);
        let affinity = Affinity::new();
        let sessions: Vec<String> = (0..300).map(|number| format!("s{number}")).collect();
        let before: Vec<String> = sessions.iter().map(|one| node(&affinity, one, &upstream)).collect();
        upstream.nodes[0].goes_away("x".to_owned());
        assert!(sessions.iter().zip(&before).all(|(one, name)| node(&affinity, one, &upstream) == *name));
        for number in 0..300 {
            assert_ne!(node(&affinity, &format!("new{number}"), &upstream), "http://a:1");
        }
        let using = affinity.way("s0", &upstream, &[]).unwrap();
        affinity.forget("s0", &using);
        assert_ne!(node(&affinity, "s0", &upstream), "http://a:1", "a way that was forgotten is found anew");
    }

    #[test]
    fn the_table_is_bounded_and_forgets_what_is_not_used() {
        let upstream = upstream(&["http://a:1", "http://b:1"]);
        let affinity = Affinity::holding(2);
        let _using = affinity.way("one", &upstream, &[]);
        for session in ["two", "three", "four"] {
            affinity.way(session, &upstream, &[]).unwrap();
        }
        assert_eq!(affinity.len(), 2);
        for way in affinity.ways.lock().values_mut() {
            // As if both had been found, and used last, long ago.
            if let Some(way) = Arc::get_mut(way) {
                way.since -= SOCKJS_ROUTE_TIME;
                way.used = AtomicU64::new(0);
            }
        }
        affinity.sweep();
        assert_eq!(affinity.ways.lock().keys().map(|key| &**key).collect::<Vec<_>>(), ["one"]);
    }
}
