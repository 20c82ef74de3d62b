//! `POST /api/auth/login`.
//!
//! A wrong guess counts against the account and against the address. While an account's window is full its
//! owner cannot sign in anew either, right password or not; sessions that live go on, because a refresh
//! needs no password.

use crate::metrics::Outcome;
use crate::session::{Started, check_device_name};
use crate::{Auth, cookie};
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use edge::{Json, Peer, Problem, Secure};
use schema::api::{Login, Session};
use schema::message::FieldError;
use schema::{Code, Phone, Username};
use store::accounts::{Account, Which};
use store::profiles::{Name, Profile};

/// Signs in with a phone number or a username.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    tag = "auth",
    request_body = Login,
    responses(
        (status = 200, description = "Signed in; sets the cookie chatd_session", body = Session),
        (status = 400, description = "A field breaks its rule", body = schema::api::Problem),
        (status = 401, description = "Unknown or disabled user, or wrong password", body = schema::api::Problem),
        (status = 429, description = "Too many wrong passwords", body = schema::api::Problem),
        (status = 503, description = "Too many hashes are waiting", body = schema::api::Problem),
    )
)]
pub(crate) async fn login(
    State(auth): State<Auth>,
    peer: Peer,
    secure: Secure,
    Json(body): Json<Login>,
) -> Result<Response, Problem> {
    let name = check(&body)?;
    let account = auth.account(&name).await?;
    let name = account.as_ref().map_or(name, |account| Name::Id(account.user_id));
    let guess = auth.guess(name, peer).await.inspect_err(|_| auth.0.metrics.login(Outcome::Throttled))?;
    let account = account.filter(|account| !account.disabled);
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = guess.verify(body.password, hash).await?;
    let refused = || {
        auth.0.metrics.login(Outcome::Refused);
        Problem::new(Code::InvalidCredentials, "no such user, or the password is wrong")
    };
    let account = account.filter(|_| right).ok_or_else(refused)?;
    guess.was_right().await;
    let started = auth.sign_in(&account, body.device_name).await?.ok_or_else(refused)?;
    auth.0.metrics.login(Outcome::Accepted);
    let mut response = Json(started.session).into_response();
    if let Some(secret) = started.cookie {
        response.headers_mut().append(SET_COOKIE, cookie::set(secret, secure));
    }
    Ok(response)
}

/// Exactly one name, of a shape that somebody could have.
fn check(body: &Login) -> Result<Name, Problem> {
    const ONE: &str = "exactly one of phoneNumber and username";
    let mut errors = Vec::new();
    check_device_name(body.device_name.as_deref(), &mut errors);
    let name = match (&body.phone_number, &body.username) {
        (Some(phone), None) => {
            phone.parse::<Phone>().map(Name::Phone).map_err(|error| ("phoneNumber", error))
        }
        (None, Some(name)) => {
            name.parse::<Username>().map(Name::Username).map_err(|error| ("username", error))
        }
        (None, None) => return Err(Problem::field("phoneNumber", "is missing", ONE)),
        (Some(_), Some(_)) => return Err(Problem::field("username", "comes with phoneNumber", ONE)),
    };
    match name {
        Ok(name) if errors.is_empty() => Ok(name),
        Ok(_) => Err(Problem::invalid(errors)),
        Err((field, error)) => {
            errors.insert(0, FieldError::new(field, error.reason, error.bound));
            Err(Problem::invalid(errors))
        }
    }
}

impl Auth {
    /// Begins the session that the account's password has opened, unless the account was disabled, removed or
    /// given another password while this one was checked.
    async fn sign_in(&self, account: &Account, device: Option<String>) -> Result<Option<Started>, Problem> {
        let profile = self.profile(account).await?;
        let Some(started) = self.start_session(account, profile.display_name, device, true).await? else {
            return Ok(None);
        };
        // A change of the password ends every session that is there by then, and this one is there now.
        let now = self.0.accounts.by_id(account.user_id).await?;
        if now.is_some_and(|now| now.password_hash == account.password_hash) {
            return Ok(Some(started));
        }
        self.end_sessions(account.user_id, Which::One(started.session.session_id)).await?;
        Ok(None)
    }

    async fn account(&self, name: &Name) -> Result<Option<Account>, Problem> {
        Ok(match name {
            Name::Phone(phone) => self.0.accounts.by_phone(phone).await?,
            Name::Username(username) => self.0.accounts.by_username(username).await?,
            Name::Id(user) => self.0.accounts.by_id(*user).await?,
        })
    }

    /// The profile that every account has; without one, the person was removed meanwhile.
    pub(crate) async fn profile(&self, account: &Account) -> Result<Profile, Problem> {
        let profile = self.0.profiles.find(&Name::Id(account.user_id)).await?;
        profile.ok_or_else(|| edge::caller::unauthorized().caused_by("the account has no profile"))
    }
}
