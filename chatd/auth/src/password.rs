//! `POST /api/auth/password`: a new password for the current one.
//!
//! A guess at the current one counts like a guess at a sign-in, against the same account and address. The new
//! hash and the end of the other sessions are one step in the store; a sign-in with the old password that is
//! on its way meanwhile finds the hash changed and gets nothing.

use crate::Auth;
use crate::ends::whatever_happens;
use crate::passwords;
use axum::extract::State;
use axum::http::StatusCode;
use edge::{Caller, Json, Peer, Problem};
use schema::message::FieldError;
use schema::{Code, Timestamp};
use serde::Deserialize;
use store::accounts::{Account, PasswordChange};
use store::profiles::Name;

/// The body before its rules are checked, so that every broken one is told at once.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    current_password: Option<String>,
    new_password: Option<String>,
}

/// Changes the password; every other session ends, its tokens are refused at once and its sockets close.
#[utoipa::path(
    post,
    path = "/api/auth/password",
    tag = "auth",
    request_body = schema::api::PasswordChange,
    responses(
        (status = 204, description = "Changed; this session goes on, all others have ended"),
        (status = 400, description = "A field breaks its rule, or the account has no password", body = schema::api::Problem),
        (status = 401, description = "No good token, or the current password is wrong", body = schema::api::Problem),
        (status = 429, description = "Too many wrong passwords", body = schema::api::Problem),
        (status = 503, description = "Too many hashes are waiting", body = schema::api::Problem),
    )
)]
pub(crate) async fn change(
    State(auth): State<Auth>,
    caller: Caller,
    peer: Peer,
    Json(body): Json<Body>,
) -> Result<StatusCode, Problem> {
    let (current, new) = check(body)?;
    let gone = || edge::caller::unauthorized().caused_by("the account is gone");
    let account = auth.0.accounts.by_id(caller.user).await?.ok_or_else(gone)?;
    let Some(from) = account.password_hash.clone() else {
        let reason = "cannot be right: this account has no password";
        return Err(Problem::field("currentPassword", reason, "an account that signs in with a password"));
    };
    let guess = auth.guess(Name::Id(account.user_id), peer).await?;
    if !guess.verify(current, Some(from.clone())).await? {
        return Err(wrong());
    }
    guess.was_right().await;
    let to = auth.0.hasher.hash(new).await?;
    let change = PasswordChange { from, to, keep: caller.session };
    let changing = auth.clone();
    if whatever_happens(async move { changing.change_password(&account, change).await }).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    if auth.0.revocations.is_ended(caller.session) {
        return Err(edge::caller::unauthorized().caused_by("the session ended meanwhile"));
    }
    Err(wrong().caused_by("another call changed it meanwhile"))
}

impl Auth {
    async fn change_password(&self, account: &Account, change: PasswordChange) -> Result<bool, Problem> {
        let changed = self.0.accounts.change_password(account.user_id, change, Timestamp::now()).await?;
        let Some(ended) = changed else { return Ok(false) };
        ended.into_iter().for_each(|session| self.0.revocations.end(session));
        self.0.changes.person(account.user_id, account.username.as_ref());
        Ok(true)
    }
}

fn wrong() -> Problem {
    Problem::new(Code::InvalidCredentials, "the current password is wrong")
}

fn check(body: Body) -> Result<(String, String), Problem> {
    let mut errors = Vec::new();
    let missing = |field: &str| FieldError::new(field, "is missing", "required");
    if body.current_password.is_none() {
        errors.push(missing("currentPassword"));
    }
    match &body.new_password {
        Some(new) if body.current_password.as_ref() == Some(new) => {
            errors.push(FieldError::new("newPassword", "is the current one", "another password"));
        }
        Some(new) => passwords::check("newPassword", new, &mut errors),
        None => errors.push(missing("newPassword")),
    }
    match (body.current_password, body.new_password) {
        (Some(current), Some(new)) if errors.is_empty() => Ok((current, new)),
        _ => Err(Problem::invalid(errors)),
    }
}
