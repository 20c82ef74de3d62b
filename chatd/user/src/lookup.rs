//! `GET /api/users/{user}` and `GET /api/users?phoneNumber=` or `?username=`.

use crate::view::{Viewer, view};
use crate::{Users, name};
use axum::extract::{Path, State};
use edge::{Caller, Json, Problem, Query};
use schema::user::TextError;
use schema::{Code, Phone, User, Username};
use serde::Deserialize;
use store::profiles::Name;

/// One person, by id or username.
#[utoipa::path(
    get,
    path = "/api/users/{user}",
    tag = "users",
    params(("user" = String, Path, description = "A user id or a username")),
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
    let name = name(&user).ok_or_else(nobody)?;
    users.look_up(&caller, &name, Viewer::Anybody).await
}

/// Exactly one of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct By {
    /// The whole phone number.
    phone_number: Option<String>,
    /// The whole username.
    username: Option<String>,
}

/// One person, by phone number or username, exactly.
#[utoipa::path(
    get,
    path = "/api/users",
    tag = "users",
    params(By),
    responses(
        (status = 200, description = "The person, as far as the caller may see", body = User),
        (status = 400, description = "None or both, or no phone number or username", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "Nobody of that name", body = schema::api::Problem),
    )
)]
pub(crate) async fn by_query(
    State(users): State<Users>,
    caller: Caller,
    Query(by): Query<By>,
) -> Result<Json<User>, Problem> {
    const ONE: &str = "exactly one of phoneNumber and username";
    let invalid = |field| move |TextError { reason, bound }| Problem::field(field, reason, bound);
    match (by.phone_number, by.username) {
        (Some(phone), None) => {
            let phone: Phone = with_plus(phone).parse().map_err(invalid("phoneNumber"))?;
            users.look_up(&caller, &Name::Phone(phone), Viewer::KnowsPhone).await
        }
        (None, Some(username)) => {
            let username: Username = username.parse().map_err(invalid("username"))?;
            users.look_up(&caller, &Name::Username(username), Viewer::Anybody).await
        }
        (None, None) => Err(Problem::field("phoneNumber", "is missing", ONE)),
        (Some(_), Some(_)) => Err(Problem::field("username", "comes with phoneNumber", ONE)),
    }
}

/// A plus that the caller did not encode arrives as a space.
fn with_plus(phone: String) -> String {
    match phone.strip_prefix(' ') {
        Some(digits) => format!("+{digits}"),
        None => phone,
    }
}

impl Users {
    async fn look_up(&self, caller: &Caller, name: &Name, viewer: Viewer) -> Result<Json<User>, Problem> {
        let profile = self.profiles.find(name).await?.ok_or_else(nobody)?;
        let viewer = if profile.user_id == caller.user { Viewer::Owner } else { viewer };
        Ok(Json(view(profile, viewer)))
    }
}

pub(crate) fn nobody() -> Problem {
    Problem::new(Code::NotFound, "there is no such user")
}
