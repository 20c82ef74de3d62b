//! HTTP in and out: extract, call one verb, answer.

use crate::Presence;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use edge::{Caller, Json, Problem};
use schema::api::Problem as ProblemBody;
use schema::limits::PRESENCE_QUERY;
use schema::presence::{Presence as Shown, PresenceQuery, Presences, StatusChoice, TypingFlag};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

impl Presence {
    /// The service's routes.
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(see))
            .routes(routes!(query))
            .routes(routes!(choose))
            .routes(routes!(typing))
            .with_state(self.clone())
    }
}

/// One person's presence.
#[utoipa::path(
    get, path = "/api/presence/{user}", tag = "presence",
    params(("user" = String, Path, description = "User id or username")),
    responses(
        (status = 200, body = Shown, description = "As far as the caller may see: OFFLINE without lastSeen else"),
        (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody, description = "Nobody of that name"),
        (status = 503, body = ProblemBody),
    )
)]
async fn see(
    State(presence): State<Presence>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(presence.see(caller.user, &user).await?))
}

/// The presence of many: in the order asked, each person once, who is unknown left out.
#[utoipa::path(
    post, path = "/api/presence/query", tag = "presence", request_body = PresenceQuery,
    responses(
        (status = 200, body = Presences), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn query(
    State(presence): State<Presence>,
    caller: Caller,
    Json(query): Json<PresenceQuery>,
) -> Result<Json<Presences>, Problem> {
    let names = query.user_ids;
    if names.len() > PRESENCE_QUERY {
        let reason = format!("names {} people", names.len());
        return Err(Problem::field("userIds", reason, format!("at most {PRESENCE_QUERY}")));
    }
    if let Some(at) = names.iter().position(|name| name.trim().is_empty()) {
        return Err(Problem::field(&format!("userIds[{at}]"), "is blank", "a user id or a username"));
    }
    Ok(Json(Presences { presences: presence.see_all(caller.user, &names).await? }))
}

/// Chooses how the caller looks while they are there.
#[utoipa::path(
    put, path = "/api/presence/me", tag = "presence", request_body = StatusChoice,
    responses((status = 204), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody))
)]
async fn choose(
    State(presence): State<Presence>,
    caller: Caller,
    Json(choice): Json<StatusChoice>,
) -> Result<StatusCode, Problem> {
    presence.set_status(caller.user, choice.status).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that the caller is typing to somebody, or has ceased to. It ends by itself unless it is repeated.
#[utoipa::path(
    put, path = "/api/presence/typing/{peer}", tag = "presence", request_body = TypingFlag,
    params(("peer" = String, Path, description = "User id or username")),
    responses((status = 204), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody))
)]
async fn typing(
    State(presence): State<Presence>,
    caller: Caller,
    Path(peer): Path<String>,
    Json(flag): Json<TypingFlag>,
) -> Result<StatusCode, Problem> {
    presence.typing(caller.user, &peer, flag.typing).await?;
    Ok(StatusCode::NO_CONTENT)
}
