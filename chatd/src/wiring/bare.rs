//! A process without stores.

use super::places::Routes;
use super::{Opened, Start};
use crate::admin::{self, Seen};
use crate::exit::Failure;
use edge::{Revocations, Verifier};
use schema::api::Limits;
use std::sync::Arc;

/// Opens one that answers health, and passes on what it is not.
pub(super) fn open(start: &Start<'_>) -> Result<Opened, Failure> {
    let config = start.config;
    let seen = Seen { health: Arc::clone(&start.health), limits: Limits { limits: config.public_limits() } };
    let admin = admin::without_stores(start.data, seen)
        .map_err(|e| Failure::io(format!("admin files in {}", start.data.display()), &e))?;
    // It knows no key, so nobody: whoever it passes something on to does.
    let verifier = Arc::new(Verifier::new("", "", Vec::new(), Arc::new(Revocations::new())));
    let door = config.door(verifier)?;
    Ok(Opened { routes: Routes::default(), door, admin, websocket: None, stores: None })
}
