//! `chatd config`, and how a bad key ends.

use crate::server::binary;
use std::process::{Command, Output};

fn chatd(words: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(binary()).args(words).envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn show_prints_what_flags_and_environment_say() {
    let output = chatd(
        &["config", "show", "--port", "18080", "--set", "limits.messages_burst=7"],
        &[("CHATD_LIMITS__REQUESTS_PER_MINUTE", "1000000"), ("CHATD_LIMITS__MESSAGES_BURST", "8")],
    );
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["port = 18080", "requests_per_minute = 1000000", "messages_burst = 7"] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
}

#[test]
fn a_bad_key_ends_with_78_and_names_the_nearest_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let words = ["--data", data.to_str().unwrap(), "--set", "limits.request_per_minute=1"];
    let output = chatd(&words, &[]);
    assert_eq!(output.status.code(), Some(78));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("limits.request_per_minute") && error.contains("limits.requests_per_minute"),
        "{error}"
    );
    assert!(!data.exists());
    assert_eq!(
        chatd(&["config", "check"], &[("CHATD_LIMITS__CONTENT_CHARS", "50000")]).status.code(),
        Some(78)
    );
    assert_eq!(chatd(&["config", "check"], &[]).status.code(), Some(0));
}

#[test]
fn what_doc_prints_is_a_configuration() {
    let doc = chatd(&["config", "doc"], &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chatd.toml");
    std::fs::write(&file, &doc.stdout).unwrap();
    let checked = chatd(&["config", "check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
}
