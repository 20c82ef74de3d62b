//! `/admin/users`.

use super::{Admin, audit};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use edge::{Json, Problem, Query, TraceId};
use schema::api::{AdminUser, AdminUsers, Import, Imported, NewUser};
use schema::{Phone, UserId, Username, limits};
use serde::Deserialize;
use uuid::Uuid;

/// Purpose of the sealed cursor of the list.
const CURSOR: &str = "admin-users";
/// Whom it is sealed to: administrators have no user id.
const NOBODY: UserId = UserId(Uuid::nil());

/// Creates a user.
#[utoipa::path(
    post, path = "/admin/users", tag = "users", request_body = NewUser,
    responses(
        (status = 201, body = AdminUser),
        (status = 400, description = "A field breaks its rule", body = schema::api::Problem, content_type = "application/problem+json"),
        (status = 409, description = "The phone number or username is taken", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(admin): State<Admin>,
    trace: TraceId,
    Json(user): Json<NewUser>,
) -> Result<(StatusCode, Json<AdminUser>), Problem> {
    let target = name_of(&user);
    let result = created(&admin, user).await;
    admin.0.audit.note(&trace, "user.create", &target, audit::outcome(&result)).await;
    Ok((StatusCode::CREATED, Json(result?)))
}

async fn created(admin: &Admin, user: NewUser) -> Result<AdminUser, Problem> {
    let id = admin.0.auth.create_user(user).await?;
    admin.0.users.get(&id.to_string()).await
}

/// Creates many users at once; each row succeeds or fails alone.
#[utoipa::path(
    post, path = "/admin/users/import", tag = "users", request_body = Import,
    responses(
        (status = 200, body = Imported),
        (status = 400, description = "Too many rows", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn import(
    State(admin): State<Admin>,
    trace: TraceId,
    Json(import): Json<Import>,
) -> Result<Json<Imported>, Problem> {
    let target = format!("{} rows", import.users.len());
    let result = imported(&admin, import).await;
    let outcome = match &result {
        Ok(results) => {
            let created = results.results.iter().filter(|row| row.created).count();
            let failed = results.results.iter().filter(|row| row.error.is_some()).count();
            format!("{created} created, {failed} failed")
        }
        Err(problem) => problem.code().as_str().to_owned(),
    };
    admin.0.audit.note(&trace, "user.import", &target, &outcome).await;
    result.map(Json)
}

async fn imported(admin: &Admin, import: Import) -> Result<Imported, Problem> {
    if import.users.is_empty() || import.users.len() > limits::BULK_MAX {
        let bound = format!("1 to {}", limits::BULK_MAX);
        return Err(Problem::field("users", format!("has {} rows", import.users.len()), bound));
    }
    Ok(Imported { results: admin.0.auth.create_users(import.users, import.on_conflict).await })
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// Lists users in the order of their ids.
#[utoipa::path(
    get, path = "/admin/users", tag = "users",
    params(
        ("cursor" = Option<String>, Query, description = "The nextCursor of the page before"),
        ("limit" = Option<usize>, Query, description = "Users of a page: 1 to 200, 50 unless told"),
    ),
    responses((status = 200, body = AdminUsers))
)]
pub(super) async fn list(
    State(admin): State<Admin>,
    Query(page): Query<Page>,
) -> Result<Json<AdminUsers>, Problem> {
    let limit = page.limit.unwrap_or(limits::PAGE);
    if !(1..=limits::PAGE_MAX).contains(&limit) {
        return Err(Problem::field("limit", "is out of bounds", format!("1 to {}", limits::PAGE_MAX)));
    }
    let after = page.cursor.map(|text| open(&admin, &text)).transpose()?;
    // One more than asked for tells whether there is a next page.
    let (mut users, _) = admin.0.users.list(after, limit + 1).await?;
    let more = users.len() > limit;
    users.truncate(limit);
    let last = users.last().filter(|_| more).map(|last| last.user.user_id);
    let next_cursor = last.map(|last| admin.0.signer.seal(NOBODY, CURSOR, last.as_bytes()));
    Ok(Json(AdminUsers { users, next_cursor }))
}

fn open(admin: &Admin, text: &str) -> Result<UserId, Problem> {
    let bytes = admin.0.signer.open(NOBODY, CURSOR, text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(UserId::from_bytes).ok_or_else(|| {
        Problem::field("cursor", "is no cursor of this list", "the nextCursor of the page before")
    })
}

/// Shows a user, named by id, username or phone number.
#[utoipa::path(
    get, path = "/admin/users/{user}", tag = "users",
    params(("user" = String, Path, description = "User id, username or phone number")),
    responses(
        (status = 200, body = AdminUser),
        (status = 404, description = "No such user", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(admin): State<Admin>,
    Path(name): Path<String>,
) -> Result<Json<AdminUser>, Problem> {
    admin.0.users.get(&name).await.map(Json)
}

/// Deletes a user: ends the sessions, closes the sockets, removes credentials and profile.
#[utoipa::path(
    delete, path = "/admin/users/{user}", tag = "users",
    params(("user" = String, Path, description = "User id, username or phone number")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such user", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    State(admin): State<Admin>,
    trace: TraceId,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let result = deleted(&admin, &name).await;
    admin.0.audit.note(&trace, "user.delete", &name, audit::outcome(&result)).await;
    result.map(|()| StatusCode::NO_CONTENT)
}

async fn deleted(admin: &Admin, name: &str) -> Result<(), Problem> {
    let user = admin.0.users.get(name).await?.user;
    admin.0.auth.delete_user(user.user_id).await?;
    Ok(())
}

/// Disables a user: ends the sessions, closes the sockets, lets nobody sign in. Nothing of the user is removed.
/// May be repeated.
#[utoipa::path(
    post, path = "/admin/users/{user}/disable", tag = "users",
    params(("user" = String, Path, description = "User id, username or phone number")),
    responses(
        (status = 200, body = AdminUser),
        (status = 404, description = "No such user", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn disable(
    State(admin): State<Admin>,
    trace: TraceId,
    Path(name): Path<String>,
) -> Result<Json<AdminUser>, Problem> {
    let result = set_disabled(&admin, &name, true).await;
    admin.0.audit.note(&trace, "user.disable", &name, audit::outcome(&result)).await;
    result.map(Json)
}

/// Enables a user who was disabled; sessions that were ended stay ended. May be repeated.
#[utoipa::path(
    post, path = "/admin/users/{user}/enable", tag = "users",
    params(("user" = String, Path, description = "User id, username or phone number")),
    responses(
        (status = 200, body = AdminUser),
        (status = 404, description = "No such user", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn enable(
    State(admin): State<Admin>,
    trace: TraceId,
    Path(name): Path<String>,
) -> Result<Json<AdminUser>, Problem> {
    let result = set_disabled(&admin, &name, false).await;
    admin.0.audit.note(&trace, "user.enable", &name, audit::outcome(&result)).await;
    result.map(Json)
}

async fn set_disabled(admin: &Admin, name: &str, disabled: bool) -> Result<AdminUser, Problem> {
    let mut found = admin.0.users.get(name).await?;
    admin.0.auth.set_disabled(found.user.user_id, disabled).await?;
    found.disabled = disabled;
    Ok(found)
}

fn name_of(user: &NewUser) -> String {
    let username = user.username.as_ref().map(Username::as_str);
    username.or(user.phone_number.as_ref().map(Phone::as_str)).unwrap_or_default().to_owned()
}
