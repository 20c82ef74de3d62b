//! Access tokens.

mod mint;

use crate::cli::Globals;
use clap::Subcommand;
use schema::exit::{Exit, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes an access token, with a session of its own, for each user.
    Mint(mint::Mint),
}

pub(crate) async fn run(verb: Verb, globals: &Globals) -> Result<Exit, Failure> {
    match verb {
        Verb::Mint(args) => mint::run(&args, globals).await,
    }
}
