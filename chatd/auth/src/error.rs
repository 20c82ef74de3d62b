//! Why the service cannot start.

use std::path::PathBuf;

/// A start that failed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A key file or its directory.
    #[error("the signing keys in {dir} cannot be used: {cause}", dir = dir.display())]
    Keys { dir: PathBuf, cause: std::io::Error },
    /// A setting out of bounds.
    #[error("auth.bcrypt_cost is {0}, it must be 4-15")]
    Cost(u32),
    /// A hashing thread.
    #[error("a hashing thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// The accounts.
    #[error("the accounts cannot be read: {0}")]
    Store(#[from] store::Error),
}
