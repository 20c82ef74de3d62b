//! The calls of the service.

use crate::{Users, lookup, me};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

impl Users {
    /// Every call with its description. They belong behind [`edge::door`].
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(me::me))
            .routes(routes!(lookup::by_path))
            .routes(routes!(lookup::by_query))
            .with_state(self.clone())
    }
}
