//! `/api/users/me/privacy`: what others may see of the caller.

use crate::{Users, gone};
use axum::extract::State;
use edge::{Caller, Json, Problem};
use schema::user::{PrivacyChange, PrivacySettings};
use std::sync::Arc;

/// What others may see of the caller: a thing is shown if its flag and its policy both allow it.
#[utoipa::path(
    get,
    operation_id = "privacy",
    path = "/api/users/me/privacy",
    tag = "users",
    responses(
        (status = 200, description = "The settings", body = PrivacySettings),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn get(
    State(users): State<Users>,
    caller: Caller,
) -> Result<Json<PrivacySettings>, Problem> {
    Ok(Json(users.own(caller.user).await?.privacy))
}

/// Changes what is named; absent settings keep their value.
#[utoipa::path(
    put,
    operation_id = "set_privacy",
    path = "/api/users/me/privacy",
    tag = "users",
    request_body = PrivacyChange,
    responses(
        (status = 200, description = "All settings, changed", body = PrivacySettings),
        (status = 400, description = "A value that is none, or no such setting", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn put(
    State(users): State<Users>,
    caller: Caller,
    Json(change): Json<PrivacyChange>,
) -> Result<Json<PrivacySettings>, Problem> {
    let profiles = Arc::clone(&users.0.parts.profiles);
    let user = caller.user;
    let work = async move { profiles.set_privacy(user, &change).await };
    let privacy = users.change(user, work, |_| None).await?;
    Ok(Json(privacy.ok_or_else(gone)?))
}
