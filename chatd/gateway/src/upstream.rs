//! The table: which paths belong to which service, and where each service is.
//!
//! This is the one place where a router is mounted or an address is called.

use crate::node::Node;
use axum::http::Uri;
use axum::http::uri::Scheme;
use schema::limits::UPSTREAMS;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

/// A part of the API that runs in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    Auth,
    User,
    Chat,
    Presence,
    Websocket,
    Media,
    Notification,
}

impl Service {
    /// Every service behind the gateway.
    pub const ALL: [Self; 7] = [
        Self::Auth,
        Self::User,
        Self::Chat,
        Self::Presence,
        Self::Websocket,
        Self::Media,
        Self::Notification,
    ];

    /// As configuration, metrics and problems call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::User => "user",
            Self::Chat => "chat",
            Self::Presence => "presence",
            Self::Websocket => "websocket",
            Self::Media => "media",
            Self::Notification => "notification",
        }
    }

    /// The paths that belong to it, with everything below them.
    pub(crate) fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Auth => &["/api/auth", "/.well-known"],
            Self::User => &["/api/users"],
            Self::Chat => &["/api/chat"],
            Self::Presence => &["/api/presence"],
            Self::Websocket => &["/ws"],
            Self::Media => &["/api/media"],
            Self::Notification => &["/api/notifications"],
        }
    }

    fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.paths().iter().any(|prefix| under(path, prefix)))
    }
}

/// Whether a path is, or lies under, this prefix.
pub(crate) fn under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where a service is.
#[derive(Default)]
pub enum Place {
    /// In this process.
    Here(Box<OpenApiRouter>),
    /// In other processes, each at its `http://host:port` or `https://host:port`.
    At(Vec<Uri>),
    /// Nowhere: its paths are unknown.
    #[default]
    Nowhere,
}

impl Place {
    /// In this process, with these routes.
    pub fn here(routes: impl Into<OpenApiRouter>) -> Self {
        Self::Here(Box::new(routes.into()))
    }
}

/// Where each service is.
#[derive(Default)]
pub struct Table {
    pub auth: Place,
    pub user: Place,
    pub chat: Place,
    pub presence: Place,
    pub websocket: Place,
    pub media: Place,
    pub notification: Place,
}

impl Table {
    pub(crate) fn places(self) -> [(Service, Place); 7] {
        [
            (Service::Auth, self.auth),
            (Service::User, self.user),
            (Service::Chat, self.chat),
            (Service::Presence, self.presence),
            (Service::Websocket, self.websocket),
            (Service::Media, self.media),
            (Service::Notification, self.notification),
        ]
    }
}

/// An address of the table that cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("the address {address:?} of the service {service} {reason}")]
pub struct BadTable {
    pub service: &'static str,
    pub address: String,
    pub reason: String,
}

/// A service in other processes.
pub(crate) struct Upstream {
    pub(crate) service: Service,
    pub(crate) nodes: Vec<Arc<Node>>,
}

impl Upstream {
    /// # Errors
    /// No addresses, too many of them, or one that is no `http://host:port`.
    pub(crate) fn new(service: Service, addresses: Vec<Uri>) -> Result<Self, BadTable> {
        let bad = |address: String, reason: &str| BadTable {
            service: service.name(),
            address,
            reason: reason.to_owned(),
        };
        if addresses.is_empty() || addresses.len() > UPSTREAMS {
            let reason = format!("is one of {} addresses; a service has 1 to {UPSTREAMS}", addresses.len());
            return Err(bad(String::new(), &reason));
        }
        let mut nodes: Vec<Arc<Node>> = Vec::with_capacity(addresses.len());
        for address in addresses {
            let node = node(service, &address).map_err(|reason| bad(shown(&address), reason))?;
            if nodes.iter().any(|other| other.name == node.name) {
                return Err(bad(node.name, "stands there twice"));
            }
            nodes.push(Arc::new(node));
        }
        Ok(Self { service, nodes })
    }
}

/// The address without what may be a password.
fn shown(address: &Uri) -> String {
    let host = address.host().unwrap_or_default();
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", address.scheme_str().unwrap_or_default(), address.path())
}

fn node(service: Service, address: &Uri) -> Result<Node, &'static str> {
    const SHAPE: &str = "is no address: write it as http://10.0.0.5:8084 or https://chat.internal:8084";
    let parts = address.clone().into_parts();
    let scheme = parts.scheme.filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme)).ok_or(SHAPE)?;
    let authority = parts.authority.ok_or(SHAPE)?;
    if authority.as_str().contains('@') {
        return Err("names a user; services take none");
    }
    if parts.path_and_query.is_some_and(|path| path != "/") {
        return Err("has a path; services answer at the root");
    }
    Ok(Node::new(service, scheme, authority))
}

