//! The calls of the service.

use crate::{Users, contacts, export, lookup, me, privacy};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

impl Users {
    /// Every call with its description. They belong behind [`edge::door`].
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(me::me, me::update, me::delete))
            .routes(routes!(privacy::get, privacy::put))
            .routes(routes!(contacts::list, contacts::add))
            .routes(routes!(contacts::rename, contacts::remove))
            .routes(routes!(export::export))
            .routes(routes!(lookup::by_path))
            .routes(routes!(lookup::by_query))
            .with_state(self.clone())
    }
}
