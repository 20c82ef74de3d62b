//! What a client posts: xhr_send.

use super::owner::Visitor;
use super::{no_session, session_headers};
use crate::Hub;
use crate::socket::Broken;
use crate::upgrade::Entry;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use edge::{Problem, extract};
use schema::{Code, limits};
use tokio::time::timeout;

/// Hands an array of messages to its session. It is taken when this answers 204, not yet done.
pub(super) async fn send(hub: &Hub, name: &str, request: Request) -> Response {
    match post(hub, name, request).await {
        Ok(()) => (StatusCode::NO_CONTENT, session_headers("text/plain; charset=UTF-8")).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn post(hub: &Hub, name: &str, request: Request) -> Result<(), Problem> {
    let entry = Entry::of(request.headers(), request.uri(), &hub.config.allowed_origins);
    // Looked for before the body is read: nobody posts for long to what is not there.
    let line = hub.lines.find(name, Visitor::new(&request, &entry), &hub.verifier)?;
    let max = hub.config.frame_bytes * limits::SOCKJS_ARRAY_FRAMES;
    let body = extract::read(request, max).await?;
    let text = line.read(&body, max).map_err(|error| Problem::new(Code::Malformed, error.to_string()))?;
    match timeout(limits::SEND_TIME, line.post(text)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Broken)) => Err(no_session()),
        Err(_) => {
            // What comes next would come without this: there is no going on.
            line.interrupt();
            Err(Problem::new(Code::Unavailable, "the session does not take what is posted"))
        }
    }
}
