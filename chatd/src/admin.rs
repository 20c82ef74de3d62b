//! The administrators' API: its own listener on loopback, its own token, its own description.
//!
//! One file a group of verbs. Every act is written to the audit log with its outcome, never with a secret.

mod access;
mod audit;
mod health;
mod limits;
mod tokens;
mod users;

use access::Token;
use audit::Audit;
use auth::Auth;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use edge::{Health, Signer};
use schema::api::Limits;
use std::io;
use std::path::Path;
use std::sync::Arc;
use user::Users;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the administrators' verbs act on.
#[derive(Clone)]
pub(crate) struct Admin(Arc<Inner>);

struct Inner {
    auth: Auth,
    users: Users,
    signer: Arc<Signer>,
    seen: Seen,
    token: Arc<Token>,
    audit: Audit,
}

/// What every process can tell of itself.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) health: Arc<Health>,
    /// The bounds in force, as `GET /api/limits` tells them.
    pub(crate) limits: Limits,
}

/// The parts that the administrators' verbs act on.
pub(crate) struct Parts {
    pub(crate) auth: Auth,
    pub(crate) users: Users,
    pub(crate) signer: Arc<Signer>,
    pub(crate) seen: Seen,
}

const ABOUT: gateway::About = gateway::About {
    title: "chatd admin",
    description: "Administers a chatd. Listens on loopback; the bearer token lies in `admin.token` in the data folder.",
};

impl Admin {
    /// Finds the token in the data folder, or draws it at the first start, and opens the audit log.
    pub(crate) fn open(data: &Path, parts: Parts) -> io::Result<Self> {
        let Parts { auth, users, signer, seen } = parts;
        let (token, audit) = (Arc::new(Token::in_folder(data)?), Audit::in_folder(data)?);
        Ok(Self(Arc::new(Inner { auth, users, signer, seen, token, audit })))
    }

    /// Everything that the admin port answers.
    pub(crate) fn router(&self) -> Router {
        let routes = OpenApiRouter::new()
            .routes(routes!(users::create, users::list))
            .routes(routes!(users::import))
            .routes(routes!(users::show, users::delete))
            .routes(routes!(users::disable))
            .routes(routes!(users::enable))
            .routes(routes!(tokens::mint))
            .with_state(self.clone());
        guarded(routes.merge(seen(self.0.seen.clone())), Arc::clone(&self.0.token))
    }
}

/// What the admin port of a process without stores answers: how it is.
pub(crate) fn without_stores(data: &Path, about: Seen) -> io::Result<Router> {
    Ok(guarded(seen(about), Arc::new(Token::in_folder(data)?)))
}

fn seen(about: Seen) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(health::health)).routes(routes!(limits::limits)).with_state(about)
}

fn guarded(routes: OpenApiRouter, token: Arc<Token>) -> Router {
    let (router, api) = routes.split_for_parts();
    let text = gateway::describe(api, ABOUT);
    let router = router.route("/openapi.json", get(move || async move { text }));
    edge::guarded(router, |router| router.layer(from_fn_with_state(token, access::check)))
}