/// The services in other processes.
pub(crate) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    /// Who is asked about paths under `/api` that belong to nobody. A stranger hears 401 of them as of every
    /// private path, and only a process that knows tokens can tell a stranger.
    unknown: Option<Arc<Upstream>>,
}

impl Upstreams {
    /// `here` are the services of this process.
    pub(crate) fn new(all: Vec<Arc<Upstream>>, here: &[Service]) -> Self {
        let find = |service| all.iter().find(|upstream| upstream.service == service);
        let deciders = [Service::User, Service::Auth, Service::Chat, Service::Presence];
        // A process that knows tokens decides itself.
        let unknown = if deciders.iter().any(|service| here.contains(service)) {
            None
        } else {
            deciders.into_iter().find_map(find).cloned()
        };
        Self { all, unknown }
    }

    /// The prefixes that are passed on to other processes.
    pub(crate) fn paths(&self) -> Vec<&'static str> {
        let unknown = self.unknown.is_some().then_some("/api");
        self.all.iter().flat_map(|upstream| upstream.service.paths()).copied().chain(unknown).collect()
    }

    /// Who answers a path; `None` when this process does.
    pub(crate) fn of(&self, path: &str) -> Option<&Arc<Upstream>> {
        match Service::of(path) {
            Some(service) => {
                let found = self.all.iter().find(|upstream| upstream.service == service);
                // A service that is nowhere has paths that nobody knows.
                found.or_else(|| self.decider(path))
            }
            None => self.decider(path),
        }
    }

    fn decider(&self, path: &str) -> Option<&Arc<Upstream>> {
        self.unknown.as_ref().filter(|_| under(path, "/api") && path != "/api/limits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(service: Service, addresses: &[&str]) -> Result<Upstream, BadTable> {
        Upstream::new(service, addresses.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn upstreams(services: &[Service], here: &[Service]) -> Upstreams {
        let all = services.iter().map(|&service| Arc::new(upstream(service, &["http://h:1"]).unwrap()));
        Upstreams::new(all.collect(), here)
    }

    #[test]
    fn paths_belong_to_services() {
        let all = upstreams(&Service::ALL, &[]);
        for (path, expected) in [
            ("/api/auth/login", "auth"),
            ("/.well-known/jwks.json", "auth"),
            ("/api/users", "user"),
            ("/api/users/me/blocks/x", "user"),
            ("/api/chat/messages", "chat"),
            ("/api/presence/x", "presence"),
            ("/ws", "websocket"),
            ("/ws/1/2/xhr", "websocket"),
            ("/api/media/x", "media"),
            ("/api/notifications/devices", "notification"),
            ("/api/none", "user"),
            ("/api/chatter", "user"),
            ("/api", "user"),
        ] {
            assert_eq!(all.of(path).map(|upstream| upstream.service.name()), Some(expected), "{path}");
        }
        for own in ["/", "/api/limits", "/docs/", "/wsx", "/actuator/health", "/apix", "//api/users"] {
            assert!(all.of(own).is_none(), "{own}");
        }
    }

    #[test]
    fn unknown_paths_are_decided_by_a_process_that_knows_tokens() {
        let chat = upstreams(&[Service::Chat, Service::Websocket], &[]);
        assert_eq!(chat.of("/api/none").unwrap().service, Service::Chat);
        assert_eq!(chat.of("/api/media/x").unwrap().service, Service::Chat, "media is nowhere");
        let mixed = upstreams(&[Service::Chat], &[Service::Auth]);
        assert!(mixed.of("/api/none").is_none() && mixed.of("/api/chat/x").is_some());
        assert!(upstreams(&[Service::Websocket], &[]).of("/api/none").is_none());
    }

    #[test]
    fn an_address_is_a_scheme_and_a_host() {
        for good in ["http://10.0.0.1:8084", "https://chat.internal", "http://[::1]:8084/"] {
            upstream(Service::Chat, &[good]).map(|_| ()).unwrap();
        }
        for bad in ["ftp://h:1", "/x", "h:1", "http://u:secret@h:1", "http://h:1/base", "http://h:1/?x"] {
            let error = upstream(Service::Chat, &[bad]).err().unwrap().to_string();
            assert!(error.contains("chat") && !error.contains("secret"), "{error}");
        }
        assert!(upstream(Service::Chat, &[]).is_err());
        assert!(upstream(Service::Chat, &["http://h:1", "http://h:1/"]).is_err());
    }
}
