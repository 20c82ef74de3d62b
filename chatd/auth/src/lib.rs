//! Accounts: registering, signing in, tokens and sessions.
//!
//! Stands on `store` (accounts, profiles) and `edge`; `chatd` opens it, the gateway and port 8081 serve its
//! routes, the administrators' API calls the functions of [`Auth`].
//!
//! - register, login, refresh, logout, sessions, jwks: one file for each call
//! - [`keys`](self): Ed25519 keys in `<data>/keys`; every one verifies, the newest signs
//! - passwords: BCrypt on threads of its own behind a bounded queue
//! - throttle: wrong passwords and registrations in a window of time, by account and by address
//!
//! Invariants: a secret is stored only as a hash; an unknown user and a wrong password get the same answer
//! for the same work; of a refresh token there is one use, the second ends the session; a session that ended
//! is refused here at once and its sockets are told; no hash is computed on an async thread.

mod admin;
mod cookie;
mod error;
mod jwks;
mod keys;
mod login;
mod logout;
mod metrics;
mod passwords;
mod refresh;
mod register;
mod routes;
mod session;
mod sessions;
mod throttle;
mod tokens;

pub use error::OpenError;

use edge::{Metrics, Revocations, Verifier};
use keys::Keys;
use metrics::AuthMetrics;
use passwords::Hasher;
use schema::Timestamp;
use schema::limits;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Accounts, Profiles};
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
    /// Whether browsers send the cookie over TLS only.
    pub secure_cookies: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bcrypt_cost: limits::BCRYPT_COST,
            hash_queue: limits::HASH_QUEUE,
            registrations_per_minute: limits::REGISTRATIONS_PER_MINUTE,
            login_failures_per_account: limits::LOGIN_FAILURES_PER_ACCOUNT,
            login_failures_per_address: limits::LOGIN_FAILURES_PER_ADDRESS,
            secure_cookies: false,
        }
    }
}

/// The auth service.
#[derive(Clone)]
pub struct Auth(Arc<Parts>);

struct Parts {
    accounts: Arc<dyn Accounts>,
    profiles: Arc<dyn Profiles>,
    keys: Keys,
    hasher: Hasher,
    verifier: Arc<Verifier>,
    revocations: Arc<Revocations>,
    registrations: Window,
    failures_by_account: Window,
    failures_by_address: Window,
    secure_cookies: bool,
    metrics: AuthMetrics,
}

impl Auth {
    /// Opens the service: reads or draws the signing key and learns which sessions have ended.
    ///
    /// # Errors
    /// When the keys cannot be used, the cost is out of bounds, or the store does not answer.
    pub async fn open(
        accounts: Arc<dyn Accounts>,
        profiles: Arc<dyn Profiles>,
        keys_dir: &Path,
        config: Config,
        revocations: Arc<Revocations>,
        metrics: &Metrics,
    ) -> Result<Self, OpenError> {
        let keys = Keys::open(keys_dir)?;
        let hasher = Hasher::start(config.bcrypt_cost, config.hash_queue)?;
        let oldest = Timestamp::now().plus_seconds(-limits::MINTED_TOKEN_S_MAX);
        for session in accounts.ended_since(oldest).await? {
            revocations.end(session);
        }
        let verifier = Verifier::new(NAME, NAME, keys.verifying(), revocations.clone());
        Ok(Self(Arc::new(Parts {
            accounts,
            profiles,
            keys,
            hasher,
            verifier: Arc::new(verifier),
            revocations,
            registrations: Window::new(config.registrations_per_minute, Duration::from_secs(60)),
            failures_by_account: Window::new(config.login_failures_per_account, limits::LOGIN_WINDOW),
            failures_by_address: Window::new(config.login_failures_per_address, limits::LOGIN_WINDOW),
            secure_cookies: config.secure_cookies,
            metrics: AuthMetrics::new(metrics),
        })))
    }

    /// Checks this service's tokens.
    pub fn verifier(&self) -> Arc<Verifier> {
        self.0.verifier.clone()
    }
}
