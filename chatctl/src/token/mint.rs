//! `chatctl token mint`.

use crate::cli::{Globals, seconds};
use crate::client::Client;
use crate::output::{self, Format, Show};
use clap::Args;
use schema::api::{self, Minted, MintedToken};
use schema::exit::{Exit, Failure};
use schema::limits;

#[derive(Debug, Args)]
pub(crate) struct Mint {
    /// User ids or usernames. One user's token is printed alone, so that $(chatctl token mint user1) works.
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,
    /// How long the tokens live, such as 24h; at most 30d [default: 15m].
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    expires_in: Option<u64>,
}

pub(crate) async fn run(args: &Mint, globals: &Globals) -> Result<Exit, Failure> {
    let client = Client::new(globals)?;
    let expires_in = args.expires_in.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    let mut minted = Minted { tokens: Vec::with_capacity(args.users.len()) };
    for users in args.users.chunks(limits::BULK_MAX) {
        let page: Minted =
            client.post("/admin/tokens", &api::Mint { users: users.to_vec(), expires_in }).await?;
        minted.tokens.extend(page.tokens);
    }
    match (globals.output, minted.tokens.as_slice()) {
        (None | Some(Format::Table), [one]) => output::print(&format!("{}\n", one.access_token))?,
        // Several tokens are for a script, unless a table is asked for by name.
        (format, _) => output::show(&minted, format.or(Some(Format::Json)))?,
    }
    Ok(Exit::Ok)
}

impl Show for Minted {
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |token: &MintedToken| vec![token.user_id.to_string(), token.access_token.clone()];
        std::iter::once(vec!["USER ID".to_owned(), "ACCESS TOKEN".to_owned()])
            .chain(self.tokens.iter().map(row))
            .collect()
    }
}
