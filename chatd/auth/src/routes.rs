//! The calls of the service.

use crate::{Auth, jwks, login, logout, password, refresh, register, sessions, ticket};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

impl Auth {
    /// Every call with its description. They belong behind [`edge::door`].
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(register::register))
            .routes(routes!(login::login))
            .routes(routes!(refresh::refresh))
            .routes(routes!(logout::logout))
            .routes(routes!(sessions::list, sessions::end_others))
            .routes(routes!(sessions::end_one))
            .routes(routes!(password::change))
            .routes(routes!(ticket::ticket))
            .routes(routes!(jwks::jwks))
            .routes(routes!(jwks::jwks_under_api))
            .with_state(self.clone())
    }
}
