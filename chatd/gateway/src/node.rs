//! One process of a service, as the gateway sees it: where it is, whether it is well, and what it has to do.

use crate::upstream::{Service, Upstream};
use axum::http::Uri;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A process of a service.
pub(crate) struct Node {
    pub(crate) service: Service,
    /// As logs and health call it.
    pub(crate) name: String,
    scheme: Scheme,
    authority: Authority,
    /// Requests and tunnels that it has now.
    in_flight: AtomicUsize,
    /// Whether it is given new work: until something speaks against it, it is.
    well: AtomicBool,
    seen: Mutex<Seen>,
}

/// What was found out about a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nobody has looked yet.
    Nothing,
    Well,
    Away(String),
}

impl Node {
    pub(crate) fn new(service: Service, scheme: Scheme, authority: Authority) -> Self {
        Self {
            service,
            name: format!("{scheme}://{authority}"),
            scheme,
            authority,
            in_flight: AtomicUsize::new(0),
            well: AtomicBool::new(true),
            seen: Mutex::new(Seen::Nothing),
        }
    }

    /// The address of a path at this node.
    pub(crate) fn address(&self, path: PathAndQuery) -> Uri {
        let mut parts = axum::http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        // All three parts are there, which is all that is asked of them.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// Whether new work is given to it.
    pub(crate) fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().clone()
    }

    /// Gives it work again. True when it was away.
    pub(crate) fn comes_back(&self) -> bool {
        *self.seen.lock() = Seen::Well;
        !self.well.swap(true, Ordering::Relaxed)
    }

    /// Gives it no new work until it is well. True when it had been given some.
    pub(crate) fn goes_away(&self, why: String) -> bool {
        *self.seen.lock() = Seen::Away(why);
        self.well.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts a request or a tunnel of this node until it is dropped.
    pub(crate) fn work(self: &Arc<Self>) -> Work {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Work(Arc::clone(self))
    }
}

/// A request or a tunnel that a node has.
pub(crate) struct Work(Arc<Node>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Upstream {
    /// Of two that are well and were not tried yet, drawn at random, the one with less to do.
    pub(crate) fn pick(&self, tried: &[&Arc<Node>]) -> Option<&Arc<Node>> {
        let open: Vec<&Arc<Node>> = self
            .nodes
            .iter()
            .filter(|node| node.is_well() && !tried.iter().any(|one| Arc::ptr_eq(one, node)))
            .collect();
        match open[..] {
            [] => None,
            [one] => Some(one),
            _ => {
                let first = rand::random_range(0..open.len());
                // Another than the first.
                let second = (first + rand::random_range(1..open.len())) % open.len();
                let (first, second) = (open[first], open[second]);
                Some(if second.in_flight() < first.in_flight() { second } else { first })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Upstream {
        let addresses = ["http://a:1", "http://b:1", "http://c:1"];
        Upstream::new(Service::Chat, addresses.iter().map(|text| text.parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn who_has_less_to_do_gets_more() {
        let upstream = three();
        let _busy: Vec<Work> = (0..10).map(|_| upstream.nodes[0].work()).collect();
        for _ in 0..100 {
            assert_ne!(upstream.pick(&[]).unwrap().name, "http://a:1", "one of the two is always less busy");
        }
        let work = upstream.nodes[1].work();
        assert_eq!(upstream.nodes[1].in_flight(), 1);
        drop(work);
        assert_eq!(upstream.nodes[1].in_flight(), 0);
    }

    #[test]
    fn nobody_is_asked_twice_and_who_is_away_not_at_all() {
        let upstream = three();
        assert!(upstream.nodes[2].goes_away("gone".to_owned()));
        assert!(!upstream.nodes[2].goes_away("still gone".to_owned()));
        let first = upstream.pick(&[]).unwrap();
        let second = upstream.pick(&[first]).unwrap();
        assert!(!Arc::ptr_eq(first, second));
        assert!(upstream.pick(&[first, second]).is_none());
        assert!(upstream.nodes[2].comes_back());
        assert!(Arc::ptr_eq(upstream.pick(&[first, second]).unwrap(), &upstream.nodes[2]));
    }

    #[test]
    fn a_path_is_called_at_the_node() {
        let upstream = three();
        let uri = upstream.nodes[0].address("/api/x?y=1".parse().unwrap());
        assert_eq!(uri.to_string(), "http://a:1/api/x?y=1");
    }
}
