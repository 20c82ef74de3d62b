//! The ports: all are bound before anything is opened, so that a taken one costs nothing.

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::roles::Roles;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// The services in the order of their ports, counted from the gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Gateway,
    Auth,
    User,
    Presence,
    Chat,
    Websocket,
    Media,
    Notification,
}

impl Service {
    pub(crate) const ALL: [Service; 8] = [
        Service::Gateway,
        Service::Auth,
        Service::User,
        Service::Presence,
        Service::Chat,
        Service::Websocket,
        Service::Media,
        Service::Notification,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Gateway => "gateway",
            Service::Auth => "auth",
            Service::User => "user",
            Service::Presence => "presence",
            Service::Chat => "chat",
            Service::Websocket => "websocket",
            Service::Media => "media",
            Service::Notification => "notification",
        }
    }
}

/// The admin port, counted from the lowest of the process's services.
const ADMIN: u16 = 10;
/// The link's port, likewise.
const LINK: u16 = 20;

/// Every port of the process, bound.
pub(crate) struct Ports {
    pub(crate) services: Vec<(Service, TcpListener)>,
    pub(crate) admin: TcpListener,
    /// Sends everybody over to TLS.
    pub(crate) redirect: Option<TcpListener>,
    pub(crate) addresses: Addresses,
}

/// Where the process can be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    bind: IpAddr,
    /// The gateway's port, be it of this process or not.
    first: u16,
    /// The lowest port of the process's services.
    lowest: u16,
    /// Whether the services speak TLS.
    pub(crate) encrypted: bool,
    /// The plain port beside them, which only sends people over.
    pub(crate) redirect: Option<u16>,
}

impl Addresses {
    pub(crate) fn service(self, service: Service) -> SocketAddr {
        SocketAddr::new(self.bind, self.first + service as u16)
    }

    /// How clients write a service's address.
    pub(crate) fn url(self, service: Service) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.service(service))
    }

    /// Administrators come over loopback, whatever the services listen on.
    pub(crate) fn admin(self) -> SocketAddr {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.lowest + ADMIN)
    }

    /// Where other processes find the link, unless it is said otherwise.
    pub(crate) fn link(self) -> SocketAddr {
        SocketAddr::new(self.bind, self.lowest + LINK)
    }
}

impl Ports {
    /// Binds all or none.
    pub(crate) fn bind(config: &Config, roles: &Roles) -> Result<Self, Failure> {
        let lowest = roles.iter().next().map_or(0, |service| service as u16);
        let addresses = Addresses {
            bind: config.bind()?,
            first: config.server.port,
            lowest: config.server.port + lowest,
            encrypted: !config.tls.certificate.is_empty(),
            redirect: config.redirect_port(),
        };
        let mut services = Vec::new();
        for service in roles.iter() {
            services.push((service, listen(service.name(), addresses.service(service))?));
        }
        let admin = listen("admin", addresses.admin())?;
        let redirect = match addresses.redirect.filter(|_| roles.has(Service::Gateway)) {
            Some(port) => Some(listen("tls.redirect_port", SocketAddr::new(addresses.bind, port))?),
            None => None,
        };
        Ok(Self { services, admin, redirect, addresses })
    }
}

pub(crate) fn listen(name: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    edge::bind(address).map_err(|error| {
        let message = format!("{name} cannot listen on {address}: {error}");
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                let hint = "is another chatd running? name a free port with --port; eight services count on from it, admin is 10 above";
                Failure::new(Exit::PortTaken, message, hint)
            }
            io::ErrorKind::PermissionDenied => {
                Failure::new(Exit::NoPermission, message, "ports below 1024 want a privilege: name another with --port")
            }
            io::ErrorKind::AddrNotAvailable => {
                Failure::new(Exit::BadKey, message, "this machine has no such address: name another with --bind")
            }
            _ => Failure::new(Exit::Io, message, "look into the system's log"),
        }
    })
}
