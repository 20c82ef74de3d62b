//! `chatctl user list`.

use crate::cli::Globals;
use crate::client::Client;
use crate::output::{self, Format};
use clap::Args;
use schema::api::AdminUsers;
use schema::exit::{Exit, Failure};
use schema::limits;

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Users of a page, at most 200.
    #[arg(long, default_value_t = limits::PAGE as u64, value_parser = clap::value_parser!(u64).range(1..=limits::PAGE_MAX as u64))]
    limit: u64,
    /// Where to go on: the nextCursor of the page before.
    #[arg(long)]
    cursor: Option<String>,
}

pub(crate) async fn run(args: &List, globals: &Globals) -> Result<Exit, Failure> {
    let mut path = format!("/admin/users?limit={}", args.limit);
    if let Some(cursor) = &args.cursor {
        if !cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte)) {
            let hint = "take the nextCursor of the page before, as it is";
            return Err(Failure::usage(format!("--cursor {cursor:?} is no cursor"), hint));
        }
        path.push_str(&format!("&cursor={cursor}"));
    }
    let page: AdminUsers = Client::new(globals)?.get(&path).await?;
    output::show(&page, globals.output)?;
    if let Some(next) = &page.next_cursor
        && globals.output != Some(Format::Json)
    {
        output::remark(&format!("there are more: chatctl user list --limit {} --cursor {next}", args.limit));
    }
    Ok(Exit::Ok)
}
