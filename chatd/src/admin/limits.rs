//! `/admin/limits`.

use super::Admin;
use axum::extract::State;
use edge::Json;
use schema::api::Limits;

/// The bounds in force, as `GET /api/limits` tells them to everybody.
#[utoipa::path(get, path = "/admin/limits", tag = "limits", responses((status = 200, body = Limits)))]
pub(super) async fn limits(State(admin): State<Admin>) -> Json<Limits> {
    Json(admin.0.limits.clone())
}
