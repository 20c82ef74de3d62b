//! The JSON of every verb, compared with what is checked in: scripts rest on it.

use crate::server::Server;
use crate::{chatctl, chatctl_reading, stdout};
use serde_json::Value;

/// Replaces what differs from run to run.
fn masked(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(masked),
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field.is_string()) {
                    (
                        "userId" | "sessionId" | "accessToken" | "createdAt" | "nextCursor" | "request_id",
                        true,
                    ) => {
                        *field = format!("<{name}>").into();
                    }
                    _ => masked(field),
                }
            }
        }
        _ => {}
    }
}

#[track_caller]
fn golden(name: &str, text: &str) {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{name} is no JSON: {text}"));
    masked(&mut value);
    let found = format!("{value:#}\n");
    let path = format!("{}/tests/it/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept, found,
        "{name}: run this test with UPDATE_GOLDEN=1 if the change is meant, and commit it"
    );
}

#[tokio::test]
async fn json_is_what_scripts_know() {
    let server = Server::start().await;
    let run = |line: &str| chatctl(&server, &line.split(' ').collect::<Vec<_>>());
    golden(
        "user-create",
        stdout(&run("user create --username ann --phone +4915112345678 --display-name Ann -o json")),
    );
    golden("user-get", stdout(&run("user get ann -o json")));
    let rows = "{\"username\":\"bob\"}\n{\"username\":\"ann\"}\n{\"username\":5}\n";
    golden("user-import", stdout(&chatctl_reading(&server, &["user", "import", "-", "-o", "json"], rows)));
    golden("user-list", stdout(&run("user list --limit 1 -o json")));
    golden("token-mint", stdout(&run("token mint ann bob --expires-in 1h -o json")));
    golden("user-disable", stdout(&run("user disable ann bob nobody -o json")));
    golden("user-enable", stdout(&run("user enable ann bob -o json")));
    golden("limits-show", stdout(&run("limits show -o json")));
    golden("health", stdout(&run("health -o json")));

    let missing = run("user get nobody -o json");
    let error = crate::error(&missing);
    assert!(error["request_id"].as_str().is_some_and(|id| id.len() == 32), "{error}");
    golden("error", &error.to_string());
}
