//! What every listener of the server has in common: the door through which a request comes in and a
//! problem goes out.
//!
//! Stands on `schema` and `store`; every service and the gateway stand on it. It knows no service.
//!
//! - [`Door`], [`guarded`], [`shell`]: the layers of a listener: trace id, panics, limits, identity, 404 and 405
//! - [`Peer`], [`Secure`], [`origin`]: where a request comes from, and whose page makes it
//! - [`Problem`]: the one error answer (RFC 9457); [`Json`], [`Query`]: bodies and parameters in
//! - [`Caller`], [`Verifier`], [`Revocations`]: who calls, and which sessions have ended
//! - [`Identify`]: who opens a socket without a token; [`Changes`]: word that a person changed;
//!   [`Remove`]: how an account ends
//! - [`Signer`], [`secret`]: sealed cursors, and keys on disk that nobody else may read
//! - [`Limiter`], [`Lookup`], [`Sockets`]: calls and look-ups a minute, sockets at once; [`Rates`]: the buckets
//!   that all processes share
//! - [`Metrics`], [`Health`], [`operations`]: what an operator sees
//! - [`bind`], [`Serve`], [`Tls`], [`redirect`]: listeners, plain and encrypted
//!
//! Invariants: identity comes from a verified token, never from a body or another header; bad input never
//! answers 5xx; an answer never shows an internal cause, the log does, under the same trace id.

mod answer;
pub mod caller;
pub mod changes;
mod cors;
pub mod door;
mod doorstep;
pub mod extract;
pub mod files;
pub mod health;
mod http1;
pub mod identify;
pub mod limiter;
pub mod metrics;
mod nesting;
pub mod operations;
pub mod origin;
pub mod peer;
pub mod problem;
mod process;
pub mod rates;
mod redirect;
pub mod relay;
pub mod remove;
pub mod revocations;
pub mod secret;
pub mod serve;
pub mod signer;
pub mod sockets;
pub mod tls;
pub mod trace;

pub use caller::{Caller, Claims, Verifier};
pub use changes::Changes;
pub use door::{Door, door, guarded, shell};
pub use extract::{BodyLimit, Json, Query, parse};
pub use health::Health;
pub use identify::Identify;
pub use limiter::{Allowance, Limiter, Lookup};
pub use metrics::Metrics;
pub use operations::operations;
pub use origin::Origins;
pub use peer::{Peer, Proxies, Secure};
pub use problem::Problem;
pub use rates::Rates;
pub use redirect::redirect;
pub use relay::{Relayed, Relays};
pub use remove::Remove;
pub use revocations::Revocations;
pub use serve::{Serve, bind, serve};
pub use signer::Signer;
pub use sockets::{SocketPermit, SocketPermits, Sockets};
pub use tls::Tls;
pub use trace::TraceId;
