//! Accounts: registering, signing in, tokens and sessions.
//!
//! Stands on `store` (accounts, profiles) and `edge`; `chatd` opens it, the gateway and port 8081 serve its
//! routes, the administrators' API calls the functions of [`Auth`].
//!
//! - register, login, refresh, logout, sessions, password, ticket, jwks: one file for each call
//! - identify: who opens a socket by ticket or cookie (`edge::Identify`)
//! - ends: how sessions end, by whom and by themselves
//! - [`keys`](self): Ed25519 keys in `<data>/keys`; every one verifies, the newest signs
//! - hasher: BCrypt on threads of its own behind a bounded queue; passwords, guessable: the rules of new ones
//! - throttle, guess: wrong passwords and registrations in a window of time, by account and by address
//!
//! Invariants: a secret is stored only as a hash; an unknown user and a wrong password get the same answer
//! for the same work; of a refresh token there is one use, the second ends the session; a session that ended
//! is refused here at once and its sockets are told, even if who asked for it is gone by then; the cookie counts
//! on sockets and on refresh only, and from no foreign page; no hash is computed on an async thread.

mod admin;
mod cookie;
mod ends;
mod error;
mod guess;
mod guessable;
mod hasher;
mod identify;
mod jwks;
mod keys;
mod login;
mod logout;
mod metrics;
mod password;
mod passwords;
mod refresh;
mod register;
mod remove;
mod routes;
mod session;
mod sessions;
mod throttle;
mod ticket;
mod tokens;

pub use error::OpenError;

use edge::{Changes, Metrics, Rates, Revocations, Verifier};
use hasher::Hasher;
use keys::Keys;
use metrics::AuthMetrics;
use schema::Timestamp;
use schema::limits;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Accounts, Profiles, RateLimits, Tickets};
use throttle::Window;

/// The `iss` and `aud` of access tokens.
const NAME: &str = "chatd";

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Config {
    /// BCrypt cost of new hashes, 4-15.
    pub bcrypt_cost: u32,
    /// Hashes that may wait; more answer 503.
    pub hash_queue: usize,
    /// Accounts an address may register a minute; 0 is no bound.
    pub registrations_per_minute: u32,
    /// Wrong passwords for an account in 15 minutes; 0 is no bound.
    pub login_failures_per_account: u32,
    /// Wrong passwords from an address in 15 minutes; 0 is no bound.
    pub login_failures_per_address: u32,
    /// Origins of pages whose cookie counts on refresh, besides the server's own; `*` names nobody.
    pub allowed_origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bcrypt_cost: limits::BCRYPT_COST,
            hash_queue: limits::HASH_QUEUE,
            registrations_per_minute: limits::REGISTRATIONS_PER_MINUTE,
            login_failures_per_account: limits::LOGIN_FAILURES_PER_ACCOUNT,
            login_failures_per_address: limits::LOGIN_FAILURES_PER_ADDRESS,
            allowed_origins: Vec::new(),
        }
    }
}

/// What the service stands on.
#[derive(Clone)]
pub struct Parts {
    pub accounts: Arc<dyn Accounts>,
    pub profiles: Arc<dyn Profiles>,
    pub tickets: Arc<dyn Tickets>,
    /// Told of every session that ends.
    pub revocations: Arc<Revocations>,
    /// Told of every person whose account changes.
    pub changes: Arc<Changes>,
    /// Where all processes together count wrong passwords and registrations; `None`: there is one process.
    pub rates: Option<Arc<dyn RateLimits>>,
}

/// The auth service.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    accounts: Arc<dyn Accounts>,
    profiles: Arc<dyn Profiles>,
    tickets: Arc<dyn Tickets>,
    keys: Keys,
    hasher: Hasher,
    verifier: Arc<Verifier>,
    revocations: Arc<Revocations>,
    changes: Arc<Changes>,
    registrations: Window,
    failures_by_account: Window,
    failures_by_address: Window,
    allowed_origins: Vec<String>,
    metrics: AuthMetrics,
}

/// Makes sure that there is a key to sign with in this directory.
///
/// # Errors
/// When it cannot be read or written, or others may read it.
pub fn draw_key(keys_dir: &Path) -> io::Result<()> {
    Keys::open(keys_dir).map(drop).map_err(io::Error::other)
}

/// Checks tokens that the keys of this directory signed, for a process that has no accounts.
///
/// # Errors
/// When the keys cannot be used.
pub fn verifier(keys_dir: &Path, revocations: Arc<Revocations>) -> Result<Arc<Verifier>, OpenError> {
    let keys = Keys::open(keys_dir)?;
    Ok(Arc::new(Verifier::new(NAME, NAME, keys.verifying(), revocations)))
}

impl Auth {
    /// Opens the service: reads or draws the signing key, learns which sessions have ended, and looks from
    /// then on for those that end by themselves. Call it within the runtime.
    ///
    /// # Errors
    /// When the keys cannot be used, the cost is out of bounds, or the store does not answer.
    pub async fn open(
        parts: Parts,
        keys_dir: &Path,
        config: Config,
        metrics: &Metrics,
    ) -> Result<Self, OpenError> {
        let Parts { accounts, profiles, tickets, revocations, changes, rates } = parts;
        let rates = rates.map(|rates| Arc::new(Rates::new(rates)));
        let keys = Keys::open(keys_dir)?;
        let metrics = AuthMetrics::new(metrics);
        let hasher = Hasher::start(config.bcrypt_cost, config.hash_queue, metrics.hashes())?;
        let oldest = Timestamp::now().plus_seconds(-limits::MINTED_TOKEN_S_MAX);
        for session in accounts.ended_since(oldest).await? {
            revocations.end(session);
        }
        let verifier = Arc::new(Verifier::new(NAME, NAME, keys.verifying(), revocations.clone()));
        let inner = Arc::new(Inner {
            accounts,
            profiles,
            tickets,
            keys,
            hasher,
            verifier,
            revocations,
            changes,
            registrations: Window::new(config.registrations_per_minute, Duration::from_secs(60))
                .shared("registrations", rates.as_ref()),
            failures_by_account: Window::new(config.login_failures_per_account, limits::LOGIN_WINDOW)
                .shared("failures-account", rates.as_ref()),
            failures_by_address: Window::new(config.login_failures_per_address, limits::LOGIN_WINDOW)
                .shared("failures-address", rates.as_ref()),
            allowed_origins: config.allowed_origins,
            metrics,
        });
        tokio::spawn(ends::sweep(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// Checks this service's tokens.
    pub fn verifier(&self) -> Arc<Verifier> {
        self.0.verifier.clone()
    }
}
