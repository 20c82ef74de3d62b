//! The admin token: 32 random bytes in a file that only chatd's user may read.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::{BodyLimit, Problem};
use schema::{Code, limits};
use std::io;
use std::path::Path;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The token's file in the data folder.
pub(super) const FILE: &str = "admin.token";

pub(super) struct Token(String);

impl Token {
    /// Reads the token, or draws it at the first start.
    pub(super) fn in_folder(data: &Path) -> io::Result<Self> {
        let draw = || {
            let bytes: [u8; 32] = rand::random();
            Ok(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes)).into_bytes())
        };
        let text = String::from_utf8(edge::secret::read_or_draw(&data.join(FILE), draw)?)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is no text")))?;
        let token = text.trim();
        if token.len() < 32 {
            let reason = format!("{FILE} has less than 32 characters: delete it, and chatd draws a new one");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Self(token.to_owned()))
    }

    /// Compares in a time that says nothing about where they differ.
    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// Lets nobody pass without the token, and an administrator's body be larger than a user's.
pub(super) async fn check(State(token): State<Arc<Token>>, mut request: Request, next: Next) -> Response {
    if request.uri().path() != "/openapi.json" {
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if !token.is(given) {
            let detail =
                "the admin API wants `Authorization: Bearer` with the text of admin.token in the data folder";
            return Problem::new(Code::Unauthorized, detail).into_response();
        }
    }
    request.extensions_mut().insert(BodyLimit(limits::BULK_BYTES));
    next.run(request).await
}
