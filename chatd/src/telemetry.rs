//! Logs: to stderr, for a person on a terminal, as JSON elsewhere.

use crate::config::Config;
use crate::exit::{Exit, Failure};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// What would write whole messages and tokens into the log when asked to trace: it is never asked.
const TALKATIVE: [&str; 3] = ["tungstenite", "tungstenite::protocol", "tungstenite::protocol::frame"];

/// Starts logging.
pub(crate) fn start(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.log.filter).map_err(|error| {
        let hint = "write it as info, or as warn,chat=debug";
        Failure::new(Exit::BadKey, format!("log.filter: {error}"), hint)
    })?;
    let quiet = TALKATIVE.iter().filter_map(|target| format!("{target}=info").parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let terminal = io::stderr().is_terminal();
    let human = match config.log.format.as_str() {
        "auto" => terminal,
        format => format == "human",
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if human {
        builder.with_ansi(terminal).init();
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
    Ok(())
}
