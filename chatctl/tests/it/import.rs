//! `user import`: many rows, in chunks.

use crate::server::Server;
use crate::{chatctl_reading, stdout};
use serde_json::Value;
use std::fmt::Write as _;

#[tokio::test]
async fn more_rows_than_a_chunk_go_in_and_a_second_run_keeps_them() {
    let server = Server::start().await;
    let mut rows = "username,display_name\n".to_owned();
    for n in 0..schema::limits::BULK_MAX + 10 {
        let _ = writeln!(rows, "row{n},\"Row, {n}\"");
    }
    let run = || {
        let output =
            chatctl_reading(&server, &["user", "import", "-", "--on-conflict", "skip", "-o", "json"], &rows);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_str::<Value>(stdout(&output)).unwrap()
    };
    let count = schema::limits::BULK_MAX as u64 + 10;
    let (first, second) = (run(), run());
    assert_eq!((&first["created"], &first["skipped"]), (&count.into(), &0.into()));
    assert_eq!((&second["created"], &second["skipped"]), (&0.into(), &count.into()));
}

#[tokio::test]
async fn failed_rows_are_named_with_their_line() {
    let server = Server::start().await;
    let rows = "username\nann\n1bad\nann\nbob\n";
    let output = chatctl_reading(&server, &["user", "import", "-"], rows);
    assert_eq!(output.status.code(), Some(6));
    let words = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(words.contains("line 3: username ") && words.contains("line 4: "), "{words}");
    assert!(
        stdout(&output).lines().nth(1).is_some_and(|line| line.split_whitespace().eq(["4", "2", "0", "2"]))
    );
}
