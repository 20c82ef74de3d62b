//! `chatctl user create`.

use super::{path, secret};
use crate::cli::Globals;
use crate::client::Client;
use crate::output;
use clap::Args;
use schema::api::{AdminUser, NewUser};
use schema::exit::{Exit, Failure};
use schema::{Code, DisplayName, Phone, Username};

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// A unique name, such as user1: 3-32 of a-z 0-9 _ . and first a letter.
    #[arg(long, required_unless_present = "phone")]
    username: Option<Username>,
    /// The phone number: + and 8-15 digits.
    #[arg(long)]
    phone: Option<Phone>,
    /// What others see [default: the username or the phone number].
    #[arg(long)]
    display_name: Option<DisplayName>,
    /// The file that holds the password, - for stdin. Without one the account can only be entered by `token mint`.
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
    /// Accept a user that is there already, if it is the same (passwords cannot be compared).
    #[arg(long)]
    if_not_exists: bool,
}

pub(crate) async fn run(args: Create, globals: &Globals) -> Result<Exit, Failure> {
    let client = Client::new(globals)?;
    let user = NewUser {
        username: args.username,
        phone_number: args.phone,
        display_name: args.display_name,
        password: args.password_file.as_deref().map(secret).transpose()?,
        password_hash: None,
    };
    let created: AdminUser = match client.post("/admin/users", &user).await {
        Err(failure) if args.if_not_exists && failure.code == Code::UserAlreadyExists.as_str() => {
            existing(&client, &user, failure).await?
        }
        result => result?,
    };
    output::show(&created, globals.output)?;
    Ok(Exit::Ok)
}

/// The user that is there, if it is the one that was asked for.
async fn existing(client: &Client, wanted: &NewUser, taken: Failure) -> Result<AdminUser, Failure> {
    let name =
        wanted.username.as_ref().map(Username::as_str).or(wanted.phone_number.as_ref().map(Phone::as_str));
    let Some(name) = name else { return Err(taken) };
    let found: AdminUser = match client.get(&path(name)).await {
        Err(failure) if failure.exit == Exit::NotFound => {
            let hint = "look with `chatctl user get` who has the phone number";
            return Err(Failure::new(Exit::Differs, taken.message, hint));
        }
        result => result?,
    };
    let mut differences = Vec::new();
    differ(&mut differences, "username", wanted.username.as_ref(), found.user.username.as_ref());
    differ(&mut differences, "phoneNumber", wanted.phone_number.as_ref(), found.user.phone_number.as_ref());
    differ(&mut differences, "displayName", wanted.display_name.as_ref(), Some(&found.user.display_name));
    if differences.is_empty() {
        return Ok(found);
    }
    let message = format!("{name} is there, but differs: {}", differences.join("; "));
    Err(Failure::new(Exit::Differs, message, "choose another name, or delete that user first"))
}

fn differ<T: PartialEq + std::fmt::Display>(
    into: &mut Vec<String>,
    field: &str,
    wanted: Option<&T>,
    found: Option<&T>,
) {
    if let Some(wanted) = wanted
        && found != Some(wanted)
    {
        let found = found.map_or_else(|| "none".to_owned(), ToString::to_string);
        into.push(format!("{field} is {found}, not {wanted}"));
    }
}
