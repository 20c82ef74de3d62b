//! The public keys, for who checks our tokens elsewhere (RFC 7517).

use crate::Auth;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use edge::Json;

/// The public keys.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, description = "A JWK set", body = Object))
)]
pub(crate) async fn jwks(State(auth): State<Auth>) -> Response {
    public_keys(&auth)
}

/// The public keys, under the service's own prefix.
#[utoipa::path(
    get,
    path = "/api/auth/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, description = "A JWK set", body = Object))
)]
pub(crate) async fn jwks_under_api(State(auth): State<Auth>) -> Response {
    public_keys(&auth)
}

fn public_keys(auth: &Auth) -> Response {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(auth.0.keys.public())).into_response()
}
