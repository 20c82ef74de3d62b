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
    health: Arc<Health>,
    signer: Arc<Signer>,
    limits: Limits,
    token: Token,
    audit: Audit,
}

/// The parts that the administrators' verbs act on.
pub(crate) struct Parts {
    pub(crate) auth: Auth,
    pub(crate) users: Users,
    pub(crate) health: Arc<Health>,
    pub(crate) signer: Arc<Signer>,
    /// The bounds in force, as `GET /api/limits` tells them.
    pub(crate) limits: Limits,
}

const ABOUT: gateway::About = gateway::About {
    title: "chatd admin",
    description: "Administers a chatd. Listens on loopback; the bearer token lies in `admin.token` in the data folder.",
};

impl Admin {
    /// Finds the token in the data folder, or draws it at the first start, and opens the audit log.
    pub(crate) fn open(data: &Path, parts: Parts) -> io::Result<Self> {
        let Parts { auth, users, health, signer, limits } = parts;
        let (token, audit) = (Token::in_folder(data)?, Audit::in_folder(data)?);
        Ok(Self(Arc::new(Inner { auth, users, health, signer, limits, token, audit })))
    }

    /// Everything that the admin port answers.
    pub(crate) fn router(&self) -> Router {
        let (router, api) = OpenApiRouter::new()
            .routes(routes!(users::create, users::list))
            .routes(routes!(users::import))
            .routes(routes!(users::show, users::delete))
            .routes(routes!(users::disable))
            .routes(routes!(users::enable))
            .routes(routes!(tokens::mint))
            .routes(routes!(health::health))
            .routes(routes!(limits::limits))
            .with_state(self.clone())
            .split_for_parts();
        let text = gateway::describe(api, ABOUT);
        let router = router.route("/openapi.json", get(move || async move { text }));
        edge::guarded(router, |router| router.layer(from_fn_with_state(self.clone(), access::check)))
    }
}
