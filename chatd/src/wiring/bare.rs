//! A process without stores, and without sockets: it passes on, or answers health.

use super::places::{Routes, relays};
use super::{Opened, Start};
use crate::admin::{self, Seen};
use crate::exit::Failure;
use axum::Router;
use edge::{Revocations, Verifier};
use schema::api::Limits;
use std::sync::Arc;

pub(super) fn open(start: &Start<'_>) -> Result<Opened, Failure> {
    let routes = Routes::default();
    let gateway = routes.gateway(start)?;
    // It knows no key, so nobody: whoever it passes something on to does.
    let verifier = Arc::new(Verifier::new("", "", Vec::new(), Arc::new(Revocations::new())));
    let mut door = start.config.door(start.roles, verifier, None)?;
    door.relays = relays(gateway.as_ref());
    Ok(Opened { routes, gateway, door, admin: admin(start)?, websocket: None, open: None })
}

/// What the admin port of a process without stores answers.
pub(super) fn admin(start: &Start<'_>) -> Result<Router, Failure> {
    let limits = Limits { limits: start.config.public_limits() };
    admin::without_stores(start.data, Seen { health: Arc::clone(&start.health), limits })
        .map_err(|e| Failure::io(format!("admin files in {}", start.data.display()), &e))
}
