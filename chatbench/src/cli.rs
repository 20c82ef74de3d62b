//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use schema::exit::TABLE;
use std::path::PathBuf;
use std::time::Duration;

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
  chatbench run --target http://127.0.0.1:8080 --data ~/.local/share/chatd -o json";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Connect users in pairs, let them send at a planned rate, and judge what arrived.
    #[command(after_help = TABLE)]
    Run(Box<Run>),
}

/// The arguments of `run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Run {
    /// Gateway of the server to load.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", conflicts_with = "spawn")]
    pub(crate) target: String,
    /// Its admin listener; 10 ports above the target unless told.
    #[arg(long, value_name = "URL", conflicts_with = "spawn")]
    pub(crate) admin: Option<String>,
    /// Data folder of the server, where `admin.token` lies.
    #[arg(long, value_name = "DIR", conflicts_with = "spawn")]
    pub(crate) data: Option<PathBuf>,
    /// File with the administrator's token.
    #[arg(long, value_name = "FILE", env = "CHATCTL_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Start a server for this run, in a folder that is removed afterwards.
    #[arg(long)]
    pub(crate) spawn: bool,
    /// The chatd that --spawn starts; the one beside chatbench unless told.
    #[arg(long, value_name = "PATH", env = "CHATBENCH_CHATD")]
    pub(crate) chatd: Option<PathBuf>,
    /// A setting for the server that is started, such as limits.content_chars=8192.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "spawn")]
    pub(crate) set: Vec<String>,
    /// Measure CPU and memory of this process as the server's.
    #[arg(long, value_name = "PID", conflicts_with = "spawn")]
    pub(crate) server_pid: Option<u32>,

    /// People; each even one talks with the next.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(crate) users: u32,
    /// Messages a second, of all together.
    #[arg(long, default_value = "1000", value_parser = rate)]
    pub(crate) rate: f64,
    /// How long the rate is held and measured.
    #[arg(long, default_value = "20s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// How long it runs before it is measured.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub(crate) warmup: Duration,
    /// How long to wait for what is on its way at the end.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) drain: Duration,
    /// Bytes of a message's content.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(53..=4096))]
    pub(crate) size: u32,
    /// Threads of the generator.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: u32,
    /// Connections that are being made at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) connecting: u32,
    /// Makes the order of the senders; drawn unless told.
    #[arg(long)]
    pub(crate) seed: Option<u64>,

    /// Delivery latency from the planned send time that 99 % must stay below.
    #[arg(long, default_value = "100ms", value_parser = duration)]
    pub(crate) p99: Duration,
    /// Print latency, but never fail by it.
    #[arg(long)]
    pub(crate) no_latency_gate: bool,
    /// Conversations to compare with history: all, or this many and each doubtful one.
    /// [default: all of up to 2000, else 2000]
    #[arg(long, value_name = "all|N", value_parser = reconcile)]
    pub(crate) reconcile: Option<Reconcile>,
    /// Format of the result on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// How many conversations are compared with history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconcile {
    All,
    Sample(usize),
}

impl Run {
    /// The line that repeats this run.
    pub(crate) fn line(&self, seed: u64) -> String {
        let ms = |d: &Duration| format!("{}ms", d.as_millis());
        let mut line = String::from("chatbench run");
        if self.spawn {
            line.push_str(" --spawn");
            for set in &self.set {
                line.push_str(&format!(" --set '{set}'"));
            }
        } else {
            line.push_str(&format!(" --target {}", self.target));
        }
        line.push_str(&format!(" --users {} --rate {}", self.users, self.rate));
        for (name, value) in [("duration", &self.duration), ("warmup", &self.warmup), ("drain", &self.drain)]
        {
            line.push_str(&format!(" --{name} {}", ms(value)));
        }
        line.push_str(&format!(
            " --size {} --threads {} --connecting {}",
            self.size, self.threads, self.connecting
        ));
        if self.no_latency_gate {
            line.push_str(" --no-latency-gate");
        } else {
            line.push_str(&format!(" --p99 {}", ms(&self.p99)));
        }
        match self.reconcile {
            Some(Reconcile::All) => line.push_str(" --reconcile all"),
            Some(Reconcile::Sample(n)) => line.push_str(&format!(" --reconcile {n}")),
            None => {}
        }
        line.push_str(&format!(" --seed {seed}"));
        line
    }
}

/// A time such as `250ms`, `20s`, `2m` or `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("'{text}' is no duration; write 250ms, 20s, 2m or 1h");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
    let number: f64 = text[..digits].parse().map_err(|_| bad())?;
    let unit = match &text[digits..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let seconds = number * unit;
    if seconds > 24.0 * 3600.0 {
        return Err(format!("'{text}' is longer than 24h"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err(format!("'{text}' is no rate; write messages a second, 0.1 to 1000000")),
    }
}

fn reconcile(text: &str) -> Result<Reconcile, String> {
    if text == "all" {
        return Ok(Reconcile::All);
    }
    text.parse().map(Reconcile::Sample).map_err(|_| format!("'{text}' is neither 'all' nor a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Run, clap::Error> {
        let Verb::Run(run) = Cli::try_parse_from(line.split(' '))?.verb;
        Ok(*run)
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        let run = parse("chatbench run --spawn --users 200 --rate 500 --duration 10s -o json").unwrap();
        assert_eq!((run.users, run.rate, run.duration), (200, 500.0, Duration::from_secs(10)));
        assert_eq!(run.warmup, Duration::from_secs(2));
        assert_eq!(run.output, Output::Json);
    }

    #[test]
    fn both_helps_show_the_table_of_exit_codes() {
        let mut cli = Cli::command();
        let run = cli.find_subcommand_mut("run").unwrap().render_help().to_string();
        for help in [cli.render_help().to_string(), run] {
            assert!(help.contains(TABLE), "{help}");
        }
    }

    #[test]
    fn the_line_of_the_report_repeats_the_run() {
        let run =
            parse("chatbench run --users 200 --rate 500.5 --p99 50ms --reconcile 10 --threads 2").unwrap();
        let again = parse(&run.line(42)).unwrap();
        assert_eq!(again.seed, Some(42));
        assert_eq!(again.line(42), run.line(42));
        assert_eq!((again.rate, again.p99, again.reconcile), (500.5, run.p99, Some(Reconcile::Sample(10))));
    }

    #[test]
    fn durations() {
        assert_eq!(duration("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(duration("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(duration("2m").unwrap(), Duration::from_secs(120));
        for bad in ["", "5", "s", "5 s", "1.2.3s", "25h", "-1s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "--users 1",
            "--rate 0",
            "--rate x",
            "--reconcile some",
            "--size 10",
            "--spawn --target http://x",
        ] {
            assert!(parse(&format!("chatbench run {bad}")).is_err(), "{bad}");
        }
    }
}
