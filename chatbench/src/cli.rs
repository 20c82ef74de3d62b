//! The command line: the verbs, and what is shared by several of them. Each other verb's arguments stand in its own file.

use crate::{
    calibrate, check, cleanup, compare, coordinate, gate, null_server, prepare, report_dir, scenarios,
    search, thresholds, worker,
};
use clap::{Args, Parser, Subcommand};
use schema::exit::TABLE;
use std::path::PathBuf;

mod run;
mod values;

pub(crate) use run::Run;
pub(crate) use values::{
    Adapter, Address, Arrivals, Live, Output, Processes, Reconcile, Sources, Threads, Workers,
};
pub(crate) use values::{duration, names_a_user, page, rate, threads, workers};

/// Load tests a chatd and proves that nothing was lost, doubled or reordered.
#[derive(Debug, Parser)]
#[command(name = "chatbench", version, arg_required_else_help = true, after_help = format!("{EXAMPLES}\n\n{TABLE}"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  chatbench run --spawn --users 1000 --rate 1000 --duration 20s
  chatbench run --target http://127.0.0.1:8080 --data ~/.local/share/chatd -o json
  chatbench run burst --spawn --report-dir out
  chatbench search --spawn --users 1000";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Connect users in pairs, let them send as planned, and judge what arrived.
    #[command(after_help = TABLE)]
    Run(Box<Run>),
    /// Find the highest rate that passes.
    #[command(after_help = TABLE)]
    Search(Box<search::Args>),
    /// Run a scenario against a shipped set of gates.
    #[command(after_help = TABLE)]
    Gate(Box<gate::Args>),
    /// Say before a run whether this machine and the server can bear it.
    #[command(after_help = TABLE)]
    Check(Box<check::Args>),
    /// Measure the generator itself, against a server that does nothing.
    #[command(after_help = TABLE)]
    Calibrate(Box<calibrate::Args>),
    /// Make accounts and tokens for later runs.
    #[command(after_help = TABLE)]
    Prepare(Box<prepare::Args>),
    /// Delete the accounts that `prepare` made.
    #[command(after_help = TABLE)]
    Cleanup(Box<cleanup::Args>),
    /// Say whether B differs from A.
    #[command(after_help = TABLE)]
    Compare(Box<compare::Args>),
    /// Render the reports of a folder again.
    #[command(after_help = TABLE)]
    Report(Box<report_dir::Args>),
    /// List, show or validate scenarios.
    #[command(after_help = TABLE)]
    Scenario(Box<scenarios::Args>),
    /// List, explain or validate thresholds.
    #[command(after_help = TABLE)]
    Threshold(Box<thresholds::Args>),
    /// Run a scenario with workers on other machines.
    #[command(after_help = TABLE)]
    Coordinate(Box<coordinate::Args>),
    /// Generate load for a coordinator.
    #[command(after_help = TABLE)]
    Worker(Box<worker::Args>),
    /// Serve as the server that does nothing.
    #[command(after_help = TABLE)]
    NullServer(Box<null_server::Args>),
}

impl Verb {
    /// The format that was asked for, also of a failure.
    pub(crate) fn output(&self) -> Output {
        match self {
            Verb::Run(args) => args.output,
            Verb::Search(args) => args.output(),
            Verb::Gate(args) => args.output(),
            Verb::Check(args) => args.output(),
            Verb::Calibrate(args) => args.output(),
            Verb::Prepare(args) => args.output(),
            Verb::Cleanup(args) => args.output(),
            Verb::Compare(args) => args.output(),
            Verb::Report(args) => args.output(),
            Verb::Scenario(args) => args.output(),
            Verb::Threshold(args) => args.output(),
            Verb::Coordinate(args) => args.output(),
            Verb::Worker(_) => Output::Text,
            Verb::NullServer(args) => args.output(),
        }
    }
}

/// The server under load.
#[derive(Clone, Debug, Args)]
pub(crate) struct Door {
    /// Gateway of the server to load, http:// or https:// (ws, wss; mqtt, mqtts); several: users are spread over them, the
    /// two of a pair apart. Each socket over TLS makes a whole handshake, which counts as its time to connect, and takes
    /// about 6 KiB of memory here when idle, and the server's certificates (plain: 1 KiB).
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = Address)]
    pub(crate) target: Vec<String>,
    /// Where REST calls go; the first target unless told.
    #[arg(long, value_name = "URL", value_parser = Address)]
    pub(crate) api: Option<String>,
    /// Its admin listener; 10 ports above --api unless told, on this machine only: the administrator's token is not sent to
    /// another one in clear unless an http:// address of it is named here.
    #[arg(long, value_name = "URL", value_parser = Address)]
    pub(crate) admin: Option<String>,
    /// Data folder of the server, where `admin.token` lies.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Authorities of TLS servers, a PEM file, instead of those that this machine trusts; workers elsewhere need no copy.
    /// Verification can't be turned off.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// File with the administrator's token.
    #[arg(long, value_name = "FILE", env = "CHATCTL_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Schemes of encrypted addresses, however they are written.
const SEALED: [&str; 3] = ["https", "wss", "mqtts"];

impl Door {
    /// Whether any of its addresses is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        let urls = self.target.iter().chain(&self.api).chain(&self.admin);
        urls.filter_map(|url| url.split_once("://"))
            .any(|(scheme, _)| SEALED.iter().any(|sealed| scheme.eq_ignore_ascii_case(sealed)))
    }
}

/// A server of this run's own.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Spawn {
    /// Start a server for this run, in a folder that is removed afterwards.
    #[arg(long, conflicts_with_all = ["target", "api", "admin", "data", "ca"])]
    pub(crate) spawn: bool,
    /// The chatd that --spawn starts; the one beside chatbench unless told.
    #[arg(long, value_name = "PATH", env = "CHATBENCH_CHATD")]
    pub(crate) chatd: Option<PathBuf>,
    /// A setting for the server that is started, such as limits.content_chars=8192.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "spawn")]
    pub(crate) set: Vec<String>,
    /// Processes that serve sockets beside the one that is started: as many as its limit of open files asks for, or a number.
    #[arg(long, value_name = "auto|N", default_value = "auto", value_parser = values::processes, requires = "spawn")]
    pub(crate) websocket_processes: Processes,
}

/// Format of a verb's result on stdout, for verbs with nothing else to choose.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Format {
    /// Format of the result on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text, global = true)]
    pub(crate) output: Output,
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
