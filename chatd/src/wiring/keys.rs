//! The keys of an installation: what signs, what seals, and what links know.

use crate::exit::Failure;
use edge::Signer;
use edge::secret::read_or_draw;
use link::Token;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of the links' secret.
const TOKEN_BYTES: usize = 32;

/// Where a process keeps them.
pub(super) fn folder(data: &Path) -> PathBuf {
    data.join("keys")
}

/// Draws whatever is missing.
pub(super) fn draw(keys: &Path) -> io::Result<()> {
    auth::draw_key(keys)?;
    Signer::in_dir(keys)?;
    token_in(keys).map(drop)
}

/// What seals cursors.
pub(super) fn signer(keys: &Path) -> Result<Arc<Signer>, Failure> {
    Signer::in_dir(keys).map(Arc::new).map_err(|error| unusable(keys, &error))
}

/// What links know.
pub(super) fn token(keys: &Path) -> Result<Token, Failure> {
    token_in(keys).map_err(|error| unusable(keys, &error))
}

fn token_in(keys: &Path) -> io::Result<Token> {
    let draw = || Ok(rand::random::<[u8; TOKEN_BYTES]>().to_vec());
    Ok(Token::new(&read_or_draw(&keys.join("link.token"), draw)?))
}

fn unusable(keys: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("keys in {}", keys.display()), error)
}
