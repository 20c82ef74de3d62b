//! Bodies and query strings in, with errors that name the field; JSON out.

use crate::Problem;
use crate::nesting::too_deep;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use schema::Code;
use schema::limits::{JSON_BYTES, JSON_DEPTH};
use schema::message::FieldError;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

/// A JSON body: content type, size and time are checked, errors name the field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

/// The parameters of the query string.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<T>(pub T);

/// As an extension of a request, another bound of its JSON body than `limits::JSON_BYTES`.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "the body must be JSON: send it with `content-type: application/json`",
            ));
        }
        let limit = request.extensions().get::<BodyLimit>().map_or(JSON_BYTES, |limit| limit.0);
        parse(&read(request, limit).await?).map(Self)
    }
}

/// `None` when there is no body at all.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        use axum::body::HttpBody;
        if request.body().size_hint().exact() == Some(0) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::new(Code::Internal, "the server failed on this call")
                .caused_by(error)
                .into_response(),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(&parts.uri).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    // Of two, the next server might read the other.
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

/// Reads a body of any type up to a bound in bytes; a length that is announced above it is refused unread.
///
/// # Errors
/// `too-large`, and `malformed` for a body that did not arrive in its time, or not wholly.
pub async fn read(request: Request<Body>, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::TooLarge, format!("the body is larger than {limit} bytes"));
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match axum::body::to_bytes(request.into_body(), limit).await {
        Ok(bytes) => Ok(bytes),
        Err(error) if over_the_limit(&error) => Err(too_large()),
        Err(error) => Err(broken_off(&error)),
    }
}

/// The answer to a body that did not arrive: its time is over, or the connection is.
pub fn broken_off(error: &axum::Error) -> Problem {
    let detail = if late(error) { "the body did not arrive in its time" } else { "the body broke off" };
    Problem::new(Code::Malformed, detail).caused_by(error)
}

/// Whether the door stopped waiting for the body.
fn late(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        let kind = inner.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if kind == Some(std::io::ErrorKind::TimedOut) {
            return true;
        }
        source = inner.source();
    }
    false
}

/// Whether reading stopped at the bound rather than at the connection's end.
fn over_the_limit(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        // The limiting body's error type is private to a crate of axum's; its text is what tells.
        if inner.to_string() == "length limit exceeded" {
            return true;
        }
        source = inner.source();
    }
    false
}

/// The value in a JSON text, of a request's body or a frame's. Fields that nobody knows are let be, so that a
/// newer client can talk to an older server.
///
/// # Errors
/// `malformed` for what is no JSON or of another type, `invalid` for a field that breaks its rule and for
/// more levels than `limits::JSON_DEPTH`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if let Some(at) = too_deep(bytes) {
        let reason = format!("is nested too deeply at byte {at}");
        return Err(Problem::field("request", reason, format!("{JSON_DEPTH} levels")));
    }
    // Serde would take a list for the fields in the order of our source.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::new(Code::Malformed, "the body is a list; the call takes an object"));
    }
    // Serde looks only at what somebody reads.
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(Code::Malformed, format!("the body is no UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    // Only what is bad is read again, with an eye on where it is bad.
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // Of a number where a word of a list is meant, the parser says that it is no JSON.
        if error.inner().is_syntax() && serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return data_problem(&path, "invalid type: no text, expected one of the documented words");
        }
        json_problem(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| json_problem(".", &error))?;
    Ok(value)
}

fn json_problem(path: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    if error.classify() != Category::Data {
        return Problem::new(Code::Malformed, format!("the body is no JSON: {message}"));
    }
    // "reason at line 1 column 5": the place says nothing that the path does not.
    let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
    data_problem(path, reason)
}

/// A well-formed value that is not what the call takes.
fn data_problem(path: &str, reason: &str) -> Problem {
    if let Some(field) = quoted(reason, "missing field `") {
        return Problem::field(&under(path, field), "is missing", "required");
    }
    if let Some(field) = quoted(reason, "duplicate field `") {
        return Problem::field(&under(path, field), "is given twice", "once");
    }
    if let Some(wrong) = reason.strip_prefix("invalid type: ") {
        let (found, expected) = wrong.split_once(", expected ").unwrap_or((wrong, "another type"));
        // The name of a type of ours says nothing to a client.
        let expected = if expected.starts_with("struct ") { "an object" } else { expected };
        let error = FieldError::new(&at(path), format!("is {found}"), expected);
        return Problem::new(Code::Malformed, format!("{} is of the wrong type", at(path)))
            .with_errors(vec![error]);
    }
    if let Some((reason, bound)) = reason.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
        return Problem::field(&at(path), reason, bound);
    }
    let (reason, bound) = reason.split_once(", expected ").unwrap_or((reason, "a value that is documented"));
    Problem::field(&at(path), reason, bound)
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split('`').next()
}

