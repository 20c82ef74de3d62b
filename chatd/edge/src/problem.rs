//! The one error answer: `application/problem+json` (RFC 9457).

use crate::limiter::Allowance;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schema::Code;
use schema::limits::RETRY_AFTER_S;
use schema::message::FieldError;
use std::fmt::Display;

/// Media type of a problem.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// The trace id of a problem that was made outside a request: the "none" of W3C Trace Context.
const NO_TRACE: &str = "00000000000000000000000000000000";

/// A refusal or a fault, with what the caller may know and, apart from that, what the log may.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    allowance: Option<Allowance>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this code; `detail` is shown to the caller.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        // A 503 without a time to come back would invite a storm.
        let retry_after_s = (code.status() == 503).then_some(RETRY_AFTER_S);
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_s, allowance: None, cause: None }
    }

    /// More than a bound allows; `retry_after_s` is when it may work, `allowance` what the headers say.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u32, allowance: Allowance) -> Self {
        let problem = Self::new(Code::RateLimited, detail).retry_after(retry_after_s);
        Self { allowance: Some(allowance), ..problem }
    }

    /// Fields that break their rules.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{} {}", one.field, one.reason),
            many => format!("{} fields are not acceptable", many.len()),
        };
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    /// One field that breaks its rule.
    pub fn field(field: &str, reason: impl Into<String>, bound: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, reason, bound)])
    }

    /// The same problem with its fields named.
    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// The same problem with a cause for the log, which the caller never sees.
    #[must_use]
    pub fn caused_by(self, cause: impl Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// The same problem with the time after which the call may work.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the caller reads.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the log reads.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The body on the wire.
    pub fn body(&self, trace_id: &str) -> schema::api::Problem {
        schema::api::Problem {
            kind: "about:blank".to_owned(),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            detail: self.detail.clone(),
            code: self.code,
            trace_id: trace_id.to_owned(),
            errors: self.errors.clone(),
            retry_after: self.retry_after_s,
            receipt: None,
        }
    }

    /// The answer with this trace id.
    pub(crate) fn render(&self, trace_id: &str) -> Response {
        let body = serde_json::to_vec(&self.body(trace_id)).unwrap_or_default();
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 15.5.2: a 401 says what it would take.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allowance) = self.allowance {
            allowance.write(response.headers_mut());
        }
        response
    }
}

/// The trace layer finds the problem in the response and writes it anew with the request's trace id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(NO_TRACE);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error::{Conflict, Corrupt, Overloaded, Revoked, Unavailable, Unknown};
        match &error {
            Conflict(field) => Self::new(Code::UserAlreadyExists, format!("{field} is taken"))
                .with_errors(vec![FieldError::new(field, "is taken", "a value nobody has")]),
            Overloaded(_) => Self::new(Code::NotAccepted, "too much to do at the moment; nothing was stored"),
            Unavailable(_) | Revoked => {
                Self::new(Code::Unavailable, "a store is away at the moment; nothing was stored")
            }
            Unknown(_) => {
                Self::new(Code::OutcomeUnknown, "stored or not, the server can't tell; repeat the call")
            }
            Corrupt(_) => Self::new(Code::Internal, "the server failed on this call"),
        }
        .caused_by(error)
    }
}
