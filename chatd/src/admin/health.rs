//! `/admin/health`.

use super::Seen;
use axum::extract::State;
use edge::Json;

/// Whether chatd and each of its parts is up.
#[utoipa::path(get, path = "/admin/health", tag = "health", responses((status = 200, body = schema::api::Health)))]
pub(super) async fn health(State(seen): State<Seen>) -> Json<schema::api::Health> {
    Json(seen.health.status())
}
