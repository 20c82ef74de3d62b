//! An HTTP surface: its operations, and what every one of them is tried with.

use super::body::Good;
use super::http::{Call, Want, Wire};
use super::openapi::Operation;
use super::{Tally, values};
use schema::Code;
use serde_json::Value;

/// What is particular to a surface.
pub(crate) struct Surface {
    /// Opens everything.
    pub(crate) token: String,
    /// Paths that anybody may call.
    pub(crate) public: &'static [&'static str],
    /// A path's parameters and good values for them; others are `user2`.
    pub(crate) segments: Vec<(&'static str, String)>,
    /// A good body of an operation, by its name.
    pub(crate) good_body: fn(&str) -> Option<Value>,
    /// Bytes of a body at most.
    pub(crate) bytes_max: usize,
}

impl Surface {
    /// A path with good values for its parameters; one of them may be given.
    fn path(&self, operation: &Operation, given: Option<(&str, &str)>) -> String {
        operation.path_parameters.iter().fold(operation.path.clone(), |path, name| {
            let good = self.segments.iter().find(|(other, _)| other == name);
            let good = good.map_or("user2", |(_, value)| value.as_str());
            let value = given.filter(|(other, _)| other == name).map_or(good, |(_, value)| value);
            path.replace(&format!("{{{name}}}"), value)
        })
    }

    /// The call as it should be, up to what a row then breaks.
    fn call(&self, operation: &Operation, path: &str) -> Call {
        let call = Call::new(&operation.method, path);
        if self.public.contains(&operation.path.as_str()) { call } else { call.bearer(&self.token) }
    }

    /// Everything that can be wrong with a call of this operation.
    pub(crate) fn try_operation(&self, operation: &Operation, wire: &mut Wire, tally: &mut Tally) {
        let name = operation.name();
        let path = self.path(operation, None);
        if !self.public.contains(&operation.path.as_str()) {
            self.anonymous(operation, &path, wire, tally);
        }
        let body = operation.body.as_ref().and_then(|_| (self.good_body)(&name));
        if operation.body.is_some() && body.is_none() {
            tally.row(&name, Err("there is no good body for it in `good_body`".to_owned()));
        }
        let with_body = |call: Call| match &body {
            Some(body) => call.json(body.to_string()),
            None => call,
        };
        for parameter in &operation.path_parameters {
            for (value, want) in bad_segments(parameter) {
                let path = self.path(operation, Some((parameter, &value)));
                let call = with_body(self.call(operation, &path));
                let shown: String = value.chars().take(40).collect();
                tally.row(&format!("{name}, {parameter} is {shown}"), wire.expect(&call, &want));
            }
        }
        for parameter in &operation.query_parameters {
            for (value, code) in values::of_parameter(parameter) {
                let call = with_body(self.call(operation, &format!("{path}?{parameter}={value}")));
                let shown: String = value.chars().take(40).collect();
                let want = Want::field(code, parameter);
                tally.row(&format!("{name}, {parameter}={shown}"), wire.expect(&call, &want));
            }
            if !values::of_parameter(parameter).is_empty() {
                let call = with_body(self.call(operation, &format!("{path}?{parameter}=1&{parameter}=2")));
                let want = Want::field(Code::Invalid, parameter);
                tally.row(&format!("{name}, {parameter} twice"), wire.expect(&call, &want));
            }
        }
        if let Some(value) = body {
            let call = self.call(operation, &path);
            Good { operation, call, value, bytes_max: self.bytes_max }.try_bodies(wire, tally);
        }
    }

    /// Without a token, and with what is none.
    fn anonymous(&self, operation: &Operation, path: &str, wire: &mut Wire, tally: &mut Tally) {
        let bare = Call::new(&operation.method, path);
        let (head, tail) = self.token.split_at(self.token.len() - 4);
        let signed = &self.token[..self.token.rfind('.').unwrap_or(8)];
        let header = |value: String| bare.clone().header("authorization", &value);
        for (what, call) in [
            ("no token", bare.clone()),
            ("an empty header", header(String::new())),
            ("another scheme", header(format!("Basic {}", self.token))),
            ("no scheme", header(self.token.clone())),
            ("no text", header("Bearer ".to_owned())),
            ("three parts of nothing", header("Bearer ..".to_owned())),
            (
                "a token with another end",
                header(format!("Bearer {head}{}", tail.chars().rev().collect::<String>())),
            ),
            ("a token without a signature", header(format!("Bearer {signed}."))),
            ("a token with more behind it", header(format!("Bearer {}x", self.token))),
            ("a token with a blank in it", header(format!("Bearer {head} {tail}"))),
            ("a very long token", header(format!("Bearer {}", "a".repeat(8_000)))),
            ("a token in a header of another name", bare.clone().header("x-user-id", "user1")),
        ] {
            let want = Want::code(Code::Unauthorized);
            tally.row(&format!("{}, {what}", operation.name()), wire.expect(&call, &want));
        }
    }

    /// Methods that a path does not take.
    pub(crate) fn wrong_methods(&self, operations: &[Operation], wire: &mut Wire, tally: &mut Tally) {
        let mut paths: Vec<&str> = operations.iter().map(|operation| operation.path.as_str()).collect();
        paths.dedup();
        for path in paths {
            let of_path: Vec<&Operation> = operations.iter().filter(|one| one.path == path).collect();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
                if of_path.iter().all(|one| one.method != method) {
                    let call = Call::new(method, &self.path(of_path[0], None)).bearer(&self.token);
                    let want = Want::code(Code::MethodNotAllowed);
                    tally.row(&format!("{method} {path}"), wire.expect(&call, &want));
                }
            }
        }
    }
}

/// Values of a path's parameter that name nothing.
fn bad_segments(parameter: &str) -> Vec<(String, Want)> {
    let missing = [
        "0",
        "-1",
        "nobody.here",
        "00000000-0000-0000-0000-000000000000",
        "01890000-0000-7000-8000-00000000000",
        "01890000-0000-7000-8000-0000000000001",
        "01890000-0000-7000-8000-000000000000",
        "user2%00",
        "%0Auser2",
        "user2%20",
        "..%2F..%2Fetc%2Fpasswd",
        "%2e%2e",
        "%zz",
        "%",
        "*",
        "user2;drop",
        "'%20OR%201=1",
        "%C3%BCser",
        "%F0%9F%98%80",
    ];
    let mut rows: Vec<(String, Want)> =
        missing.iter().map(|value| ((*value).to_owned(), Want::code(Code::NotFound))).collect();
    rows.push(("u".repeat(4_000), Want::code(Code::NotFound)));
    if parameter == "emoji" {
        rows = ["x", "%00", "%20", "ab", "%3Cscript%3E"]
            .iter()
            .map(|value| ((*value).to_owned(), Want::field(Code::Invalid, "emoji")))
            .collect();
        rows.push(("%F0%9F%98%80".repeat(40), Want::field(Code::Invalid, "emoji")));
    }
    for bytes in ["%ff", "%C3%28", "user2%ED%A0%80"] {
        rows.push((bytes.to_owned(), Want::code(Code::Malformed)));
    }
    rows
}
