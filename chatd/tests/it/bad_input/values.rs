//! Values that break the rule of a field or a parameter, by its name: the contract has one rule a name.

use schema::Code;
use serde_json::{Value, json};

/// Values of a body's field that are `invalid`.
pub(crate) fn of_field(name: &str) -> Vec<Value> {
    let mut all = of_person(name);
    all.extend(of_message(name));
    all.extend(of_other_things(name));
    all
}

fn long(letters: usize) -> Value {
    json!("x".repeat(letters))
}

/// Of what describes a person.
fn of_person(name: &str) -> Vec<Value> {
    match name {
        "phoneNumber" => texts(&[
            "",
            "+",
            "123",
            "1234567890",
            "+0123456789",
            "+1234567",
            "+1234567890123456",
            " +1234567890",
            "+1234567890\n",
            "+12345 67890",
            "+１２３４５６７８９",
            "+12345678x",
            "\u{0}",
        ]),
        "username" => {
            let mut bad = texts(&[
                "", "me", "ME", "ab", "1ab", "_ab", "a b", "üser", "user-1", "a\u{0}b", "a/b", "a@b",
            ]);
            bad.push(long(33));
            bad
        }
        "displayName" => {
            let mut bad = texts(&["", " ", "\u{a0}\u{2003}", "a\u{7}b", "a\nb", "a\u{7f}b", "a\u{85}b"]);
            bad.push(long(51));
            bad.push(json!("日".repeat(51)));
            bad
        }
        "password" | "newPassword" => {
            let mut bad = texts(&["", "short12", "        ", "password1", "12345678", "qwertyuiop", "日本"]);
            bad.push(long(72));
            bad.push(json!("é".repeat(36)));
            bad.push(long(10_000));
            bad
        }
        "deviceName" => vec![long(101), json!("a\u{0}b"), json!("a\nb")],
        "alias" => {
            let mut bad = texts(&["", " ", "a\u{7}b"]);
            bad.push(long(51));
            bad
        }
        "avatarUrl" => texts(&[
            "",
            "a.jpg",
            "//example.org/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "ftp://example.org/a.png",
            "https://",
            "https://user:pass@example.org/a",
            "https://example.org/a b",
            "https://example.org/\"onerror=",
            "/a\nb",
        ]),
        "userId" => texts(&["", "me", "a b", "üser", "a\u{0}b"]),
        _ => Vec::new(),
    }
}

/// Of a message.
fn of_message(name: &str) -> Vec<Value> {
    match name {
        "content" => {
            let mut bad =
                texts(&["", " ", "\t\r\n", "\u{2003}", "a\u{0}b", "\u{1b}[31m", "a\u{7f}", "a\u{b}b"]);
            bad.push(long(4097));
            bad.push(json!("\u{1f600}".repeat(4097)));
            bad
        }
        "messageType" => texts(&["", "text", "SHOUT", "SYSTEM", " TEXT", "TEXT\u{0}"]),
        "clientMessageId" => {
            let mut bad = texts(&["", "a\u{7}", "a\nb", "\u{0}"]);
            bad.push(long(65));
            bad
        }
        "metadata" => {
            vec![json!([]), json!("text"), json!(7), json!(true), json!({ "a": long(4096) })]
        }
        "replyToMessageId" => texts(&["", "x", "01890000-0000-8000-8000-00000000000", "{}"]),
        _ => Vec::new(),
    }
}

/// Of marks, settings and what administrators send.
fn of_other_things(name: &str) -> Vec<Value> {
    match name {
        "upTo" => vec![json!(-1), json!(i64::MIN), json!(1_000_000), json!(u64::MAX)],
        "expiresIn" => vec![json!(0), json!(-1), json!(i64::MIN), json!(i64::MAX)],
        "status" => texts(&["", "online", "OFFLINE", "AWAYY"]),
        "lastSeenPolicy" | "profilePhotoPolicy" => texts(&["", "everyone", "FRIENDS"]),
        "onConflict" => texts(&["", "FAIL", "replace"]),
        "users" => vec![json!([])],
        "userIds" => vec![json!(vec!["user1"; 501])],
        "passwordHash" => texts(&[
            "",
            "x",
            "$2b$04$short",
            "$1$abc$def",
            "$2b$99$abcdefghijklmnopqrstuuW7v8m2eVVoDmRzpcVXJhkmWCkUhQ4pi",
        ]),
        _ => Vec::new(),
    }
}

fn texts(all: &[&str]) -> Vec<Value> {
    all.iter().map(|text| json!(text)).collect()
}

/// Values of another type than a field's.
pub(crate) fn of_other_type(kind: &str) -> Vec<Value> {
    let all = [
        ("string", json!("text")),
        ("integer", json!(7)),
        ("number", json!(1.5)),
        ("boolean", json!(true)),
        ("array", json!([1])),
        ("object", json!({ "a": 1 })),
    ];
    all.into_iter().filter(|(other, _)| *other != kind).map(|(_, value)| value).collect()
}

/// Values of a query parameter as they stand in the query string, and their code.
pub(crate) fn of_parameter(name: &str) -> Vec<(String, Code)> {
    let same =
        |code: Code, all: &[&str]| all.iter().map(|text| ((*text).to_owned(), code)).collect::<Vec<_>>();
    let numbers =
        ["", "x", "-1", "1.5", "1e3", "NaN", "Infinity", "0x10", "99999999999999999999999", "%20", "1%00"];
    match name {
        "limit" => same(Code::Invalid, &[&numbers[..], &["0", "201", "18446744073709551615"]].concat()),
        "wait" => same(Code::Invalid, &[&numbers[..], &["31", "18446744073709551615"]].concat()),
        "before" | "after" | "around" => same(Code::Invalid, &numbers),
        "size" => same(Code::Invalid, &[&numbers[..], &["0", "7"]].concat()),
        "cursor" => {
            let mut bad = same(
                Code::Invalid,
                &[
                    "",
                    "x",
                    "AAAA",
                    "%00",
                    "%ff",
                    "!!!!",
                    "AAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAABw",
                    "a%20b",
                    "null",
                ],
            );
            bad.push(("A".repeat(3000), Code::Invalid));
            bad
        }
        "phoneNumber" => {
            same(Code::Invalid, &["", "x", "%2B", "123", "%2B0123456789", "%2B1234567890%00", "%ff"])
        }
        "username" => same(Code::Invalid, &["", "me", "ab", "1ab", "a%20b", "%ff", "a%00b"]),
        "for" => same(Code::Invalid, &["", "all", "ME"]),
        _ => Vec::new(),
    }
}
