//! `/admin/tokens`.

use super::{Admin, audit};
use axum::extract::State;
use axum::http::StatusCode;
use edge::{Json, Problem, TraceId};
use schema::api::{Mint, Minted};
use schema::{Code, UserId, limits};

/// Makes an access token, with a session of its own, for each user. All or none.
#[utoipa::path(
    post, path = "/admin/tokens", tag = "tokens", request_body = Mint,
    responses(
        (status = 201, body = Minted),
        (status = 404, description = "No such user", body = schema::api::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn mint(
    State(admin): State<Admin>,
    trace: TraceId,
    Json(mint): Json<Mint>,
) -> Result<(StatusCode, Json<Minted>), Problem> {
    let target = match mint.users.as_slice() {
        [one] => one.clone(),
        many => format!("{} users", many.len()),
    };
    let result = minted(&admin, mint).await;
    admin.0.audit.note(&trace, "token.mint", &target, audit::outcome(&result)).await;
    Ok((StatusCode::CREATED, Json(result?)))
}

async fn minted(admin: &Admin, mint: Mint) -> Result<Minted, Problem> {
    if mint.users.is_empty() || mint.users.len() > limits::BULK_MAX {
        let bound = format!("1 to {}", limits::BULK_MAX);
        return Err(Problem::field("users", format!("names {} users", mint.users.len()), bound));
    }
    let mut users: Vec<UserId> = Vec::with_capacity(mint.users.len());
    for name in &mint.users {
        let found = admin.0.users.get(name).await.map_err(|problem| match problem.code() {
            Code::NotFound => {
                Problem::new(Code::NotFound, format!("there is no user {name:?}; no token was made"))
            }
            _ => problem,
        });
        users.push(found?.user.user_id);
    }
    Ok(Minted { tokens: admin.0.auth.mint(users, mint.expires_in).await? })
}
