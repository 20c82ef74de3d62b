//! `GET`, `PATCH` and `DELETE /api/users/me`.

use crate::view::{Viewer, view};
use crate::{Users, gone};
use axum::extract::State;
use axum::http::StatusCode;
use edge::{Caller, Json, Problem};
use schema::api::UserChange;
use schema::{Code, User, Username};
use std::sync::Arc;
use store::profiles::{ProfileChange, Updated};

/// The caller's own profile.
#[utoipa::path(
    get,
    operation_id = "me",
    path = "/api/users/me",
    tag = "users",
    responses(
        (status = 200, description = "The caller", body = User),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn me(State(users): State<Users>, caller: Caller) -> Result<Json<User>, Problem> {
    Ok(Json(view(users.own(caller.user).await?, Viewer::OWNER)))
}

/// Changes the caller's profile: what is absent stays, null takes the username or the photo away.
#[utoipa::path(
    patch,
    operation_id = "update_me",
    path = "/api/users/me",
    tag = "users",
    request_body = UserChange,
    responses(
        (status = 200, description = "The caller, changed", body = User),
        (status = 400, description = "A field breaks its rule, or is none", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 409, description = "The username is taken; nothing is changed", body = schema::api::Problem),
    )
)]
pub(crate) async fn update(
    State(users): State<Users>,
    caller: Caller,
    Json(change): Json<UserChange>,
) -> Result<Json<User>, Problem> {
    let UserChange { display_name, username, avatar_url } = change;
    let change = ProfileChange { display_name, username, avatar_url };
    if change == ProfileChange::default() {
        return me(State(users), caller).await;
    }
    let profiles = Arc::clone(&users.0.parts.profiles);
    let user = caller.user;
    let work = async move { profiles.update(user, change).await };
    let updated = users.change(user, work, former_username).await?.ok_or_else(gone)?;
    Ok(Json(view(updated.profile, Viewer::OWNER)))
}

fn former_username(updated: &Option<Updated>) -> Option<&Username> {
    updated.as_ref()?.former_username.as_ref()
}

/// Deletes the caller: sessions end and sockets close at once, names are free again, and what the caller wrote
/// is erased from conversations soon after. There is no way back, and like every call it takes nothing but the
/// token. Repeated, it answers 401, because that token is dead.
#[utoipa::path(
    delete,
    operation_id = "delete_me",
    path = "/api/users/me",
    tag = "users",
    responses(
        (status = 204, description = "Gone; every token of the caller's is refused from now on"),
        (status = 401, description = "No good token, also because the caller is gone", body = schema::api::Problem),
    )
)]
pub(crate) async fn delete(State(users): State<Users>, caller: Caller) -> Result<StatusCode, Problem> {
    match users.0.parts.remove.remove(caller.user).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        // Another device was faster.
        Err(problem) if problem.code() == Code::NotFound => Err(gone()),
        Err(problem) => Err(problem),
    }
}
