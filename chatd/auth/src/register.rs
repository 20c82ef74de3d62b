//! `POST /api/auth/register`.

use crate::session::check_device_name;
use crate::{Auth, passwords};
use axum::extract::State;
use axum::http::StatusCode;
use edge::{Json, Peer, Problem};
use schema::api::{Register, Session};
use schema::message::FieldError;
use schema::user::TextError;
use schema::{DisplayName, Phone, Timestamp, UserId, Username};
use serde::Deserialize;
use std::str::FromStr;
use store::accounts::{Account, Role};
use store::profiles::NewPerson;

/// The body before its rules are checked, so that every broken one is told at once.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    phone_number: Option<String>,
    password: Option<String>,
    display_name: Option<String>,
    username: Option<String>,
    device_name: Option<String>,
}

/// Registers an account and signs it in.
#[utoipa::path(
    post,
    path = "/api/auth/register",
    tag = "auth",
    request_body = Register,
    responses(
        (status = 201, description = "Registered and signed in", body = Session),
        (status = 400, description = "A field breaks its rule", body = schema::api::Problem),
        (status = 409, description = "The phone number or username is taken", body = schema::api::Problem),
        (status = 429, description = "Too many registrations from this address", body = schema::api::Problem),
        (status = 503, description = "Too many hashes are waiting", body = schema::api::Problem),
    )
)]
pub(crate) async fn register(
    State(auth): State<Auth>,
    peer: Peer,
    Json(body): Json<Body>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let wanted = check(body)?;
    let registrations = &auth.0.registrations;
    registrations.take(&peer).await.map_err(|seconds| {
        let detail = "too many registrations from this address";
        Problem::too_many(detail, seconds, registrations.used_up(seconds))
    })?;
    auth.refuse_taken(&wanted).await?;
    let account = Account {
        user_id: UserId::draw(),
        phone_number: Some(wanted.phone_number),
        username: wanted.username,
        password_hash: Some(auth.0.hasher.hash(wanted.password).await?),
        role: Role::User,
        disabled: false,
        created_at: Timestamp::now(),
    };
    let person = NewPerson { account: account.clone(), display_name: wanted.display_name.clone() };
    // One person asked for, one result.
    for result in auth.0.profiles.create(vec![person]).await? {
        result?;
    }
    auth.0.metrics.registered();
    let started = auth.start_session(&account, wanted.display_name, wanted.device_name, false).await?;
    let started =
        started.ok_or_else(|| edge::caller::unauthorized().caused_by("disabled while registering"))?;
    Ok((StatusCode::CREATED, Json(started.session)))
}

impl Auth {
    /// Tells a taken name before a hash is spent on it; creating decides in the end.
    async fn refuse_taken(&self, wanted: &Register) -> Result<(), Problem> {
        if self.0.accounts.by_phone(&wanted.phone_number).await?.is_some() {
            return Err(store::Error::Conflict("phoneNumber").into());
        }
        if let Some(username) = &wanted.username
            && self.0.accounts.by_username(username).await?.is_some()
        {
            return Err(store::Error::Conflict("username").into());
        }
        Ok(())
    }
}

fn check(body: Body) -> Result<Register, Problem> {
    let mut errors = Vec::new();
    let phone_number: Option<Phone> = required("phoneNumber", body.phone_number.as_deref(), &mut errors);
    match &body.password {
        Some(password) => passwords::check("password", password, &mut errors),
        None => errors.push(missing("password")),
    }
    let display_name: Option<DisplayName> =
        required("displayName", body.display_name.as_deref(), &mut errors);
    let username: Option<Username> =
        body.username.as_deref().and_then(|text| parsed("username", text, &mut errors));
    check_device_name(body.device_name.as_deref(), &mut errors);
    match (phone_number, body.password, display_name) {
        (Some(phone_number), Some(password), Some(display_name)) if errors.is_empty() => {
            Ok(Register { phone_number, password, display_name, username, device_name: body.device_name })
        }
        _ => Err(Problem::invalid(errors)),
    }
}

fn required<T>(field: &str, text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<T>
where
    T: FromStr<Err = TextError>,
{
    let Some(text) = text else {
        errors.push(missing(field));
        return None;
    };
    parsed(field, text, errors)
}

fn parsed<T>(field: &str, text: &str, errors: &mut Vec<FieldError>) -> Option<T>
where
    T: FromStr<Err = TextError>,
{
    text.parse()
        .map_err(|TextError { reason, bound }| errors.push(FieldError::new(field, reason, bound)))
        .ok()
}

fn missing(field: &str) -> FieldError {
    FieldError::new(field, "is missing", "required")
}
