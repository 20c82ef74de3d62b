//! What can be wrong with a JSON body: each row is a good body with one thing wrong.

use super::Tally;
use super::http::{Call, Want, Wire};
use super::openapi::{Body, Field, Operation};
use super::values;
use schema::Code;
use serde_json::{Value, json};

/// A call whose body is good, and how large one may be.
pub(crate) struct Good<'a> {
    pub(crate) operation: &'a Operation,
    /// Method, target and identity.
    pub(crate) call: Call,
    pub(crate) value: Value,
    pub(crate) bytes_max: usize,
}

impl Good<'_> {
    /// Tries every wrong body.
    pub(crate) fn try_bodies(&self, wire: &mut Wire, tally: &mut Tally) {
        let Some(body) = &self.operation.body else { return };
        let name = self.operation.name();
        let mut row = |what: &str, call: Call, want: &Want| {
            tally.row(&format!("{name}, {what}"), wire.expect(&call, want));
        };
        for (what, call, want) in self.whole_bodies(body) {
            row(what, call, &want);
        }
        for field in &body.fields {
            for (what, value, want) in self.fields(field) {
                row(&what, self.call.clone().json(value), &want);
            }
        }
    }

    fn whole_bodies(&self, body: &Body) -> Vec<(&'static str, Call, Want)> {
        let call = || self.call.clone();
        let good = self.value.to_string();
        let (malformed, media) = (Want::code(Code::Malformed), Want::code(Code::UnsupportedMediaType));
        let mut large = good.clone();
        large.push_str(&" ".repeat(self.bytes_max + 1 - good.len()));
        let mut rows = vec![
            ("no content-type", call().bytes(good.clone()), media.clone()),
            ("text/plain", call().header("content-type", "text/plain").bytes(good.clone()), media.clone()),
            (
                "a form",
                call().header("content-type", "application/x-www-form-urlencoded").bytes("a=b"),
                media.clone(),
            ),
            (
                "an odd content-type",
                call().header("content-type", "application/jsonp").bytes(good.clone()),
                media,
            ),
            ("no JSON", call().json("{"), malformed.clone()),
            ("a bare word", call().json("nul"), malformed.clone()),
            ("two values", call().json(format!("{good} {good}")), malformed.clone()),
            ("a comma too many", call().json(format!("{},}}", &good[..good.len() - 1])), malformed.clone()),
            ("bad UTF-8", call().json(&b"{\"a\":\"\xff\"}"[..]), malformed.clone()),
            ("UTF-8 of a surrogate", call().json(&b"{\"a\":\"\xed\xa0\x80\"}"[..]), malformed.clone()),
            ("an array", call().json("[]"), malformed.clone()),
            ("a text", call().json("\"x\""), malformed.clone()),
            ("a number", call().json("7"), malformed.clone()),
            ("deep nesting", call().json(deep(&self.value, 200)), Want::field(Code::Invalid, "request")),
            ("very deep nesting", call().json("[".repeat(100_000)), Want::field(Code::Invalid, "request")),
            ("too large", call().json(large), Want::code(Code::TooLarge)),
            (
                "an announced length that is too large",
                call().header("content-length", "99999999999").json(good.clone()),
                Want::code(Code::TooLarge),
            ),
        ];
        if !body.optional {
            rows.push(("empty", call().json(""), malformed.clone()));
            rows.push(("null", call().json("null"), malformed));
        }
        rows
    }

    fn fields(&self, field: &Field) -> Vec<(String, String, Want)> {
        let name = field.name.as_str();
        let sign_in = self.operation.name() == "POST /api/auth/login";
        let mut rows: Vec<(String, String, Want)> = Vec::new();
        let with = |value: Value| {
            let mut changed = self.value.clone();
            // Of these a person is named by exactly one, but for whoever is new.
            if NAMES.contains(&name) && (sign_in || self.value.get("userId").is_some()) {
                changed.as_object_mut().unwrap().retain(|other, _| !NAMES.contains(&other.as_str()));
            }
            changed[name] = value;
            changed.to_string()
        };
        for value in values::of_other_type(&field.kind) {
            rows.push((format!("{name} is {value}"), with(value.clone()), of_wrong_type(name, &value)));
        }
        if field.kind == "integer" {
            let overflow = with(json!("@")).replace("\"@\"", "18446744073709551616");
            rows.push((format!("{name} beyond 64 bits"), overflow, Want::field(Code::Malformed, name)));
        }
        let raw = |text: &str| with(json!("@")).replace("\"@\"", text);
        rows.push((format!("{name} is NaN"), raw("NaN"), Want::code(Code::Malformed)));
        if field.kind == "string" {
            let want = Want::code(Code::Malformed);
            rows.push((format!("{name} with a raw control character"), raw("\"\u{1}\""), want.clone()));
            rows.push((format!("{name} with half a surrogate pair"), raw("\"\\ud800\""), want.clone()));
            rows.push((format!("{name} with an odd escape"), raw("\"\\x\""), want));
        }
        if field.required {
            let mut without = self.value.clone();
            without.as_object_mut().unwrap().remove(name);
            rows.push((format!("no {name}"), without.to_string(), Want::field(Code::Invalid, name)));
        }
        if field.required && !field.nullable {
            // Null is another type, or it counts as missing: either way the field is named.
            rows.push((format!("{name} is null"), with(Value::Null), Want::either(name)));
        }
        if let Some(first) = self.value.get(name) {
            let twice = with(first.clone()).replacen('{', &format!("{{\"{name}\":{first},"), 1);
            rows.push((format!("{name} twice"), twice, Want::field(Code::Invalid, name)));
        }
        // Who signs in has a password of some other time's rules.
        let rule = if sign_in && name == "password" { Vec::new() } else { values::of_field(name) };
        for value in rule {
            let shown: String = value.to_string().chars().take(60).collect();
            rows.push((format!("{name} is {shown}"), with(value), Want::field(Code::Invalid, name)));
        }
        rows
    }
}

/// Fields that name a person.
const NAMES: [&str; 3] = ["userId", "username", "phoneNumber"];

/// The answer to a value of another type.
pub(crate) fn of_wrong_type(name: &str, value: &Value) -> Want {
    match name {
        // What is kept as it came is looked at by the rule for its content.
        "metadata" => Want::field(Code::Invalid, name),
        // An object may be a word with something inside, and then it is no known word.
        _ if value.is_object() => Want::either(name),
        _ => Want::field(Code::Malformed, name),
    }
}

/// A good body with a field that nobody knows, nested so deeply.
fn deep(good: &Value, levels: usize) -> String {
    let inner = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    good.to_string().replacen('{', &format!("{{\"unknown\":{inner},"), 1)
}
