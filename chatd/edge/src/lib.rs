//! What every listener of the server has in common: the door through which a request comes in and a
//! problem goes out.
//!
//! Stands on `schema` and `store`; every service and the gateway stand on it. It knows no service.
//!
//! - [`door`], [`shell`]: the layers of a listener: trace id, panics, limits, identity, 404 and 405
//! - [`Problem`]: the one error answer (RFC 9457); [`Json`], [`Query`]: bodies and parameters in
//! - [`Caller`], [`Verifier`], [`Revocations`]: who calls, and which sessions have ended
//! - [`Identify`]: who opens a socket without a token; [`origin`]: whose page asks; [`Changes`]: word that a person changed
//! - [`Signer`], [`secret`]: sealed cursors, and keys on disk that nobody else may read
//! - [`Limiter`]: calls a minute; [`Metrics`], [`Health`], [`operations`]: what an operator sees
//! - [`bind`], [`serve`]: sockets
//!
//! Invariants: identity comes from a verified token, never from a body or another header; bad input never
//! answers 5xx; an answer never shows an internal cause, the log does, under the same trace id.

pub mod caller;
pub mod changes;
pub mod door;
pub mod extract;
pub mod health;
pub mod identify;
pub mod limiter;
pub mod metrics;
pub mod operations;
pub mod origin;
pub mod problem;
pub mod revocations;
pub mod secret;
pub mod serve;
pub mod signer;
pub mod trace;

pub use caller::{Caller, Claims, Verifier};
pub use changes::Changes;
pub use door::{door, shell};
pub use extract::{BodyLimit, Json, Query};
pub use health::Health;
pub use identify::Identify;
pub use limiter::{Limiter, Peer};
pub use metrics::Metrics;
pub use operations::operations;
pub use problem::Problem;
pub use revocations::Revocations;
pub use serve::{bind, serve};
pub use signer::Signer;
pub use trace::TraceId;
