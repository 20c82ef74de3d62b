//! Blocks: records of the conversation like any other, so no send can race with one.
//!
//! The one who is blocked can't tell: their sends are accepted and keep their sequences, and stay SENT. The
//! view made by the sequencer is the only place where blocks are kept.

use crate::conversations::ListQuery;
use crate::{Chat, Error};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use edge::{Caller, Json, Problem, Query};
use schema::UserId;
use schema::api::{Block, Blocks, Problem as ProblemBody};
use schema::event::{Body, Peer};
use schema::limits::BLOCKS_MAX;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a list cursor's signature covers besides its bytes.
const PURPOSE: &str = "blocks";

impl Chat {
    /// The calls about blocks, which belong to the user service's paths.
    pub fn block_routes(&self) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(list)).routes(routes!(block, unblock)).with_state(self.clone())
    }

    /// Blocks somebody, or ends it; returns when that is in the log and applied. Saying it again is done
    /// without a record.
    async fn set_block(&self, user: UserId, peer: UserId, blocked: bool) -> Result<(), Error> {
        let messages = &self.0.shared.messages;
        if messages.blocked(&[(user, peer)]).await?.first() == Some(&blocked) {
            return Ok(());
        }
        if blocked && messages.blocks(user, None, BLOCKS_MAX).await?.len() >= BLOCKS_MAX {
            let bound = format!("{BLOCKS_MAX} at once; end one first");
            return Err(Error::field("id", "would be one block too many", bound));
        }
        let peer_id = Peer { peer_id: peer };
        let body = if blocked { Body::Blocked(peer_id) } else { Body::Unblocked(peer_id) };
        self.append_and_wait(user, peer, body).await?;
        // Who watches either of them is shown something else from now on.
        self.0.changes.person(user, None);
        self.0.changes.person(peer, None);
        Ok(())
    }
}

/// Whom the caller has blocked.
#[utoipa::path(
    get, path = "/api/users/me/blocks", operation_id = "list_blocks", tag = "users", params(ListQuery),
    responses((status = 200, body = Blocks), (status = "4XX", body = ProblemBody))
)]
async fn list(
    State(chat): State<Chat>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Blocks>, Problem> {
    let limit = chat.limit(query.limit)?;
    let after = match query.cursor {
        None => None,
        Some(cursor) => {
            let bytes = chat.0.signer.open(caller.user, PURPOSE, &cursor);
            let id = bytes.and_then(|bytes| bytes.try_into().ok()).map(UserId::from_bytes);
            Some(id.ok_or_else(|| {
                Error::field("cursor", "is not one of this list", "nextCursor of an earlier page")
            })?)
        }
    };
    let mut blocks =
        chat.0.shared.messages.blocks(caller.user, after, limit + 1).await.map_err(Error::from)?;
    let has_more = blocks.len() > limit;
    blocks.truncate(limit);
    let last = blocks.last().filter(|_| has_more);
    let next_cursor = last.map(|last| chat.0.signer.seal(caller.user, PURPOSE, last.peer.as_bytes()));
    let blocks = blocks.into_iter().map(|one| Block { user_id: one.peer, created_at: one.since }).collect();
    Ok(Json(Blocks { blocks, next_cursor }))
}

/// Blocks somebody: nothing of what they send from now on is shown to the caller, and they can't tell.
#[utoipa::path(
    put, path = "/api/users/me/blocks/{id}", tag = "users",
    params(("id" = String, Path, description = "User id or username")),
    responses((status = 204), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody))
)]
async fn block(
    State(chat): State<Chat>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let peer = chat.resolve(&id).await?;
    if peer == caller.user {
        return Err(Error::field("id", "is your own", "somebody else").into());
    }
    chat.set_block(caller.user, peer, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a block, if there is one. What was sent meanwhile stays hidden.
#[utoipa::path(
    delete, path = "/api/users/me/blocks/{id}", tag = "users",
    params(("id" = String, Path, description = "User id or username")),
    responses((status = 204), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody))
)]
async fn unblock(
    State(chat): State<Chat>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let peer = chat.resolve(&id).await?;
    chat.set_block(caller.user, peer, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
