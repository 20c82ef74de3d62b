//! `GET /api/users/me`.

use crate::Users;
use crate::view::{Viewer, view};
use axum::extract::State;
use edge::{Caller, Json, Problem};
use schema::User;
use store::profiles::Name;

/// The caller's own profile.
#[utoipa::path(
    get,
    path = "/api/users/me",
    tag = "users",
    responses(
        (status = 200, description = "The caller", body = User),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn me(State(users): State<Users>, caller: Caller) -> Result<Json<User>, Problem> {
    let profile = users.profiles.find(&Name::Id(caller.user)).await?;
    // A token of a person who was removed is good for nothing.
    let profile = profile.ok_or_else(|| edge::caller::unauthorized().caused_by("the user is gone"))?;
    Ok(Json(view(profile, Viewer::Owner)))
}