/// The path of the whole is `.` in serde_path_to_error's words.
fn at(path: &str) -> String {
    // A field may be called nothing at all, and then it is no name for anybody.
    if path.is_empty() || path == "." { "request".to_owned() } else { path.to_owned() }
}

fn under(path: &str, field: &str) -> String {
    if path == "." { field.to_owned() } else { format!("{path}.{field}") }
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let query = axum::extract::Query::<T>::try_from_uri(uri);
    query.map(|axum::extract::Query(value)| value).map_err(|rejection| {
        // "…: field: reason", or only "…: reason", which then names the field.
        let text = rejection.body_text();
        let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        let (field, reason) = text.split_once(": ").unwrap_or((".", text));
        data_problem(field, reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::api::UpTo;
    use schema::{Draft, Phone};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only the errors of reading it are looked at")]
    struct Body {
        phone_number: Phone,
        many: Vec<UpTo>,
    }

    fn first(problem: &Problem) -> (Code, FieldError) {
        (problem.code(), problem.body("").errors.remove(0))
    }

    #[test]
    fn errors_name_the_field_the_reason_and_the_bound() {
        let (code, error) = first(&parse::<Body>(br#"{"phoneNumber":"123","many":[]}"#).unwrap_err());
        assert_eq!((code, error.field.as_str()), (Code::Invalid, "phoneNumber"));
        assert_eq!(error.reason, "must begin with +");
        assert_eq!(error.bound.as_deref(), Some("+ and 8-15 digits, the first 1-9"));

        let (code, error) = first(&parse::<Body>(br#"{"phoneNumber":7,"many":[]}"#).unwrap_err());
        assert_eq!((code, error.field.as_str()), (Code::Malformed, "phoneNumber"));

        let (code, error) = first(&parse::<Body>(br#"{"phoneNumber":"+12345678","many":[{}]}"#).unwrap_err());
        assert_eq!((code, error.field.as_str()), (Code::Invalid, "many[0].upTo"));

        let (code, error) = first(&parse::<Body>(b"{}").unwrap_err());
        assert_eq!(
            (code, error.field.as_str(), error.reason.as_str()),
            (Code::Invalid, "phoneNumber", "is missing")
        );

        let bad = br#"{"recipientId":"u","content":"c","messageType":"SHOUT"}"#;
        assert_eq!(first(&parse::<Draft>(bad).unwrap_err()).1.field, "messageType");
        let nameless = parse::<schema::user::PrivacyChange>(br#"{"":1}"#).unwrap_err();
        assert_eq!(first(&nameless).1.field, "request");
        let bad = br#"{"recipientId":"u","content":"c","messageType":7}"#;
        let (code, error) = first(&parse::<Draft>(bad).unwrap_err());
        assert_eq!((code, error.field.as_str()), (Code::Malformed, "messageType"));
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for bad in ["", "{", "nul", "{} x", "\u{1}", "[1,]"] {
            assert_eq!(
                parse::<serde_json::Value>(bad.as_bytes()).unwrap_err().code(),
                Code::Malformed,
                "{bad:?}"
            );
        }
        for not_utf8 in [&b"\"\xff\""[..], b"{\"upTo\":5,\"nobody reads\":\"\xff\"}"] {
            assert_eq!(parse::<UpTo>(not_utf8).unwrap_err().code(), Code::Malformed);
        }
        // Not the fields in the order of our source.
        let list = parse::<UpTo>(b" [5]").unwrap_err();
        assert_eq!(
            (list.code(), list.detail()),
            (Code::Malformed, "the body is a list; the call takes an object")
        );
        assert_eq!(first(&parse::<UpTo>(b"5").unwrap_err()).1.bound.as_deref(), Some("an object"));
        let deep = "[".repeat(100_000);
        let (code, error) = first(&parse::<serde_json::Value>(deep.as_bytes()).unwrap_err());
        assert_eq!((code, error.bound.as_deref()), (Code::Invalid, Some("32 levels")));
    }

    #[test]
    fn a_bad_parameter_is_named() {
        #[derive(Debug, Deserialize)]
        struct Page {
            #[expect(dead_code, reason = "only the error of reading it is looked at")]
            limit: usize,
        }
        for uri in ["/?limit=x", "/?limit=-1", "/", "/?limit=1&limit=2"] {
            let problem = query::<Page>(&uri.parse().unwrap()).unwrap_err();
            assert_eq!(first(&problem).1.field, "limit", "{uri}: {problem:?}");
        }
    }
}
