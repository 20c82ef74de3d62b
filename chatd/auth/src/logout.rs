//! `POST /api/auth/logout`.

use crate::ends::whatever_happens;
use crate::{Auth, cookie};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use edge::{Caller, Problem, Secure};
use schema::Timestamp;
use schema::limits::ACCESS_TOKEN_S;
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
pub(crate) async fn logout(
    State(auth): State<Auth>,
    caller: Caller,
    secure: Secure,
) -> Result<Response, Problem> {
    let ending = auth.clone();
    whatever_happens(async move {
        let accounts = &ending.0.accounts;
        accounts.end_sessions(caller.user, Which::One(caller.session), Timestamp::now()).await?;
        // A minted token is the only one of its session, all others live no longer than this.
        let last = caller.expires_at.max(Timestamp::now().plus_seconds(ACCESS_TOKEN_S));
        ending.0.revocations.end_until(caller.session, last);
        Ok(())
    })
    .await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(secure))]).into_response())
}
