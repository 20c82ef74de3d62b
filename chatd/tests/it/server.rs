//! A chatd process for a test: on free ports, with a data folder, killed when it is dropped.
//!
//! Other packages' tests include this file by its path; each uses what it needs of it.
#![allow(dead_code, reason = "shared by several test binaries, none of which uses all of it")]

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use tempfile::TempDir;

/// A running chatd that said it is ready.
pub(crate) struct Server {
    child: Child,
    /// Kept open, or chatd would write into a closed pipe.
    out: BufReader<ChildStdout>,
    /// The ready line and what follows it, up to the last line of the first message.
    pub(crate) greeting: String,
    port: u16,
    pub(crate) data: PathBuf,
    sets: Vec<String>,
    _folder: TempDir,
}

impl Server {
    /// Starts chatd in a folder of its own, without request limits and with cheap password hashes.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with more settings, such as `limits.requests_per_minute=5`.
    pub(crate) async fn start_with(sets: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("chatd-test-").tempdir().unwrap();
        let data = folder.path().join("data");
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        for _ in 0..50 {
            let port = free_ports();
            // A taken port means that somebody was quicker.
            if let Some((child, out, greeting)) = launch(&data, port, &sets).await {
                return Self { child, out, greeting, port, data, sets, _folder: folder };
            }
        }
        panic!("no free ports for chatd")
    }

    /// The gateway's port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The gateway's address.
    pub(crate) fn url(&self) -> String {
        self.at(0, "")
    }

    /// An address at the gateway.
    pub(crate) fn api(&self, path: &str) -> String {
        self.at(0, path)
    }

    /// An address of the admin API.
    pub(crate) fn admin(&self, path: &str) -> String {
        self.at(10, path)
    }

