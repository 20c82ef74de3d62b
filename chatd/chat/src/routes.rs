//! HTTP in and out: extract, call one verb, answer.

use crate::conversations::ListQuery;
use crate::history::HistoryQuery;
use crate::sync::SyncQuery;
use crate::{Chat, Error, MarkKind, Origin};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use edge::{Caller, Json, Problem, Query};
use schema::api::{Conversations, History, Problem as ProblemBody, Sync, UpTo};
use schema::{Draft, Message, MessageId};
use tokio::sync::oneshot;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The header that may carry the client message id of a POST.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl Chat {
    /// The service's routes.
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(send))
            .routes(routes!(message))
            .routes(routes!(conversations))
            .routes(routes!(history))
            .routes(routes!(delivered))
            .routes(routes!(seen))
            .routes(routes!(sync))
            .with_state(self.clone())
    }
}

/// Sends a message.
#[utoipa::path(
    post, path = "/api/chat/messages", tag = "chat", request_body = Draft,
    params(("Idempotency-Key" = Option<String>, Header, description = "The client message id")),
    responses(
        (status = 201, body = Message, description = "In the log and visible"),
        (status = 200, body = Message, description = "A repeat: the message as it is stored"),
        (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn send(
    State(chat): State<Chat>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut draft): Json<Draft>,
) -> Result<(StatusCode, Json<Message>), Problem> {
    draft.client_message_id = client_message_id(&headers, draft.client_message_id)?;
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (tell, told) = oneshot::channel();
    let origin = Origin { user: caller.user, connection: None, traceparent };
    chat.send(
        origin,
        draft,
        Box::new(move |outcome| {
            let _ = tell.send(outcome);
        }),
    )
    .await;
    let sent = told.await.unwrap_or(Err(Error::OutcomeUnknown))?;
    let status = if sent.repeat { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(sent.message.to_message(sent.status))))
}

/// The client message id of body and header, which must not differ.
fn client_message_id(headers: &HeaderMap, body: Option<String>) -> Result<Option<String>, Problem> {
    let Some(header) = headers.get(IDEMPOTENCY_KEY) else { return Ok(body) };
    let header = header.to_str().map_err(|_| {
        Problem::field("Idempotency-Key", "is no visible ASCII", "1-64 visible ASCII characters")
    })?;
    match body {
        Some(body) if body != header => Err(Problem::field(
            "clientMessageId",
            "differs from the Idempotency-Key header",
            "the same or only one",
        )),
        _ => Ok(Some(header.to_owned())),
    }
}

/// One message, for its two people.
#[utoipa::path(
    get, path = "/api/chat/messages/{messageId}", tag = "chat",
    params(("messageId" = String, Path,)),
    responses((status = 200, body = Message), (status = "4XX", body = ProblemBody))
)]
async fn message(
    State(chat): State<Chat>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Message>, Problem> {
    // What is no id is the id of no message.
    let id: MessageId = id.parse().map_err(|_| Error::not_found("message"))?;
    Ok(Json(chat.message(caller.user, id).await?))
}

/// The caller's conversations, newest first.
#[utoipa::path(
    get, path = "/api/chat/conversations", tag = "chat", params(ListQuery),
    responses((status = 200, body = Conversations), (status = "4XX", body = ProblemBody))
)]
async fn conversations(
    State(chat): State<Chat>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Conversations>, Problem> {
    Ok(Json(chat.conversations(caller.user, query).await?))
}

/// A page of the conversation with somebody, ascending.
#[utoipa::path(
    get, path = "/api/chat/conversations/{peer}/messages", tag = "chat",
    params(("peer" = String, Path, description = "User id or username"), HistoryQuery),
    responses((status = 200, body = History), (status = "4XX", body = ProblemBody))
)]
async fn history(
    State(chat): State<Chat>,
    caller: Caller,
    Path(peer): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    Ok(Json(chat.history(caller.user, &peer, query).await?))
}

/// Says that a device of the caller has the conversation up to a sequence.
#[utoipa::path(
    put, path = "/api/chat/conversations/{peer}/delivered", tag = "chat", request_body = UpTo,
    params(("peer" = String, Path, description = "User id or username")),
    responses((status = 204), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody))
)]
async fn delivered(
    state: State<Chat>,
    caller: Caller,
    peer: Path<String>,
    body: Json<UpTo>,
) -> Result<StatusCode, Problem> {
    mark(state, caller, peer, body, MarkKind::Delivered).await
}

/// Says that the caller has seen the conversation up to a sequence.
#[utoipa::path(
    put, path = "/api/chat/conversations/{peer}/seen", tag = "chat", request_body = UpTo,
    params(("peer" = String, Path, description = "User id or username")),
    responses((status = 204), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody))
)]
async fn seen(
    state: State<Chat>,
    caller: Caller,
    peer: Path<String>,
    body: Json<UpTo>,
) -> Result<StatusCode, Problem> {
    mark(state, caller, peer, body, MarkKind::Seen).await
}

async fn mark(
    State(chat): State<Chat>,
    caller: Caller,
    Path(peer): Path<String>,
    Json(body): Json<UpTo>,
    kind: MarkKind,
) -> Result<StatusCode, Problem> {
    let peer = chat.resolve(&peer).await?;
    chat.mark(caller.user, peer, kind, body.up_to, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that happened to the caller behind a cursor, oldest first.
#[utoipa::path(
    get, path = "/api/chat/sync", tag = "chat", params(SyncQuery),
    responses((status = 200, body = Sync), (status = "4XX", body = ProblemBody))
)]
async fn sync(
    State(chat): State<Chat>,
    caller: Caller,
    Query(query): Query<SyncQuery>,
) -> Result<Json<Sync>, Problem> {
    Ok(Json(chat.sync(&caller, query).await?))
}
