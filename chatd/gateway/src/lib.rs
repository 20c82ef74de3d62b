//! The gateway: the one address that clients know.
//!
//! It mounts every service's routes on one port, beside what only a whole can say: the API's descriptions
//! (`/docs`, OpenAPI, AsyncAPI), the limits in force, and a word to whoever opens `/`. Who calls, how often and with what errors is the
//! door's business (`edge::door`), the same on every port.
//!
//! Neighbours: `chatd` hands it the services' routes and puts the door around the result.
//!
//! Invariants: [`Upstreams`] is the one place where a service is mounted; the description is made from the
//! routes that are mounted, so what isn't built is not in it.

mod asyncapi;
mod description;
mod docs;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use edge::Json;
use schema::api::{Limit, Limits};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use description::{About, Text, describe};

/// The routes of the services, as the gateway mounts them.
pub struct Upstreams {
    pub auth: OpenApiRouter,
    pub user: OpenApiRouter,
    pub chat: OpenApiRouter,
    pub presence: OpenApiRouter,
    /// `/ws` speaks STOMP, which OpenAPI has no words for.
    pub websocket: Router,
}

/// Everything that the gateway's port answers, but for the operations that each port has.
pub fn routes(upstreams: Upstreams, limits: Vec<Limit>) -> Router {
    let own = OpenApiRouter::new().routes(routes!(list_limits)).with_state(Limits { limits });
    let (router, api) = OpenApiRouter::new()
        .merge(upstreams.auth)
        .merge(upstreams.user)
        .merge(upstreams.chat)
        .merge(upstreams.presence)
        .merge(own)
        .split_for_parts();
    let (rest, stomp) = (describe(api, description::PUBLIC), asyncapi::describe());
    router
        .merge(upstreams.websocket)
        .merge(docs::routes())
        .route("/", get(hint))
        .route("/openapi.json", get(move || async move { rest }))
        .route("/asyncapi.json", get(move || async move { stomp }))
}

/// The bounds in force.
#[utoipa::path(get, path = "/api/limits", tag = "gateway", responses((status = 200, body = Limits)))]
async fn list_limits(axum::extract::State(limits): axum::extract::State<Limits>) -> Json<Limits> {
    Json(limits)
}

/// What to do here.
async fn hint() -> impl IntoResponse {
    let text = "\
This is chatd: one-to-one chat over REST and STOMP.

  /docs              the REST API, to read and to try
  /openapi.json      the same for machines
  /asyncapi.json     STOMP destinations and the topics of the log
  /ws                STOMP 1.0-1.2 over SockJS
  /ws/websocket      STOMP 1.0-1.2 over WebSocket
  /api/limits        what you may send, and how much of it
  /actuator/health   whether everything is up
";
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}
