//! `chatctl user disable` and `chatctl user enable`.

use super::path;
use crate::cli::Globals;
use crate::client::Client;
use crate::output;
use clap::Args;
use schema::UserId;
use schema::api::AdminUser;
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Debug, Args)]
pub(crate) struct Names {
    /// User ids, usernames or phone numbers.
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,
}

/// What came of each name, in order.
#[derive(Serialize)]
struct Outcome {
    results: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// As given.
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// Disables, or enables, each user that is named; one that fails does not hold up the others.
pub(crate) async fn run(args: &Names, disable: bool, globals: &Globals) -> Result<Exit, Failure> {
    let client = Client::new(globals)?;
    let mut results = Vec::with_capacity(args.users.len());
    for user in &args.users {
        let verb = if disable { "disable" } else { "enable" };
        let changed =
            client.post::<AdminUser>(&format!("{}/{verb}", path(user)), &serde_json::json!({})).await;
        let stop = match &changed {
            Err(failure) if args.users.len() == 1 => return Err(failure.clone()),
            // It would be the same for every other name.
            Err(failure) => matches!(failure.exit, Exit::Auth | Exit::Unreachable),
            Ok(_) => false,
        };
        results.push(row(user, changed));
        if stop {
            break;
        }
    }
    let left = args.users.iter().skip(results.len());
    let left: Vec<Row> = left.map(|user| row(user, Err(not_tried()))).collect();
    results.extend(left);
    let outcome = Outcome { results };
    output::show(&outcome, globals.output)?;
    Ok(exit(&outcome.results))
}

fn row(user: &str, changed: Result<AdminUser, Failure>) -> Row {
    let (found, error) = match changed {
        Ok(found) => (Some(found), None),
        Err(failure) => (None, Some(failure)),
    };
    Row {
        user: user.to_owned(),
        user_id: found.as_ref().map(|found| found.user.user_id),
        disabled: found.as_ref().map(|found| found.disabled),
        error,
    }
}

fn not_tried() -> Failure {
    let hint = "repeat the command: who is done already stays as they are";
    Failure::coded(Exit::Unreachable, "not-tried", "the server did not answer for a name before", hint)
}

/// Done; or some failed; or all failed, in the same way or in several.
fn exit(rows: &[Row]) -> Exit {
    let mut failed = rows.iter().filter_map(|row| row.error.as_ref()).map(|failure| failure.exit);
    let Some(first) = failed.next() else { return Exit::Ok };
    if rows.iter().any(|row| row.error.is_none()) {
        return Exit::Partial;
    }
    if failed.all(|exit| exit == first) { first } else { Exit::Failed }
}

impl output::Show for Outcome {
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let id = row.user_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let status = match (&row.error, row.disabled) {
                (Some(failure), _) => failure.message.clone(),
                (None, Some(true)) => "disabled".to_owned(),
                (None, _) => "enabled".to_owned(),
            };
            vec![row.user.clone(), id, status]
        };
        std::iter::once(["USER", "USER ID", "STATUS"].map(str::to_owned).to_vec())
            .chain(self.results.iter().map(row))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(exits: &[Exit]) -> Vec<Row> {
        let row = |exit: &Exit| Row {
            user: "ann".to_owned(),
            user_id: None,
            disabled: None,
            error: (*exit != Exit::Ok).then(|| Failure::new(*exit, "failed", "see above")),
        };
        exits.iter().map(row).collect()
    }

    #[test]
    fn the_exit_code_says_whether_all_some_or_none_are_done() {
        for (rows_exits, expected) in [
            (&[Exit::Ok, Exit::Ok][..], Exit::Ok),
            (&[Exit::Ok, Exit::NotFound], Exit::Partial),
            (&[Exit::NotFound, Exit::NotFound], Exit::NotFound),
            (&[Exit::NotFound, Exit::Unreachable], Exit::Failed),
        ] {
            assert_eq!(exit(&rows(rows_exits)), expected, "{rows_exits:?}");
        }
    }
}
