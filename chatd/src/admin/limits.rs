//! `/admin/limits`.

use super::Seen;
use axum::extract::State;
use edge::Json;
use schema::api::Limits;

/// The bounds in force, as `GET /api/limits` tells them to everybody.
#[utoipa::path(get, path = "/admin/limits", tag = "limits", responses((status = 200, body = Limits)))]
pub(super) async fn limits(State(seen): State<Seen>) -> Json<Limits> {
    Json(seen.limits.clone())
}
