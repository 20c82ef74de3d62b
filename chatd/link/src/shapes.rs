//! How a problem and a caller look on the wire.

use edge::{Caller, Problem};
use schema::message::FieldError;
use schema::{Code, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A problem, with its cause: the other side writes it to its log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<u32>,
    cause: Option<String>,
}

impl From<&Problem> for Refusal {
    fn from(problem: &Problem) -> Self {
        let body = problem.body("");
        Self {
            code: problem.code(),
            detail: body.detail,
            errors: body.errors,
            retry_after: body.retry_after,
            cause: problem.cause().map(str::to_owned),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Problem::new(refusal.code, refusal.detail).with_errors(refusal.errors);
        if let Some(seconds) = refusal.retry_after {
            problem = problem.retry_after(seconds);
        }
        if let Some(cause) = refusal.cause {
            problem = problem.caused_by(cause);
        }
        problem
    }
}

/// Who opens a socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Identified {
    user: UserId,
    session: SessionId,
    role: String,
    expires_at: Timestamp,
}

impl From<Caller> for Identified {
    fn from(Caller { user, session, role, expires_at }: Caller) -> Self {
        Self { user, session, role, expires_at }
    }
}

impl From<Identified> for Caller {
    fn from(Identified { user, session, role, expires_at }: Identified) -> Self {
        Self { user, session, role, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_crosses_whole() {
        let fields = vec![FieldError::new("name", "is empty", "1-50")];
        let all = [
            Problem::invalid(fields),
            Problem::new(Code::RateLimited, "slower").retry_after(7),
            Problem::new(Code::Unavailable, "away").caused_by("secret"),
        ];
        for problem in all {
            let wire = serde_json::to_vec(&Refusal::from(&problem)).unwrap();
            let back = Problem::from(serde_json::from_slice::<Refusal>(&wire).unwrap());
            let shown = |problem: &Problem| serde_json::to_value(problem.body("t")).unwrap();
            assert_eq!(shown(&back), shown(&problem));
            assert_eq!(back.cause(), problem.cause());
        }
    }
}
