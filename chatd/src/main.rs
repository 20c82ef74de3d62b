//! `chatd`: one-to-one chat over REST and STOMP, all services in one process.
//!
//! This package only puts together: the command line and the configuration (`cli`, `config`), the parts
//! and their ports (`wiring`, `ports`), the administrators' API (`admin`), and how it starts, speaks and
//! ends (`telemetry`, `ready`, `shutdown`, `exit`). What chat is stands in the packages beside it.

mod admin;
mod cli;
mod config;
mod exit;
mod ports;
mod ready;
mod shutdown;
mod telemetry;
mod wiring;

use cli::{Cli, ConfigCommand, Task};
use config::Config;
use exit::Failure;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let started = Instant::now();
    match Cli::read().map(|cli| run(&cli, started)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.report(),
        Err(code) => code,
    }
}

fn run(cli: &Cli, started: Instant) -> Result<(), Failure> {
    let task = cli.task()?;
    let config = Config::load(cli, config::environment())?;
    match task {
        Task::Serve => wiring::serve(&config, started),
        Task::Config(ConfigCommand::Show) => ready::print(&config::show(&config)),
        Task::Config(ConfigCommand::Check) => ready::print("the configuration is good\n"),
        Task::Config(ConfigCommand::Doc) => ready::print(&config::sample()),
    }
}
