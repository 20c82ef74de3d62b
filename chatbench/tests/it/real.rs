//! Against a real chatd: the one of `CHATBENCH_CHATD`, else the one that was built beside chatbench.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// None where only chatbench was built; a chatd that is named must be there.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub(crate) fn chatd() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHATBENCH_CHATD") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "CHATBENCH_CHATD names {}, which is no file", named.display());
        return Some(named);
    }
    let beside = Path::new(env!("CARGO_BIN_EXE_chatbench")).with_file_name("chatd");
    if !beside.is_file() {
        eprintln!(
            "not run: no chatd beside chatbench; `cargo build -p chatd`, or name one in CHATBENCH_CHATD"
        );
    }
    beside.is_file().then_some(beside)
}

#[test]
fn a_spawned_chatd_holds_what_it_acknowledges_and_leaves_nothing_behind() {
    let Some(chatd) = chatd() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chatbench"))
        .args(["run", "--spawn", "--users", "40", "--rate", "100", "--duration", "2s", "--warmup", "500ms"])
        .args(["--threads", "2", "--no-latency-gate", "-ojson", "--chatd"])
        .arg(chatd)
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}\n{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "PASS");
    assert_eq!(report["connected"], 40);
    assert_eq!(report["violations"]["total"], 0);
    for outcome in ["sent", "acknowledged", "received"] {
        assert_eq!(report["outcomes"][outcome], 250, "{outcome}: {report:#}");
    }
    assert_eq!(report["reconciled"]["messages"], 250);
    assert_eq!(report["reconciled"]["rule"], "all");
    assert!(report["server"]["rssBytes"].as_u64().unwrap() > 0);
    assert!(!report["notes"].to_string().contains("did not end"), "chatd ended well: {:#}", report["notes"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is gone");
}
