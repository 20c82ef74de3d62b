//! `chatd`: one-to-one chat over REST and STOMP, all services in one process.
//! This package only puts together; what chat is stands in the packages beside it.

mod admin;
mod cli;
mod config;
mod exit;
mod folder;
mod ports;
mod ready;
mod roles;
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
    edge::tls::install_provider();
    edge::files::raise_limit();
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
        Task::Serve(roles) => wiring::serve(&config, &roles, started),
        Task::Config(command) => {
            if matches!(command, ConfigCommand::Check) {
                config.tls()?;
            }
            ready::print(&config.told(command))
        }
    }
}
