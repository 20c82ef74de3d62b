//! What the two sides of a link know, and nobody else.

use std::fmt;
use subtle::ConstantTimeEq;

/// The secret of an installation's links.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token of these secret bytes, 32 or more.
    pub fn new(secret: &[u8]) -> Self {
        Self(secret.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether this is it; how long that takes says nothing of where it differs.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
