//! What each service answers on its own port, and where the gateway finds it.

use super::Start;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::ports::Service;
use axum::Router;
use axum::http::Uri;
use edge::Relays;
use gateway::{Gateway, OpenError, Place, Table};
use utoipa_axum::router::OpenApiRouter;

/// The routes of the services that this process can serve.
#[derive(Clone, Default)]
pub(super) struct Routes {
    pub(super) auth: OpenApiRouter,
    pub(super) user: OpenApiRouter,
    pub(super) chat: OpenApiRouter,
    pub(super) presence: OpenApiRouter,
    pub(super) websocket: Router,
}

impl Routes {
    /// What a service answers on its own port, besides the operations that each has.
    pub(super) fn of(&self, service: Service, gateway: Option<&Gateway>) -> Router {
        match service {
            Service::Gateway => gateway.map(Gateway::routes).unwrap_or_default(),
            Service::Websocket => self.websocket.clone(),
            other => self.api(other).into(),
        }
    }

    fn api(&self, service: Service) -> OpenApiRouter {
        match service {
            Service::Auth => self.auth.clone(),
            Service::User => self.user.clone(),
            Service::Chat => self.chat.clone(),
            Service::Presence => self.presence.clone(),
            Service::Websocket => self.websocket.clone().into(),
            // Not in this build: health, else 404.
            Service::Gateway | Service::Media | Service::Notification => OpenApiRouter::new(),
        }
    }

    /// The gateway of this process, if it runs one.
    pub(super) fn gateway(&self, start: &Start<'_>) -> Result<Option<Gateway>, Failure> {
        if !start.roles.has(Service::Gateway) {
            return Ok(None);
        }
        let place = |service| self.place(start, service);
        let table = Table {
            auth: place(Service::Auth)?,
            user: place(Service::User)?,
            chat: place(Service::Chat)?,
            presence: place(Service::Presence)?,
            websocket: place(Service::Websocket)?,
            media: place(Service::Media)?,
            notification: place(Service::Notification)?,
        };
        let config = gateway::Config { ca: start.config.ca(), ..gateway::Config::default() };
        let limits = start.config.public_limits();
        let opened = Gateway::open(table, limits, config, &start.metrics, &start.front);
        opened.map(Some).map_err(|error| {
            let hint = match error {
                OpenError::Table(_) => "write it as http://host:port",
                OpenError::Authority(_) => "name a PEM file that holds the authority's certificate in tls.ca",
            };
            Failure::new(Exit::BadKey, format!("configuration: {error}"), hint)
        })
    }

    fn place(&self, start: &Start<'_>, service: Service) -> Result<Place, Failure> {
        let given = addresses(start.config, service);
        if given.is_empty() {
            return Ok(match service {
                here if start.roles.has(here) => Place::here(self.api(here)),
                Service::Media | Service::Notification => Place::Nowhere,
                elsewhere => {
                    let scheme = if start.config.tls.certificate.is_empty() { "http" } else { "https" };
                    let port = start.config.server.port + elsewhere as u16;
                    Place::At(vec![uri(elsewhere, &format!("{scheme}://127.0.0.1:{port}"))?])
                }
            });
        }
        given.iter().map(|address| uri(service, address)).collect::<Result<_, _>>().map(Place::At)
    }
}

fn uri(service: Service, text: &str) -> Result<Uri, Failure> {
    text.parse().map_err(|error| {
        let message = format!("configuration: gateway.{}: {text:?} is no address: {error}", service.name());
        Failure::new(Exit::BadKey, message, "write it as http://host:port")
    })
}

/// Where the configuration says that a service is.
fn addresses(config: &Config, service: Service) -> &[String] {
    let gateway = &config.gateway;
    match service {
        Service::Gateway => &[],
        Service::Auth => &gateway.auth,
        Service::User => &gateway.user,
        Service::Presence => &gateway.presence,
        Service::Chat => &gateway.chat,
        Service::Websocket => &gateway.websocket,
        Service::Media => &gateway.media,
        Service::Notification => &gateway.notification,
    }
}

/// Behind which paths another process's door stands.
pub(super) fn relays(gateway: Option<&Gateway>) -> Relays {
    gateway.map(Gateway::relays).unwrap_or_default()
}
