//! A real chatd that runs beside the tests, as one that was not started by chatbench.

use crate::real;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Ports that chatd takes, counting on from the gateway's, and its admin listener's distance from it.
const PORTS: u16 = 11;
const ADMIN: u16 = 10;

/// A real chatd; it ends with the value.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// None where there is no chatd to start.
    pub(crate) fn start() -> Option<Self> {
        let chatd = real::chatd()?;
        let folder = tempfile::tempdir().unwrap();
        let port = free_ports();
        let mut command = Command::new(chatd);
        command.arg("--data").arg(folder.path().join("data")).arg("--port").arg(port.to_string());
        command.args([
            "--set",
            "limits.requests_per_minute=1000000",
            "--set",
            "limits.messages_per_second=0",
        ]);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("chatd ready")));
        if ready.is_none() {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
            panic!("chatd did not get ready: {log}");
        }
        // The rest of its words: read, so that it never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, port, folder })
    }

    pub(crate) fn gateway(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Loads it through an address of somebody in between, or its own: exit code and report.
    pub(crate) fn load(&self, chatbench: Command, through: SocketAddr, load: &[&str]) -> (i32, Value) {
        self.load_at(chatbench, &format!("http://{through}"), load)
    }

    /// The same, at a URL.
    pub(crate) fn load_at(&self, mut chatbench: Command, target: &str, load: &[&str]) -> (i32, Value) {
        let admin = format!("http://127.0.0.1:{}", self.port + ADMIN);
        chatbench.args(["run", "--target", target, "--admin", &admin, "--data"]);
        let output = chatbench.arg(self.folder.path().join("data")).args(load).output().unwrap();
        let exit = output.status.code().unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: exit {exit}: {}", String::from_utf8_lossy(&output.stderr));
        });
        (exit, report)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The first of enough free ports in a row, apart for each process that tests at the same time.
fn free_ports() -> u16 {
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let mut candidates = (0..200).map(|_| rand::random_range(18_000..32_000_u16));
    candidates.find(|first| (*first..first + PORTS).all(free)).unwrap()
}

#[test]
fn what_a_server_elsewhere_uses_is_read_off_its_metrics() {
    let Some(server) = Server::start() else { return };
    let chatbench = || Command::new(env!("CARGO_BIN_EXE_chatbench"));
    let page = format!("http://{}/metrics", server.gateway());
    let small =
        ["--users=20", "--rate=200", "--warmup=500ms", "--duration=3s", "--no-latency-gate", "-ojson"];
    let load = [&small[..], &["--server-metrics", &page]].concat();
    let (exit, report) = server.load(chatbench(), server.gateway(), &load);
    assert_eq!(exit, 0, "{report:#}");
    assert!(report["server"]["cpuUsPerMessage"].as_f64().unwrap() > 1.0, "{:#}", report["server"]);
    assert!(report["server"]["rssBytes"].as_u64().unwrap() > 1 << 20, "{:#}", report["server"]);
    let process = &report["servers"][0];
    assert_eq!((&process["pid"], &process["name"]), (&Value::Null, &server.gateway().to_string().into()));

    let mut silent = chatbench();
    silent.args(["run", "--target", &format!("http://{}", server.gateway())]).args(small);
    let nothing = format!("http://{}/actuator/info", server.gateway());
    let output = silent.args(["--server-metrics", &nothing]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(7), "{words}");
    assert!(words.contains("does not tell process_cpu_seconds_total"), "{words}");
}
