//! `POST /api/auth/logout`.

use crate::{Auth, cookie};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use edge::{Caller, Problem};
use schema::limits::ACCESS_TOKEN_S;
use schema::{SessionId, Timestamp, UserId};
use store::accounts::Which;

/// Ends the caller's session: its tokens are refused at once, its sockets close.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    tag = "auth",
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn logout(State(auth): State<Auth>, caller: Caller) -> Result<Response, Problem> {
    auth.0.accounts.end_sessions(caller.user, Which::One(caller.session), Timestamp::now()).await?;
    // A minted token is the only one of its session, all others live no longer than this.
    let last = caller.expires_at.max(Timestamp::now().plus_seconds(ACCESS_TOKEN_S));
    auth.0.revocations.end_until(caller.session, last);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(auth.0.secure_cookies))]).into_response())
}

impl Auth {
    /// Ends sessions, durably first, and has their tokens refused and their sockets closed.
    pub(crate) async fn end_sessions(&self, user: UserId, which: Which) -> Result<Vec<SessionId>, Problem> {
        let ended = self.0.accounts.end_sessions(user, which, Timestamp::now()).await?;
        for session in &ended {
            self.0.revocations.end(*session);
        }
        Ok(ended)
    }
}
