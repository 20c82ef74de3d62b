//! Arguments of the three binaries: what is wrong is named, on stderr, with the exit code for usage: 64 (sysexits)
//! of the server, 2 of the two tools (`schema::exit`).

use super::Tally;
use crate::server::{binary, without_settings};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The server's code for usage, and the tools'.
const SERVER: i32 = 64;
const TOOL: i32 = 2;

/// Words, the exit code, and what stderr must name.
type Row = (&'static [&'static str], i32, &'static str);

pub(crate) fn try_all() -> Tally {
    let mut tally = Tally::default();
    // A token to be read; there is nobody to be called.
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "t".repeat(43)).unwrap();
    for (name, rows) in [("chatd", CHATD), ("chatctl", CHATCTL), ("chatbench", CHATBENCH)] {
        for &(words, code, named) in rows {
            tally.row(&format!("{name} {words:?}"), tried(name, words, token.path(), (code, named)));
        }
    }
    tally
}

/// The server's binary, or one beside it.
fn path(name: &str) -> PathBuf {
    let path = binary().with_file_name(name);
    assert!(path.exists(), "{} is not built: run `cargo test --workspace`", path.display());
    path
}

fn tried(name: &str, words: &[&str], token: &Path, (code, named): (i32, &str)) -> Result<(), String> {
    let mut command = Command::new(path(name));
    without_settings(&mut command);
    command
        .env("HOME", "/nowhere")
        .env("CHATCTL_TOKEN_FILE", token)
        .env("CHATCTL_SERVER", "http://127.0.0.1:1");
    command.args(words).stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(code) {
        return Err(format!("wanted {code}, ended with {}: {error}", output.status));
    }
    if !output.stdout.is_empty() {
        return Err("something was printed to stdout".to_owned());
    }
    if !error.contains(named) {
        return Err(format!("{named:?} is not named: {error}"));
    }
    if error.contains("panicked") { Err(format!("a panic: {error}")) } else { Ok(()) }
}

const CHATD: &[Row] = &[
    (&["--nothing"], SERVER, "--nothing"),
    (&["--prot", "1"], SERVER, "--port"),
    (&["-x"], SERVER, "-x"),
    (&["nothing"], SERVER, "nothing"),
    (&["confg"], SERVER, "config"),
    (&["serve", "now"], SERVER, "serve"),
    (&[""], SERVER, "\"\""),
    (&["config"], SERVER, "config"),
    (&["config", "nothing"], SERVER, "nothing"),
    (&["config", "show", "more"], SERVER, "more"),
    (&["--port"], SERVER, "--port"),
    (&["--port", "x"], SERVER, "--port"),
    (&["--port", "-1"], SERVER, "-1"),
    (&["--port", "65536"], SERVER, "--port"),
    (&["--port", "1.5"], SERVER, "--port"),
    (&["--port", ""], SERVER, "--port"),
    (&["--port", "1", "--port", "2"], SERVER, "--port"),
    (&["--bind", "localhost"], SERVER, "--bind"),
    (&["--bind", "127.0.0.1:80"], SERVER, "--bind"),
    (&["--bind", "256.0.0.1"], SERVER, "--bind"),
    (&["--bind", ""], SERVER, "--bind"),
    (&["--data"], SERVER, "--data"),
    (&["--config"], SERVER, "--config"),
    (&["--set"], SERVER, "--set"),
    (&["--set", "limits.page_max"], SERVER, "--set limits.page_max"),
    (&["--set", ""], SERVER, "--set"),
    (&["gateway"], SERVER, "gateway"),
    (&["--roles", "auth"], SERVER, "auth alone"),
    (&["--roles", "auth,usr"], SERVER, "usr"),
    (&["chat", "--roles", "auth"], SERVER, "--roles"),
    (&["websoket", "--port", "1"], SERVER, "websocket"),
    (&["--log-format"], SERVER, "--log-format"),
];

