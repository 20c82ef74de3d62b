//! What went wrong between the gateway and a service, and what the caller is told: above all, whether what they
//! asked for may have been done.

use crate::body::Fault;
use crate::upstream::Service;
use axum::extract::Request;
use axum::http::Method;
use edge::Problem;
use edge::extract::broken_off;
use hyper_util::client::legacy;
use schema::Code;
use std::error::Error;
use std::io::{self, ErrorKind};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection came about.
    Unreachable(String),
    /// No connection could be begun: files or ports of this machine are used up.
    NoRoom(String),
    /// The connection ended before anything was written to it.
    Unsent(String),
    /// It ended, or made no sense, after something was.
    BrokenOff(String),
    /// What came is no HTTP answer, or one beyond the bounds.
    Nonsense(String),
    /// The answer did not come in its time.
    Late,
}

/// Error numbers of the system that speak of this machine: too many open files, here or everywhere; no port, no
/// buffer left.
const OWN: [i32; 4] = [24, 23, 99, 105];

impl Failure {
    pub(crate) fn of(error: &legacy::Error) -> Self {
        let text = chain(error);
        let own =
            find::<io::Error>(error).and_then(io::Error::raw_os_error).is_some_and(|n| OWN.contains(&n));
        if error.is_connect() {
            return if own { Self::NoRoom(text) } else { Self::Unreachable(text) };
        }
        let Some(inner) = find::<hyper::Error>(error) else { return Self::BrokenOff(text) };
        if inner.is_canceled() {
            Self::Unsent(text)
        } else if inner.is_parse() {
            Self::Nonsense(text)
        } else {
            Self::BrokenOff(text)
        }
    }

    /// Whether the same call may be tried on another process, `reads` telling whether it changes nothing.
    pub(crate) fn may_be_repeated(&self, reads: bool) -> bool {
        match self {
            Self::Unreachable(_) | Self::Unsent(_) => true,
            Self::BrokenOff(_) => reads,
            Self::NoRoom(_) | Self::Nonsense(_) | Self::Late => false,
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self, call: &Call) -> Problem {
        let name = call.service.name();
        let (what, cause) = match self {
            Self::Unreachable(cause) | Self::Unsent(cause) => return missing(call.service).caused_by(cause),
            Self::NoRoom(cause) => {
                let detail = format!("the gateway has no room for a connection to the {name} service");
                return Problem::new(Code::Unavailable, detail).caused_by(cause);
            }
            Self::BrokenOff(cause) => ("broke off before it answered", cause.as_str()),
            Self::Nonsense(cause) => ("gave an answer that is none", cause.as_str()),
            Self::Late => ("did not answer in its time", "late"),
        };
        let problem = if call.reads {
            Problem::new(Code::Unavailable, format!("the {name} service {what}"))
        } else if call.sends {
            let detail = format!(
                "the {name} service {what}: the message is there once or not at all; repeat with the same client id"
            );
            Problem::new(Code::OutcomeUnknown, detail)
        } else {
            let detail = format!("the {name} service {what}: done or not, the gateway can't tell");
            Problem::new(Code::OutcomeUnknown, detail)
        };
        problem.caused_by(cause)
    }
}

/// What of a call decides what is said of its failure.
pub(crate) struct Call {
    pub(crate) service: Service,
    /// It changes nothing, so that it may be made twice.
    pub(crate) reads: bool,
    /// It sends a message, which a client id makes safe to repeat.
    sends: bool,
}

impl Call {
    pub(crate) fn of(service: Service, request: &Request) -> Self {
        // What SockJS fetches is gone from its session, whatever method fetches it.
        let fetches =
            service == Service::Websocket && crate::affinity::session(request.uri().path()).is_some();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) && !fetches;
        let sends = request.method() == Method::POST && request.uri().path() == "/api/chat/messages";
        Self { service, reads, sends }
    }
}

/// No process of the service takes work.
pub(crate) fn missing(service: Service) -> Problem {
    let detail = format!("the {} service cannot be reached at the moment; nothing was done", service.name());
    Problem::new(Code::Unavailable, detail)
}

/// The session's process is gone, and the session with it (SockJS: the client opens a new one).
pub(crate) fn no_session() -> Problem {
    Problem::new(Code::NotFound, "there is no such session; open a new one")
}

impl Fault {
    /// What the caller, whose doing it is, is told.
    pub(crate) fn problem(&self, bytes: usize) -> Problem {
        match self {
            Self::TooLarge => too_large(bytes),
            Self::Broken(error) => broken_off(error),
        }
    }
}

/// The body is over its bound.
pub(crate) fn too_large(bytes: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("the body is larger than {bytes} bytes"))
}

/// Whether the connection was refused, or cut, rather than silent.
pub(crate) fn is_refusal(error: &legacy::Error) -> bool {
    let kind = find::<io::Error>(error).map(io::Error::kind);
    matches!(
        kind,
        Some(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
    )
}

/// An error with all that is behind it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
