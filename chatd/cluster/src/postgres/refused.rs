//! What PostgreSQL refuses, in the terms of a store.

use store::Error;

/// What is known of a change whose answer did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// It only looked, or its transaction was not to be committed yet.
    Nothing,
    /// It may be there.
    Perhaps,
}

/// A failed statement.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(super) fn refused(cause: sqlx::Error, stored: Stored) -> Error {
    let told = match &cause {
        sqlx::Error::Database(told) => told,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            return Error::Corrupt(format!("PostgreSQL holds what chatd never wrote: {cause}"));
        }
        _ => return lost(&cause.to_string(), stored),
    };
    let code = told.code().unwrap_or_default();
    match code.as_ref() {
        "23505" => Error::Conflict(field(told.constraint().unwrap_or_default())),
        "XX001" | "XX002" => Error::Corrupt(format!("PostgreSQL's data is damaged: {told}")),
        // The connection was ended from the other side, perhaps between the commit and the answer to it.
        "57P01" | "57P02" | "57P03" | "57P05" | "40003" => lost(&told.to_string(), stored),
        code if code.starts_with("08") => lost(&told.to_string(), stored),
        "42P01" | "42703" => Error::Unavailable(format!(
            "PostgreSQL has not the tables of this version ({told}): run `chatctl schema apply`"
        )),
        // Refused as a whole: too slow, in a circle of locks, read-only, no room left.
        _ => Error::Unavailable(format!("PostgreSQL: {told} ({code})")),
    }
}

/// No answer, or no connection.
pub(super) fn lost(cause: &str, stored: Stored) -> Error {
    match stored {
        Stored::Nothing => Error::Unavailable(format!("PostgreSQL: {cause}")),
        Stored::Perhaps => Error::Unknown(format!("PostgreSQL: {cause}")),
    }
}

/// An engine that cannot be entered.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(super) fn engine(cause: engines::Error) -> Error {
    Error::Unavailable(cause.to_string())
}

/// The field behind a unique constraint.
fn field(constraint: &str) -> &'static str {
    match constraint {
        "users_phone" => "phoneNumber",
        "users_username" => "username",
        "users_pkey" => "userId",
        "sessions_pkey" => "sessionId",
        _ => "secret",
    }
}