const CHATCTL: &[Row] = &[
    (&["--nothing"], TOOL, "--nothing"),
    (&["nothing"], TOOL, "nothing"),
    (&["usr", "list"], TOOL, "user"),
    (&["user", "lst"], TOOL, "list"),
    (&["user", "get"], TOOL, "USER"),
    (&["user", "get", "a", "b"], TOOL, "b"),
    (&["user", "create"], TOOL, "--username"),
    (&["user", "create", "--username"], TOOL, "--username"),
    (&["user", "create", "--username", "1bad"], TOOL, "--username"),
    (&["user", "create", "--username", ""], TOOL, "--username"),
    (&["user", "create", "--username", "a\nb"], TOOL, "--username"),
    (&["user", "create", "--phone", "123"], TOOL, "--phone"),
    (&["user", "create", "--username", "ann", "--display-name", " "], TOOL, "--display-name"),
    (&["user", "create", "--username", "ann", "--password", "secret"], TOOL, "--password"),
    (&["user", "create", "--username", "ann", "--password-file", "/nothing"], TOOL, "/nothing"),
    (&["user", "delete"], TOOL, "USER"),
    (&["user", "delete", "ann"], TOOL, "--yes"),
    (&["user", "list", "--limit", "0"], TOOL, "--limit"),
    (&["user", "list", "--limit", "x"], TOOL, "--limit"),
    (&["user", "list", "--limit", "-1"], TOOL, "-1"),
    (&["user", "import"], TOOL, "FILE"),
    (&["user", "import", "/nothing"], TOOL, "/nothing"),
    (&["token", "mint"], TOOL, "USER"),
    (&["token", "mint", "ann", "--expires-in", "1w"], TOOL, "--expires-in"),
    (&["token", "mint", "ann", "--expires-in", "0"], TOOL, "--expires-in"),
    (&["token", "mint", "ann", "--expires-in", "-1s"], TOOL, "-1"),
    (&["health", "more"], TOOL, "more"),
    (&["health", "--timeout", "soon"], TOOL, "--timeout"),
    (&["health", "-o", "xml"], TOOL, "--output"),
    (&["health", "--server"], TOOL, "--server"),
    (&["health", "--server", "nothing"], TOOL, "--server"),
    (&["health", "--server", "ftp://127.0.0.1"], TOOL, "--server"),
    (&["health", "--server", "http://"], TOOL, "--server"),
];

const CHATBENCH: &[Row] = &[
    (&["--nothing"], TOOL, "--nothing"),
    (&["rn"], TOOL, "rn"),
    (&["worker", "--listen", "nothing"], TOOL, "--listen"),
    (&["worker", "--once"], TOOL, "--listen"),
    (&["worker", "--listen", "0.0.0.0:0"], TOOL, "--secret"),
    (&["worker", "--listen", "127.0.0.1:0", "--secret", "/nothing"], TOOL, "--secret /nothing"),
    (&["coordinate", "10.0.0.1:7000"], TOOL, "--secret"),
    (&["coordinate", "127.0.0.1:1", "--secret", "/nothing"], TOOL, "--secret /nothing"),
    (&["run", "--nothing"], TOOL, "--nothing"),
    (&["run", "more"], TOOL, "more"),
    (&["run", "--users", "1"], TOOL, "--users"),
    (&["run", "--users", "x"], TOOL, "--users"),
    (&["run", "--users", "99999999999"], TOOL, "--users"),
    (&["run", "--rate", "0"], TOOL, "--rate"),
    (&["run", "--rate", "NaN"], TOOL, "--rate"),
    (&["run", "--rate", "inf"], TOOL, "--rate"),
    (&["run", "--rate", "-1"], TOOL, "-1"),
    (&["run", "--duration", "5"], TOOL, "--duration"),
    (&["run", "--duration", "25h"], TOOL, "--duration"),
    (&["run", "--duration", "-1s"], TOOL, "-1"),
    (&["run", "--duration", "1e9s"], TOOL, "--duration"),
    (&["run", "--duration", ".s"], TOOL, "--duration"),
    (&["run", "--warmup", ""], TOOL, "--warmup"),
    (&["run", "--drain", "x"], TOOL, "--drain"),
    (&["run", "--size", "10"], TOOL, "--size"),
    (&["run", "--size", "4097"], TOOL, "--size"),
    (&["run", "--threads", "0"], TOOL, "--threads"),
    (&["run", "--connecting", "0"], TOOL, "--connecting"),
    (&["run", "--seed", "x"], TOOL, "--seed"),
    (&["run", "--reconcile", "some"], TOOL, "--reconcile"),
    (&["run", "--reconcile", "-1"], TOOL, "-1"),
    (&["run", "--output", "xml"], TOOL, "--output"),
    (&["run", "--p99", "fast"], TOOL, "--p99"),
    (&["run", "--set", "a=b"], TOOL, "--spawn"),
    (&["run", "--spawn", "--target", "http://127.0.0.1"], TOOL, "--target"),
    (&["run", "--spawn", "--server-pid", "1"], TOOL, "--server-pid"),
    (&["run", "--target", "nothing"], TOOL, "--target"),
    (&["run", "--target", "ftp://127.0.0.1"], TOOL, "--target"),
    (&["run", "--server-pid", "-1"], TOOL, "-1"),
    (&["run", "--server-metrics", "9090"], TOOL, "http://HOST:PORT/metrics"),
    (&["run", "--server-metrics", "ftp://a/metrics"], TOOL, "http://HOST:PORT/metrics"),
    (&["run", "--server-metrics", "http://a/metrics", "--spawn"], TOOL, "--server-metrics"),
];
