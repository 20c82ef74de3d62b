//! Who calls: the claims of an access token, checked.

use crate::{Problem, Revocations};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use parking_lot::RwLock;
use schema::{Code, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The header `typ` of an access token (RFC 9068): no other token of ours passes for one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// Bytes of a token at most; ours have about 500.
const TOKEN_BYTES: usize = 4096;

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    pub role: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    /// This very token.
    pub jti: String,
}

/// The user behind a request, known from its token and from nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
    pub role: String,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Checks access tokens: fixed algorithm, type, issuer, audience, times, key id, live session.
pub struct Verifier {
    keys: RwLock<Vec<(String, DecodingKey)>>,
    validation: Validation,
    revocations: Arc<Revocations>,
}

impl Verifier {
    /// A verifier of this issuer's tokens for this audience, by key id.
    pub fn new(
        issuer: &str,
        audience: &str,
        keys: Vec<(String, DecodingKey)>,
        revocations: Arc<Revocations>,
    ) -> Self {
        // The algorithm is ours, never the token's.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        Self { keys: RwLock::new(keys), validation, revocations }
    }

    /// Takes these keys from now on.
    pub fn set_keys(&self, keys: Vec<(String, DecodingKey)>) {
        *self.keys.write() = keys;
    }

    /// Which sessions have ended.
    pub fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// The caller that a token names.
    ///
    /// # Errors
    /// `unauthorized`, with one text for every reason; the reason is in the problem's cause.
    pub fn verify(&self, token: &str) -> Result<Caller, Problem> {
        let claims = self.claims(token).map_err(|cause| unauthorized().caused_by(cause))?;
        if self.revocations.is_ended(claims.sid) {
            return Err(unauthorized().caused_by("the session has ended"));
        }
        Ok(Caller {
            user: claims.sub,
            session: claims.sid,
            role: claims.role,
            expires_at: Timestamp(claims.exp.saturating_mul(1000)),
        })
    }

    fn claims(&self, token: &str) -> Result<Claims, String> {
        if token.len() > TOKEN_BYTES {
            return Err("the token is too long".to_owned());
        }
        let header = decode_header(token).map_err(|error| error.to_string())?;
        if header.typ.as_deref() != Some(ACCESS_TOKEN_TYPE) {
            return Err("the token is of another type".to_owned());
        }
        let kid = header.kid.ok_or("the token names no key")?;
        let keys = self.keys.read();
        let (_, key) = keys.iter().find(|(id, _)| *id == kid).ok_or("the token names an unknown key")?;
        decode(token, key, &self.validation).map(|data| data.claims).map_err(|error| error.to_string())
    }
}

/// The answer to every call that needs a token and has no good one.
pub fn unauthorized() -> Problem {
    Problem::new(Code::Unauthorized, "a valid access token is needed: send `authorization: Bearer <token>`")
}

/// The token in `Authorization: Bearer`, if there is one. Of two such headers none counts: another server might
/// read the other.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The door has verified the token already; without a door, the [`Verifier`] in the extensions does.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(caller) = parts.extensions.get::<Caller>() {
            return Ok(caller.clone());
        }
        let Some(verifier) = parts.extensions.get::<Arc<Verifier>>() else {
            return Err(unauthorized().caused_by("no verifier stands before this route"));
        };
        let token = bearer(&parts.headers).ok_or_else(|| unauthorized().caused_by("no token"))?;
        let caller = verifier.verify(token)?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}
