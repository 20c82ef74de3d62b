//! What the driver says, in the terms of a store.

use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use std::fmt::Display;
use store::Error;

/// A request that failed. It may have been carried out where nobody can tell; every write may be repeated.
pub(super) fn failed(cause: &ExecutionError) -> Error {
    let told = format!("cassandra: {cause}");
    match cause {
        ExecutionError::RequestTimeout(_)
        | ExecutionError::LastAttemptError(
            RequestAttemptError::BrokenConnectionError(_)
            | RequestAttemptError::DbError(DbError::WriteTimeout { .. } | DbError::WriteFailure { .. }, _),
        ) => Error::Unknown(told),
        // What Cassandra refuses for another reason, such as a missing table or right, an operator can mend
        // while chatd waits.
        _ => Error::Unavailable(told),
    }
}

/// An answer that has not the shape of what was asked.
pub(super) fn unreadable(cause: impl Display) -> Error {
    Error::Corrupt(format!(
        "cassandra: a table is not what this chatd knows, see chatctl schema verify: {cause}"
    ))
}
