//! An installation for a test: processes by `compose/fleet`, engines by `compose/servers`.

use crate::crowd::{Crowd, Manners};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

/// They kill what they share.
static ONE: Mutex<()> = Mutex::const_new(());

/// How long a crowd may take to settle what is open when everything runs again.
pub(crate) const SETTLE: Duration = Duration::from_secs(120);
/// How long a test waits for a part of the installation to come back.
const BACK: Duration = Duration::from_secs(120);

/// In the order of their ports.
const SERVICES: [&str; 6] = ["gateway", "auth", "user", "presence", "chat", "websocket"];

/// Processes in a folder of their own.
pub(crate) struct Fleet {
    folder: TempDir,
    port: u16,
    admin: u16,
    embedded: bool,
    /// Where `compose/servers` keeps the engines.
    servers: Option<PathBuf>,
    http: reqwest::Client,
    _one: MutexGuard<'static, ()>,
}

fn compose(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("compose").join(script)
}

fn must(output: &Output, what: &str) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {} {told}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Fleet {
    /// Every service apart, chat and websocket twice, on the engines; `None`, with a loud line, where there are none.
    pub(crate) async fn clustered(sets: &[&str]) -> Option<Self> {
        let engines = ["STORES_KAFKA", "STORES_CASSANDRA", "STORES_POSTGRES", "STORES_REDIS", "SERVERS"];
        if let Some(missing) = engines.iter().find(|name| std::env::var_os(name).is_none()) {
            eprintln!("SKIPPED: {missing} is not set; compose/test brings the servers up");
            return None;
        }
        Some(Self::up(false, sets).await)
    }

    /// One core on a data folder, and two websocket processes beside it.
    pub(crate) async fn embedded(sets: &[&str]) -> Self {
        Self::up(true, sets).await
    }

    async fn up(embedded: bool, sets: &[&str]) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let one = ONE.lock().await;
        let folder = tempfile::Builder::new().prefix("fleet").tempdir().unwrap();
        let port = 31_300 + (NEXT.fetch_add(1, Ordering::Relaxed) % 2) * 400;
        let fleet = Self {
            folder,
            port,
            admin: if embedded { port + 10 } else { port + 11 },
            embedded,
            servers: std::env::var_os("SERVERS").map(PathBuf::from),
            http: reqwest::Client::new(),
            _one: one,
        };
        if !embedded {
            // One that a test before killed, and did not come to bring back.
            fleet.servers(&["up"]);
        }
        let mut words = vec!["up", "--port"];
        let (port, binary) = (port.to_string(), binary());
        words.extend([port.as_str(), "--bin", binary.to_str().unwrap()]);
        words.extend(embedded.then_some("--embedded"));
        let always = ["limits.requests_per_minute=0", "limits.messages_per_second=0", "auth.bcrypt_cost=10"];
        for set in always.iter().chain(sets) {
            words.extend(["--set", set]);
        }
        fleet.call(&words);
        fleet
    }

    /// `compose/fleet` with these words; it must succeed.
    pub(crate) fn call(&self, words: &[&str]) -> String {
        let output = Command::new(compose("fleet"))
            .arg("--dir")
            .arg(self.folder.path())
            .args(words)
            .env_remove("CARGO")
            .output()
            .unwrap();
        must(&output, &format!("compose/fleet {}", words.join(" ")))
    }

    /// `compose/servers` with these words; it must succeed.
    pub(crate) fn servers(&self, words: &[&str]) -> String {
        let output = Command::new(compose("servers"))
            .arg("--data")
            .arg(self.servers.as_ref().unwrap())
            .args(words)
            .output()
            .unwrap();
        must(&output, &format!("compose/servers {}", words.join(" ")))
    }

    /// chatctl against the same engines.
    pub(crate) fn chatctl(&self, words: &[&str]) -> Output {
        let mut command = Command::new(binary().with_file_name("chatctl"));
        for line in self.call(&["engines"]).lines() {
            let (name, url) = line.split_once('=').unwrap();
            command.env(name, url);
        }
        command.args(words).output().unwrap()
    }

    /// The name that this installation's topics, tables and keys begin with.
    pub(crate) fn prefix(&self) -> String {
        let name = self.folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        name.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    /// What a process says of itself; `None` when it says nothing.
    pub(crate) async fn health(&self, service: &str) -> Option<Value> {
        let offset = SERVICES.iter().position(|name| *name == service).unwrap() as u16;
        let url = format!("http://127.0.0.1:{}/actuator/health", self.port + offset);
        self.http.get(url).send().await.ok()?.json().await.ok()
    }

    /// Waits until the gateway says that everything is up again; answers how long it took.
    pub(crate) async fn healed(&self) -> Duration {
        let since = Instant::now();
        loop {
            let services: &[&str] =
                if self.embedded { &["gateway"] } else { &["gateway", "chat", "auth", "websocket"] };
            let mut up = true;
            for service in services {
                up &= self.health(service).await.is_some_and(|health| health["status"] == "UP");
            }
            if up {
                return since.elapsed();
            }
            assert!(since.elapsed() < BACK, "not up again: {:?}", self.health("chat").await);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// People without passwords, each with a token.
    pub(crate) async fn people(&self, names: &[String]) -> Vec<String> {
        let data = self.folder.path().join(if self.embedded { "data" } else { "auth" });
        let token = std::fs::read_to_string(data.join("admin.token")).unwrap();
        let post = async |path: &str, body: Value| -> Value {
            let url = format!("http://127.0.0.1:{}{path}", self.admin);
            let request = self.http.post(url).bearer_auth(token.trim()).json(&body);
            request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
        };
        let rows: Vec<Value> = names.iter().map(|name| json!({ "username": name })).collect();
        post("/admin/users/import", json!({ "users": rows })).await;
        let minted = post("/admin/tokens", json!({ "users": names, "expiresIn": 7200 })).await;
        let tokens = minted["tokens"].as_array().unwrap();
        tokens.iter().map(|token| token["accessToken"].as_str().unwrap().to_owned()).collect()
    }

    /// Pairs that talk from now on, each send after the last was acknowledged.
    pub(crate) async fn crowd(&self, pairs: usize) -> Crowd {
        self.crowd_from(pairs, 0).await
    }

    /// The same pairs again, who go on where they were, far behind their last numbers.
    pub(crate) async fn again(&self, pairs: usize) -> Crowd {
        self.crowd_from(pairs, 1_000_000).await
    }

    async fn crowd_from(&self, pairs: usize, first: u64) -> Crowd {
        let names: Vec<String> = (0..2 * pairs).map(|n| format!("person{n}")).collect();
        let tokens = self.people(&names).await;
        let manners = Manners { window: 1, pause: Duration::from_millis(40), first };
        Crowd::begin(names, tokens, self.port, manners)
    }

    /// The metrics of a process of a service, or of its second one.
    pub(crate) async fn metrics(&self, name: &str) -> String {
        let (service, step) = name.strip_suffix("-2").map_or((name, 0), |service| (service, 100));
        let offset = SERVICES.iter().position(|known| *known == service).unwrap() as u16;
        let url = format!("http://127.0.0.1:{}/metrics", self.port + step + offset);
        self.http.get(url).send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let words =
            ["kill9", "gateway", "auth", "user", "presence", "chat-1", "chat-2", "media", "notification"];
        let mut names: Vec<&str> = if self.embedded { vec!["kill9", "core"] } else { words.to_vec() };
        names.extend(["websocket-1", "websocket-2"]);
        let _ = Command::new(compose("fleet")).arg("--dir").arg(self.folder.path()).args(names).output();
        if std::thread::panicking() {
            eprintln!("logs of the processes: {}", self.folder.path().display());
            self.folder.disable_cleanup(true);
        }
    }
}

/// chatd, with chatctl beside it: those of `BIN`, or of this build.
fn binary() -> PathBuf {
    std::env::var_os("BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_chatd")), PathBuf::from)
}
