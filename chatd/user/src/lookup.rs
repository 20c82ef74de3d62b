//! `GET /api/users/{user}` and `GET /api/users?phoneNumber=` or `?username=`.

use crate::view::{Viewer, view};
use crate::{Users, nobody};
use axum::extract::{Path, State};
use edge::{Caller, Json, Lookup, Problem, Query};
use schema::user::TextError;
use schema::{Phone, User, Username};
use serde::Deserialize;
use store::profiles::{Name, Profile};

/// One person, by id or username.
#[utoipa::path(
    get,
    operation_id = "user",
    path = "/api/users/{user}",
    tag = "users",
    params(("user" = String, Path, description = "A user id or a username", example = "john.doe")),
    responses(
        (status = 200, description = "The person, as far as the caller may see", body = User),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "Nobody of that name", body = schema::api::Problem),
    )
)]
pub(crate) async fn by_path(
    State(users): State<Users>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<User>, Problem> {
    let profile = users.named(&user).await?;
    users.show(&caller, profile, false).await.map(Json)
}

/// Exactly one of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct By {
    /// The whole phone number.
    #[param(example = "+1234567890")]
    phone_number: Option<String>,
    /// The whole username.
    #[param(example = "john.doe")]
    username: Option<String>,
}

/// One person, by phone number or username, exactly. Look-ups are bounded tightly
/// (`limits.lookups_per_minute`): nobody may try out phone numbers.
#[utoipa::path(
    get,
    operation_id = "find_user",
    path = "/api/users",
    tag = "users",
    params(By),
    responses(
        (status = 200, description = "The person, as far as the caller may see", body = User),
        (status = 400, description = "None or both, or no phone number or username", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "Nobody of that name", body = schema::api::Problem),
        (status = 429, description = "Too many look-ups", body = schema::api::Problem),
    )
)]
pub(crate) async fn by_query(
    State(users): State<Users>,
    caller: Caller,
    _lookup: Lookup,
    Query(by): Query<By>,
) -> Result<Json<User>, Problem> {
    const ONE: &str = "exactly one of phoneNumber and username";
    let (name, knows_phone) = match (by.phone_number, by.username) {
        (Some(phone), None) => (phone_name(&with_plus(phone))?, true),
        (None, Some(username)) => (username_name(&username)?, false),
        (None, None) => return Err(Problem::field("phoneNumber", "is missing", ONE)),
        (Some(_), Some(_)) => return Err(Problem::field("username", "comes with phoneNumber", ONE)),
    };
    let profile = users.profiles().find(&name).await?.ok_or_else(nobody)?;
    users.show(&caller, profile, knows_phone).await.map(Json)
}

/// A plus that the caller did not encode arrives as a space.
fn with_plus(phone: String) -> String {
    match phone.strip_prefix(' ') {
        Some(digits) => format!("+{digits}"),
        None => phone,
    }
}

pub(crate) fn phone_name(text: &str) -> Result<Name, Problem> {
    text.parse::<Phone>().map(Name::Phone).map_err(|error| invalid("phoneNumber", error))
}

pub(crate) fn username_name(text: &str) -> Result<Name, Problem> {
    text.parse::<Username>().map(Name::Username).map_err(|error| invalid("username", error))
}

fn invalid(field: &str, TextError { reason, bound }: TextError) -> Problem {
    Problem::field(field, reason, bound)
}

impl Users {
    /// A person as the caller may see them.
    pub(crate) async fn show(
        &self,
        caller: &Caller,
        profile: Profile,
        knows_phone: bool,
    ) -> Result<User, Problem> {
        let messages = &*self.0.parts.messages;
        let relation = store::relation(self.profiles(), messages, caller.user, profile.user_id).await?;
        let viewer = Viewer::of(relation);
        Ok(view(profile, Viewer { knows_phone: knows_phone || viewer.knows_phone, ..viewer }))
    }
}
