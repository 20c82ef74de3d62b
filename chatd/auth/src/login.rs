//! `POST /api/auth/login`.
//!
//! A wrong guess counts against the account and against the address. While an account's window is full its
//! owner cannot sign in anew either, right password or not; sessions that live go on, because a refresh
//! needs no password.

use crate::metrics::Outcome;
use crate::session::check_device_name;
use crate::{Auth, cookie};
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use edge::{Json, Peer, Problem};
use schema::api::{Login, Session};
use schema::message::FieldError;
use schema::{Code, Phone, Username};
use store::accounts::Account;
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
        (status = 401, description = "Unknown user or wrong password", body = schema::api::Problem),
        (status = 429, description = "Too many wrong passwords", body = schema::api::Problem),
        (status = 503, description = "Too many hashes are waiting", body = schema::api::Problem),
    )
)]
pub(crate) async fn login(
    State(auth): State<Auth>,
    peer: Peer,
    Json(body): Json<Login>,
) -> Result<Response, Problem> {
    let name = check(&body)?;
    auth.throttle(&name, peer).inspect_err(|_| auth.0.metrics.login(Outcome::Throttled))?;
    let account = auth.account(&name).await?.filter(|account| !account.disabled);
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = match auth.0.hasher.verify(body.password, hash).await {
        Ok(right) => right,
        Err(problem) => {
            // No guess was made.
            auth.0.failures_by_account.give_back(&name);
            auth.0.failures_by_address.give_back(&peer);
            return Err(problem);
        }
    };
    let Some(account) = account.filter(|_| right) else {
        auth.0.metrics.login(Outcome::Refused);
        return Err(Problem::new(Code::InvalidCredentials, "no such user, or the password is wrong"));
    };
    auth.0.failures_by_account.forget(&name);
    auth.0.failures_by_address.give_back(&peer);
    let profile = auth.profile(&account).await?;
    let started = auth.start_session(&account, profile.display_name, body.device_name, true).await?;
    auth.0.metrics.login(Outcome::Accepted);
    let mut response = Json(started.session).into_response();
    if let Some(secret) = started.cookie {
        response.headers_mut().append(SET_COOKIE, cookie::set(secret, auth.0.secure_cookies));
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
    fn throttle(&self, name: &Name, peer: Peer) -> Result<(), Problem> {
        let refused = |seconds| {
            Problem::new(Code::RateLimited, "too many wrong passwords; come back later").retry_after(seconds)
        };
        self.0.failures_by_address.take(&peer).map_err(refused)?;
        self.0.failures_by_account.take(name).map_err(|seconds| {
            // The guess was not made, so the address has not made it.
            self.0.failures_by_address.give_back(&peer);
            refused(seconds)
        })
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
