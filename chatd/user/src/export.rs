//! `GET /api/users/me/export`: everything that is stored about the caller, as one JSON document that is written
//! while it is read, a page at a time.
//!
//! The document is in no memory as a whole: a task reads the stores and waits for the caller to take what it has
//! written. If a store fails in between, or the caller stops reading, the answer breaks off: the connection ends
//! without the end of the body, and the document without its last brace, so nobody takes it for whole.

mod document;

use crate::Users;
use crate::view::{Viewer, view};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use document::{Document, Part};
use edge::{Caller, Problem};
use futures_util::stream;
use parking_lot::Mutex;
use schema::api::Export;
use schema::limits::{EXPORT_STALL, EXPORTS};
use schema::{Code, Timestamp, UserId};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::Instrument;

/// The caller's profile, privacy, contacts, blocks, sessions, and conversations with every message as the caller
/// sees it. One export a person at a time.
#[utoipa::path(
    get,
    path = "/api/users/me/export",
    tag = "users",
    responses(
        (
            status = 200, description = "The document, streamed; whole only with its last brace", body = Export,
            headers(("content-disposition" = String, description = "A file name with the day"), ("cache-control" = String, description = "no-store"))
        ),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 429, description = "An export of the caller's runs already", body = schema::api::Problem),
        (status = 503, description = "Too many exports run", body = schema::api::Problem),
    )
)]
pub(crate) async fn export(State(users): State<Users>, caller: Caller) -> Result<Response, Problem> {
    let profile = view(users.own(caller.user).await?, Viewer::OWNER);
    let place = users.0.exports.enter(caller.user)?;
    let (parts, written) = mpsc::channel(1);
    let now = Timestamp::now();
    let document = Document::new(users, caller, parts);
    let work = async move {
        let _place = place;
        if let Err(stopped) = document.write(profile, now).await {
            tracing::warn!(cause = %stopped, "an export broke off");
        }
    };
    tokio::spawn(work.in_current_span());
    let day = now.to_string().split('T').next().unwrap_or_default().to_owned();
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"chatd-export-{day}.json\"")),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body(written)).into_response())
}

/// Ends well only behind the document's end: a writer that stopped before breaks the answer off.
fn body(written: mpsc::Receiver<Part>) -> Body {
    Body::from_stream(stream::unfold(Some(written), |written| async move {
        let mut written = written?;
        match written.recv().await {
            Some(Part::Bytes(bytes)) => Some((Ok::<Bytes, io::Error>(bytes), Some(written))),
            Some(Part::End) => None,
            None => Some((Err(io::Error::other("the export broke off")), None)),
        }
    }))
}

/// Whose exports run in this process.
#[derive(Clone, Default)]
pub(crate) struct Exports(Arc<Mutex<HashSet<UserId>>>);

/// A running export; it ends when this is dropped.
pub(crate) struct Place {
    exports: Exports,
    user: UserId,
}

impl Exports {
    fn enter(&self, user: UserId) -> Result<Place, Problem> {
        let wait = u32::try_from(EXPORT_STALL.as_secs()).unwrap_or(u32::MAX);
        let mut running = self.0.lock();
        if running.contains(&user) {
            let detail = "an export of yours is running: read it to its end or come back later";
            return Err(Problem::new(Code::RateLimited, detail).retry_after(wait));
        }
        if running.len() >= EXPORTS {
            let detail = format!("{EXPORTS} exports are running: come back later");
            return Err(Problem::new(Code::NotAccepted, detail).retry_after(wait));
        }
        running.insert(user);
        Ok(Place { exports: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.exports.0.lock().remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_export_a_person_and_a_few_in_all() {
        let exports = Exports::default();
        let user = UserId::draw();
        let mut places = vec![exports.enter(user).unwrap_or_else(|_| panic!("the first"))];
        assert_eq!(exports.enter(user).err().map(|problem| problem.code()), Some(Code::RateLimited));
        while places.len() < EXPORTS {
            places.push(exports.enter(UserId::draw()).unwrap_or_else(|_| panic!("{}", places.len())));
        }
        let refused = exports.enter(UserId::draw()).err().map(|problem| problem.code());
        assert_eq!(refused, Some(Code::NotAccepted));
        places.remove(0);
        assert!(exports.enter(user).is_ok(), "a place that is left is free");
    }
}