    /// An address at a port that is counted from the gateway's.
    pub(crate) fn at(&self, offset: u16, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port + offset)
    }

    /// The admin token.
    pub(crate) fn admin_token(&self) -> String {
        std::fs::read_to_string(self.data.join("admin.token")).unwrap().trim().to_owned()
    }

    /// A call to the admin API that must succeed.
    pub(crate) async fn administer(&self, path: &str, body: &Value) -> Value {
        let request =
            reqwest::Client::new().post(self.admin(path)).bearer_auth(self.admin_token()).json(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    /// Creates people without passwords and gives each a token.
    pub(crate) async fn people(&self, names: &[impl AsRef<str>]) -> Vec<String> {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let rows: Vec<Value> = names.iter().map(|name| json!({ "username": name })).collect();
        let imported = self.administer("/admin/users/import", &json!({ "users": rows })).await;
        assert!(
            imported["results"].as_array().unwrap().iter().all(|row| row["created"] == true),
            "{imported}"
        );
        let minted = self.administer("/admin/tokens", &json!({ "users": names, "expiresIn": 3600 })).await;
        let tokens = minted["tokens"].as_array().unwrap();
        tokens.iter().map(|token| token["accessToken"].as_str().unwrap().to_owned()).collect()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        last_words(&self.data)
    }

    /// Kills the process with SIGKILL and waits until it is gone.
    pub(crate) fn kill_minus_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the process again, after its end, on the same folder and ports.
    pub(crate) async fn restart(&mut self) {
        for _ in 0..50 {
            if let Some((child, out, greeting)) = launch(&self.data, self.port, &self.sets).await {
                (self.child, self.out, self.greeting) = (child, out, greeting);
                return;
            }
        }
        panic!("the ports of the killed chatd do not become free")
    }

    /// Asks the process to end, once.
    pub(crate) fn send_sigterm(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Ends the process with SIGTERM and waits until it is gone.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.send_sigterm();
        self.out.read_to_string(&mut String::new()).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Launched = (Child, BufReader<ChildStdout>, String);

/// Starts chatd and waits until it is ready; `None` when a port is taken.
async fn launch(data: &Path, port: u16, sets: &[String]) -> Option<Launched> {
    let mut command = command(data, port);
    command.args(sets.iter().flat_map(|set| ["--set", set])).stdout(Stdio::piped()).stderr(log(data));
    let words = data.to_owned();
    let engines = engines(data);
    command.envs(engines.iter().flatten().cloned());
    let wait = move || {
        if let Some(engines) = engines {
            make_tables(&words, &engines);
        }
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        // The greeting ends with the curl line; an early end of the output means that chatd ended.
        while !greeting.ends_with("\"messageType\":\"TEXT\"}'\n") {
            if out.read_line(&mut greeting).unwrap() == 0 {
                let status = child.wait().unwrap();
                assert_eq!(status.code(), Some(69), "chatd ended with {status}: {}", last_words(&words));
                return None;
            }
        }
        Some((child, out, greeting))
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

/// Whether the tests run on the clustered half: `STORES=clustered`, with the engines that STORES_* name.
pub(crate) fn clustered() -> bool {
    std::env::var("STORES").is_ok_and(|half| half == "clustered")
}

/// What makes chatd use the engines, under a name of this data folder's own.
fn engines(data: &Path) -> Option<Vec<(&'static str, String)>> {
    if !clustered() {
        return None;
    }
    let name = data.parent().and_then(Path::file_name).unwrap().to_string_lossy().to_lowercase();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let url = |engine: &str| {
        let name = format!("STORES_{engine}");
        std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set: run compose/test"))
    };
    let base = |engine: &str| {
        let url = url(engine);
        let (scheme, rest) = url.split_once("://").unwrap();
        format!("{scheme}://{}", rest.split('/').next().unwrap())
    };
    Some(vec![
        ("CHATD_STORES__KAFKA", format!("{}?prefix={name}.", url("KAFKA"))),
        ("CHATD_STORES__CASSANDRA", format!("{}/{name}", base("CASSANDRA"))),
        ("CHATD_STORES__POSTGRES", format!("{}/{name}", base("POSTGRES"))),
        ("CHATD_STORES__REDIS", format!("{}/?prefix={name}:", base("REDIS"))),
        // Any free port: the one that is counted from the others may be another test's.
        ("CHATD_LINK__LISTEN", "127.0.0.1:0".to_owned()),
    ])
}

/// `chatctl schema apply`, once for a data folder.
fn make_tables(data: &Path, engines: &[(&'static str, String)]) {
    let done = data.with_extension("schema");
    if done.exists() {
        return;
    }
    let mut chatctl = Command::new(binary().with_file_name("chatctl"));
    chatctl
        .args(["schema", "apply"])
        .envs(engines.iter().filter(|(name, _)| name.contains("STORES")).cloned());
    let told = chatctl.output().unwrap();
    assert!(told.status.success(), "chatctl schema apply: {}", String::from_utf8_lossy(&told.stderr));
    File::create(done).unwrap();
}

/// chatd with these flags; logs go to `<data>.log`.
pub(crate) fn command(data: &Path, port: u16) -> Command {
    let mut command = Command::new(binary());
    command.arg("--data").arg(data).arg("--port").arg(port.to_string());
    command.args(["--set", "limits.requests_per_minute=0", "--set", "limits.registrations_per_minute=0"]);
    command.args(["--set", "auth.bcrypt_cost=10"]);
    without_settings(&mut command);
    command.env_remove("CARGO").stdin(Stdio::null());
    command
}

/// What started the test must not configure what it starts.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHATD_") {
            command.env_remove(name);
        }
    }
}

/// The binary: cargo's for chatd's own tests; for other packages the one beside their test's binary.
/// `BIN` names another one, such as a release build.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("BIN") {
        return PathBuf::from(path);
    }
    if let Some(path) = option_env!("CARGO_BIN_EXE_chatd") {
        return PathBuf::from(path);
    }
    let path = std::env::current_exe().unwrap();
    let path = path.parent().and_then(Path::parent).unwrap().join("chatd");
    assert!(
        path.exists(),
        "{} is not built: run `cargo build -p chatd`, or `cargo test --workspace`",
        path.display()
    );
    path
}

fn log_path(data: &Path) -> PathBuf {
    data.with_extension("log")
}

fn log(data: &Path) -> File {
    File::options().create(true).append(true).open(log_path(data)).unwrap()
}

fn last_words(data: &Path) -> String {
    std::fs::read_to_string(log_path(data)).unwrap_or_default()
}

/// The first of eleven ports that are free now, below those that the system hands out by itself.
pub(crate) fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 700) as u16;
    for _ in 0..700 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let first = 20_000 + (start.wrapping_add(step) % 700) * 16;
        let bound: Vec<_> =
            (first..=first + 10).map_while(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
        if bound.len() == 11 {
            return first;
        }
    }
    panic!("no eleven free ports in a row between 20000 and 31200")
}
