//! `POST /api/auth/refresh`: a new access token, and a new refresh token for the old one.

use crate::ends::whatever_happens;
use crate::metrics::Outcome;
use crate::tokens::{Secret, secret_hash};
use crate::{Auth, cookie};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use edge::caller::bearer;
use edge::{Json, Problem, Secure};
use schema::api::{Refresh, Session};
use schema::{Code, Timestamp};
use store::accounts::{Rotation, SessionRow, Which};

/// Trades a refresh token, given in the body, in the Authorization header or by the cookie, in this order.
/// The cookie counts from no page, a page of this server or one that `cors.allowed_origins` names.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    tag = "auth",
    request_body = Option<Refresh>,
    responses(
        (status = 200, description = "The old refresh token is dead", body = Session),
        (status = 403, description = "By cookie from a page of another origin", body = schema::api::Problem),
        (status = 401, description = "Unknown, expired or used before, which ends the session", body = schema::api::Problem),
    )
)]
pub(crate) async fn refresh(
    State(auth): State<Auth>,
    headers: HeaderMap,
    secure: Secure,
    body: Option<Json<Refresh>>,
) -> Result<Response, Problem> {
    let given = body.and_then(|Json(body)| body.refresh_token);
    // Clients send their access token everywhere; it has dots, a refresh token has none.
    let given = given.or_else(|| bearer(&headers).filter(|token| !token.contains('.')).map(str::to_owned));
    let new = Secret::draw()?;
    let by_cookie = given.is_none();
    let row = match given {
        Some(token) => auth.rotate(token, &new).await,
        None => auth.trade_cookie(&headers, &new).await,
    };
    let row = row.inspect_err(|problem| {
        if problem.code() == Code::InvalidRefreshToken {
            auth.0.metrics.refresh(Outcome::Refused);
        }
    })?;
    let session = auth.refreshed(row, new).await?;
    auth.0.metrics.refresh(Outcome::Accepted);
    let mut response = ([(CACHE_CONTROL, "no-store")], Json(session)).into_response();
    if by_cookie && let Some(cookie) = cookie::renew(&headers, secure) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

impl Auth {
    async fn rotate(&self, token: String, new: &Secret) -> Result<SessionRow, Problem> {
        let (auth, old, new) = (self.clone(), secret_hash(&token), new.hash());
        whatever_happens(async move {
            match auth.0.accounts.rotate(old, new, Timestamp::now()).await? {
                Rotation::Rotated(row) => Ok(row),
                Rotation::Refused => Err(refused("unknown, expired, or of an ended session")),
                Rotation::Reused(row) => {
                    // Two hold the same token, and one of them stole it: nobody keeps the session.
                    auth.0.revocations.end(row.session_id);
                    auth.0.metrics.refresh(Outcome::Reused);
                    tracing::warn!(user = %row.user_id, session = %row.session_id, "a refresh token was used twice");
                    Err(refused("used before; its session is ended"))
                }
            }
        })
        .await
    }

    async fn trade_cookie(&self, headers: &HeaderMap, new: &Secret) -> Result<SessionRow, Problem> {
        let Some(row) = self.session_by_cookie(headers).await? else {
            let cause =
                if cookie::of(headers).is_some() { "the cookie's session has ended" } else { "no token" };
            return Err(refused(cause));
        };
        // A browser sends the cookie whoever's page asks it to.
        if !edge::origin::is_named(headers, &self.0.allowed_origins) {
            let detail = "pages of this origin may not use the cookie: send the refresh token, or see cors.allowed_origins";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        if !self.0.accounts.replace_refresh(row.session_id, new.hash(), Timestamp::now()).await? {
            return Err(refused("the session has just ended"));
        }
        Ok(row)
    }

    async fn refreshed(&self, row: SessionRow, refresh: Secret) -> Result<Session, Problem> {
        let now = Timestamp::now();
        let account = self.0.accounts.by_id(row.user_id).await?.filter(|account| !account.disabled);
        let Some(account) = account else {
            self.end_sessions(row.user_id, Which::All).await?;
            return Err(refused("the account is disabled or gone"));
        };
        let profile = self.profile(&account).await?;
        self.session_body(&account, profile.display_name, row.session_id, refresh, now)
    }
}

fn refused(cause: &str) -> Problem {
    Problem::new(Code::InvalidRefreshToken, "the refresh token is not valid; sign in again").caused_by(cause)
}
