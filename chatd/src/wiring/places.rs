//! What each service answers on its own port, and where the gateway finds it.

use crate::ports::Service;
use axum::Router;
use utoipa_axum::router::OpenApiRouter;

/// The routes of the services of this process.
#[derive(Clone, Default)]
pub(super) struct Routes {
    pub(super) gateway: Router,
    pub(super) auth: OpenApiRouter,
    pub(super) user: OpenApiRouter,
    pub(super) chat: OpenApiRouter,
    pub(super) presence: OpenApiRouter,
    pub(super) websocket: Router,
}

impl Routes {
    /// What a service answers on its own port, besides the operations that each has.
    pub(super) fn of(&self, service: Service) -> Router {
        match service {
            Service::Gateway => self.gateway.clone(),
            Service::Auth => self.auth.clone().into(),
            Service::User => self.user.clone().into(),
            Service::Chat => self.chat.clone().into(),
            Service::Presence => self.presence.clone().into(),
            Service::Websocket => self.websocket.clone(),
            // Not in this build: health, else 404.
            Service::Media | Service::Notification => Router::new(),
        }
    }
}
