//! Bounds.

mod show;

use crate::cli::Globals;
use clap::Subcommand;
use schema::exit::{Exit, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Shows the bounds in force.
    Show(show::Show),
}

pub(crate) async fn run(verb: Verb, globals: &Globals) -> Result<Exit, Failure> {
    match verb {
        Verb::Show(args) => show::run(&args, globals).await,
    }
}
