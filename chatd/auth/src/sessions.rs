//! `/api/auth/sessions`: where the caller is signed in.

use crate::Auth;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use edge::{Caller, Json, Problem};
use schema::api::{SessionInfo, Sessions};
use schema::limits::PAGE_MAX;
use schema::{Code, SessionId, Timestamp};
use store::accounts::Which;

/// The caller's live sessions, newest first, at most 200.
#[utoipa::path(
    get,
    path = "/api/auth/sessions",
    tag = "auth",
    responses(
        (status = 200, description = "The live sessions", body = Sessions),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn list(State(auth): State<Auth>, caller: Caller) -> Result<Json<Sessions>, Problem> {
    let rows = auth.0.accounts.sessions(caller.user, Timestamp::now(), PAGE_MAX).await?;
    let sessions = rows.into_iter().map(|row| SessionInfo {
        current: row.session_id == caller.session,
        session_id: row.session_id,
        device_name: row.device_name,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    });
    Ok(Json(Sessions { sessions: sessions.collect() }))
}

/// Ends one session of the caller's.
#[utoipa::path(
    delete,
    path = "/api/auth/sessions/{id}",
    tag = "auth",
    params(("id" = String, Path, description = "A session id")),
    responses(
        (status = 204, description = "Ended"),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "No such session of the caller's", body = schema::api::Problem),
    )
)]
pub(crate) async fn end_one(
    State(auth): State<Auth>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::new(Code::NotFound, "you have no such session");
    let session: SessionId = id.parse().map_err(|_| unknown())?;
    let ended = auth.end_sessions(caller.user, Which::One(session)).await?;
    if ended.is_empty() { Err(unknown()) } else { Ok(StatusCode::NO_CONTENT) }
}

/// Ends every session of the caller's but the one that asks.
#[utoipa::path(
    delete,
    path = "/api/auth/sessions",
    tag = "auth",
    responses(
        (status = 204, description = "All others are ended"),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn end_others(State(auth): State<Auth>, caller: Caller) -> Result<StatusCode, Problem> {
    auth.end_sessions(caller.user, Which::AllBut(caller.session)).await?;
    Ok(StatusCode::NO_CONTENT)
}
