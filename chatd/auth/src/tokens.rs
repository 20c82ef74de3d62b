//! Access tokens and other secrets.

use crate::{Auth, NAME};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::caller::ACCESS_TOKEN_TYPE;
use edge::{Claims, Problem};
use jsonwebtoken::{Algorithm, Header, encode};
use schema::{Code, SessionId, Timestamp, UserId};
use sha2::{Digest, Sha256};
use store::accounts::{Role, SecretHash};

/// A secret for a client, of 256 random bits; we keep only its hash.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn draw() -> Result<Self, Problem> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| fault("no randomness"))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub(crate) fn hash(&self) -> SecretHash {
        secret_hash(&self.0)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// What is stored of a secret.
pub(crate) fn secret_hash(text: &str) -> SecretHash {
    Sha256::digest(text.as_bytes()).into()
}

impl Auth {
    /// Signs an access token that lives this long.
    pub(crate) fn access_token(
        &self,
        user: UserId,
        session: SessionId,
        role: Role,
        now: Timestamp,
        lifetime_s: i64,
    ) -> Result<String, Problem> {
        let (key, kid) = self.0.keys.signing();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(kid.to_owned());
        let now_s = now.0.div_euclid(1000);
        let claims = Claims {
            iss: NAME.to_owned(),
            aud: NAME.to_owned(),
            sub: user,
            sid: session,
            role: role.as_str().to_owned(),
            iat: now_s,
            nbf: now_s,
            exp: now_s.saturating_add(lifetime_s),
            jti: uuid::Uuid::new_v4().to_string(),
        };
        encode(&header, &claims, key).map_err(|error| fault(error.to_string()))
    }
}

/// A fault of ours.
pub(crate) fn fault(cause: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Internal, "the server failed on this call").caused_by(cause)
}
