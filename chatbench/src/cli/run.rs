//! The arguments of `run`; `gate` and `coordinate` take them too.

use super::values::{
    Adapter, Arrivals, Live, Output, Reconcile, Sources, Threads, Workers, chaos, duration, page, pair, rate,
    reconcile, scale, sources, threads, transport, workers,
};
use super::{Door, Spawn};
use clap::Args;
use plan::{Pairing, Transport};
use report::Format;
use reqwest::Url;
use std::path::PathBuf;
use std::time::Duration;

/// What is not said is taken from the scenario, else from the defaults in [`crate::settings`].
#[derive(Clone, Debug, Args)]
pub(crate) struct Run {
    /// A shipped scenario (`chatbench scenario list`) or a TOML file; plain chat unless told.
    pub(crate) scenario: Option<String>,
    #[command(flatten)]
    pub(crate) door: Door,
    #[command(flatten)]
    pub(crate) server: Spawn,
    /// Measure CPU and memory of these processes as the server's.
    #[arg(long, value_name = "PID", conflicts_with = "spawn", value_delimiter = ',')]
    pub(crate) server_pid: Vec<u32>,
    /// Read CPU and memory of server processes off their own pages for Prometheus, for a server on another machine:
    /// process_cpu_seconds_total and process_resident_memory_bytes.
    #[arg(long, value_name = "URL", conflicts_with_all = ["spawn", "server_pid"], value_parser = page())]
    pub(crate) server_metrics: Vec<Url>,

    /// People; each even one talks with the next. [default: 1000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(crate) users: Option<u32>,
    /// Messages a second, of all together. [default: 1000]
    #[arg(long, value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// How long the load is held and measured. [default: 20s]
    #[arg(long, value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// How long it runs before it is measured. [default: 2s]
    #[arg(long, value_parser = duration)]
    pub(crate) warmup: Option<Duration>,
    /// How long to wait for what is on its way at the end. [default: 10s]
    #[arg(long, value_parser = duration)]
    pub(crate) drain: Option<Duration>,
    /// Time over which connections are spread. [default: 400 µs a user]
    #[arg(long, value_parser = duration)]
    pub(crate) ramp: Option<Duration>,
    /// Bytes of a message's content. [default: 128]
    #[arg(long, value_parser = clap::value_parser!(u32).range(53..=4096))]
    pub(crate) size: Option<u32>,
    /// Times the users and all rates, and gates of rates and users; times and shares stay.
    #[arg(long, value_parser = scale)]
    pub(crate) scale: Option<f64>,
    /// When messages are due. [default: constant]
    #[arg(long, value_enum)]
    pub(crate) arrivals: Option<Arrivals>,
    /// Rates over time, a CSV of at_s,rate.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "arrivals"])]
    pub(crate) trace: Option<PathBuf>,
    /// Time between an answer and the next send, with --arrivals closed. [default: 1s]
    #[arg(long, value_parser = duration)]
    pub(crate) think: Option<Duration>,
    /// Which pairs send how often: uniform, or zipf:EXPONENT. [default: uniform]
    #[arg(long)]
    pub(crate) pairing: Option<Pairing>,
    /// What carries the messages: websocket, sockjs or rest. [default: websocket]
    #[arg(long, value_parser = transport)]
    pub(crate) transport: Option<Transport>,
    /// The server's protocol. [default: chatd]
    #[arg(long, value_enum)]
    pub(crate) adapter: Option<Adapter>,
    /// A setting of the adapter, such as path=/ws, login=guest or subscribe=/topic/{run}-{user}. A value that begins
    /// with @ names the file that holds it: passcode=@FILE.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, requires = "adapter")]
    pub(crate) adapter_set: Vec<(String, String)>,
    /// Run a command of the shell at this time of the hold; marked in the charts.
    #[arg(long, value_name = "TIME=COMMAND", value_parser = chaos)]
    pub(crate) chaos: Vec<(Duration, String)>,
    /// Accounts and tokens that `chatbench prepare` made. Messages of earlier runs with them are read and passed over.
    #[arg(long, value_name = "FILE")]
    pub(crate) users_file: Option<PathBuf>,

    /// Generator processes: auto, a number, or HOST:PORT,... of `chatbench worker --listen`.
    #[arg(long, value_name = "auto|N|HOST:PORT,...", default_value = "auto", value_parser = workers)]
    pub(crate) workers: Workers,
    /// The secret that workers elsewhere have too, 16 to 4096 bytes that only its owner may read. Both sides prove it,
    /// neither sends it; what follows is not encrypted (`chatbench worker --help`).
    #[arg(long, value_name = "FILE", env = "CHATBENCH_SECRET_FILE")]
    pub(crate) secret: Option<PathBuf>,
    /// Threads of a generator process: auto is one a CPU for all of a machine together, and half as many beside the server.
    #[arg(long, value_name = "auto|N", default_value_t, value_parser = threads)]
    pub(crate) threads: Threads,
    /// Connections of a process that are being made at a time.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) connecting: u32,
    /// Local addresses of the sockets: one, or FIRST-LAST. [default: spread over 127.0.0.0/8 for targets there]
    #[arg(long, value_name = "IP", value_parser = sources)]
    pub(crate) source_ip: Vec<Sources>,
    /// Makes the order of the senders; drawn unless told.
    #[arg(long)]
    pub(crate) seed: Option<u64>,

    /// Delivery latency from the planned send time that 99 % must stay below. [default: 100ms]
    #[arg(long, value_parser = duration)]
    pub(crate) p99: Option<Duration>,
    /// Print latency, but never fail by it.
    #[arg(long, conflicts_with = "p99")]
    pub(crate) no_latency_gate: bool,
    /// A shipped set of gates: smoke, seed or strict.
    #[arg(long, value_name = "PROFILE", conflicts_with = "thresholds")]
    pub(crate) gate: Option<String>,
    /// Gates of one's own, in TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Report of an earlier run (report.json or its folder) that gates with a `baseline` are relative to.
    #[arg(long, value_name = "PATH")]
    pub(crate) baseline: Option<PathBuf>,
    /// Conversations to compare with history: all, or this many and each doubtful one.
    /// [default: all of up to 2000, else 2000]
    #[arg(long, value_name = "all|N", value_parser = reconcile)]
    pub(crate) reconcile: Option<Reconcile>,
    /// A label of the report, such as commit=abc123.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) label: Vec<(String, String)>,
    /// Write the report in every form into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) report_dir: Option<PathBuf>,
    /// The forms of it: json, text, html, md, junit, csv, hlog. [default: all]
    #[arg(long, value_name = "FORM,...", value_delimiter = ',', value_parser = Format::parse, requires = "report_dir")]
    pub(crate) report: Vec<Format>,
    /// What is shown on stderr meanwhile. The tui takes keys: q ends the run in order, p holds the picture still, g turns a page,
    /// ? lists them; none changes the load. [default: tui on a terminal, else line]
    #[arg(long, value_enum)]
    pub(crate) live: Option<Live>,
    /// Format of the result on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

impl Run {
    /// Whether any address that it asks is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.door.is_tls() || self.server_metrics.iter().any(|url| url.scheme() == "https")
    }
}
