//! Makes the users of a run and their tokens through the admin API, in bulk.

use crate::trust;
use futures_util::{StreamExt, TryStreamExt, stream};
use plan::Account;
use reqwest::{Client, StatusCode};
use schema::UserId;
use schema::api::{Import, Imported, Mint, Minted, NewUser, OnConflict, Problem};
use schema::exit::{Exit, Failure};
use schema::limits::{BULK_MAX, MINTED_TOKEN_S_MAX};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for one bulk call.
const CALL: Duration = Duration::from_secs(60);

/// Work factor of the one hash that all users of a login scenario share.
const HASH_COST: u32 = 10;
/// Accounts deleted at a time.
const AT_ONCE: usize = 16;

/// A password that all users of a run have.
pub(crate) struct Password {
    clear: String,
    hash: String,
}

impl Password {
    /// Draws and hashes one.
    pub(crate) fn draw() -> Result<Self, Failure> {
        let clear = format!("bench-{:016x}", rand::random::<u64>());
        let hash = bcrypt::hash(&clear, HASH_COST).map_err(|error| odd("bcrypt", &error.to_string()))?;
        Ok(Self { clear, hash })
    }
}

/// The admin listener and its token.
#[derive(Debug)]
pub(crate) struct Admin {
    client: Client,
    url: String,
    token: String,
}

impl Admin {
    pub(crate) fn new(client: Client, url: &str, token: String) -> Self {
        Self { client, url: url.trim_end_matches('/').to_owned(), token }
    }

    /// Makes `users` accounts, each with a token that lives `life`; without a password they can only be entered by token.
    /// With one, an account's password is `NAME:PASSWORD`, as logins want both.
    pub(crate) async fn provision(
        &self,
        run: u32,
        users: u32,
        life: Duration,
        password: Option<&Password>,
    ) -> Result<Vec<Account>, Failure> {
        let mut accounts = Vec::with_capacity(users as usize);
        let life = i64::try_from(life.as_secs()).unwrap_or(MINTED_TOKEN_S_MAX).min(MINTED_TOKEN_S_MAX);
        let numbers: Vec<u32> = (0..users).collect();
        for chunk in numbers.chunks(BULK_MAX) {
            let ids = self.import(run, chunk, password).await?;
            let body = Mint { users: ids.iter().map(UserId::to_string).collect(), expires_in: Some(life) };
            let minted: Minted = self.post("/admin/tokens", &body).await?;
            if minted.tokens.len() != ids.len()
                || minted.tokens.iter().zip(&ids).any(|(t, id)| t.user_id != *id)
            {
                return Err(odd("POST /admin/tokens", "not one token for each user, in order"));
            }
            let account = |(token, number): (schema::api::MintedToken, &u32)| Account {
                id: token.user_id,
                token: token.access_token,
                password: password.map(|password| format!("{}:{}", username(run, *number), password.clear)),
            };
            accounts.extend(minted.tokens.into_iter().zip(chunk).map(account));
        }
        Ok(accounts)
    }

    async fn import(
        &self,
        run: u32,
        numbers: &[u32],
        password: Option<&Password>,
    ) -> Result<Vec<UserId>, Failure> {
        let new = |number: &u32| {
            let username = username(run, *number).parse().map_err(|e| odd("username", &format!("{e}")))?;
            Ok(NewUser {
                username: Some(username),
                phone_number: None,
                display_name: None,
                password: None,
                password_hash: password.map(|password| password.hash.clone()),
            })
        };
        let rows: Result<Vec<NewUser>, Failure> = numbers.iter().map(new).collect();
        let body = Import { users: rows?, on_conflict: OnConflict::Fail };
        let imported: Imported = self.post("/admin/users/import", &body).await?;
        if imported.results.len() != numbers.len() {
            return Err(odd("POST /admin/users/import", "not one result for each row"));
        }
        let id = |row: schema::api::ImportResult| match (row.user_id, row.error) {
            (Some(id), None) => Ok(id),
            (_, error) => {
                Err(odd("POST /admin/users/import", &error.unwrap_or_else(|| "a row without id".into())))
            }
        };
        imported.results.into_iter().map(id).collect()
    }

    /// Deletes accounts; those that are gone already are no failure. Answers how many there were.
    pub(crate) async fn delete(&self, accounts: &[Account]) -> Result<u64, Failure> {
        let deletions = stream::iter(accounts).map(|account| async move {
            let path = format!("/admin/users/{}", account.id);
            let request = self.client.delete(format!("{}{path}", self.url)).bearer_auth(&self.token);
            let response = request
                .timeout(CALL)
                .send()
                .await
                .map_err(|error| self.unreachable("DELETE", &path, &error))?;
            match response.status() {
                StatusCode::NOT_FOUND => Ok(0),
                status if status.is_success() => Ok(1),
                status => Err(refused("DELETE", &path, status, &response.bytes().await.unwrap_or_default())),
            }
        });
        deletions.buffer_unordered(AT_ONCE).try_fold(0, async |sum, one| Ok(sum + one)).await
    }

    fn unreachable(&self, method: &str, path: &str, error: &reqwest::Error) -> Failure {
        let hint = "is chatd running there? --admin URL names the admin listener, 10 ports above the gateway";
        let why = root(error);
        Failure::new(
            Exit::Unreachable,
            format!("{method} {}{path}: {why}", self.url),
            trust::hint(&why, hint),
        )
    }

    async fn post<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, Failure> {
        let request =
            self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).timeout(CALL).json(body);
        let response = request.send().await.map_err(|error| self.unreachable("POST", path, &error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| odd(path, &root(&error)))?;
        if !status.is_success() {
            return Err(refused("POST", path, status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|error| odd(path, &error.to_string()))
    }
}

/// The build of the server behind a gateway, as far as it says.
pub(crate) async fn version(client: &Client, api: &str) -> Option<String> {
    let response = client.get(format!("{api}/actuator/info")).timeout(CALL).send().await.ok()?;
    let info: Info = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
    Some(format!("{} {}", info.name, info.version))
}

#[derive(serde::Deserialize)]
struct Info {
    name: String,
    version: String,
}

/// Usernames take no hyphen, so the parts are joined by `_`.
pub(crate) fn username(run: u32, number: u32) -> String {
    format!("bench_{run:08x}_{number}")
}

/// The administrator's token: from the file named, else from the data folder.
pub(crate) fn admin_token(token_file: Option<&Path>, data: Option<&Path>) -> Result<String, Failure> {
    let file = match (token_file, data) {
        (Some(file), _) => file.to_owned(),
        (None, Some(data)) => data.join("admin.token"),
        (None, None) => default_data().join("admin.token"),
    };
    let hint = "name it with --token-file FILE, CHATCTL_TOKEN_FILE or the server's --data DIR; chatd writes it at its first start";
    match std::fs::read_to_string(&file) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => Err(Failure::new(Exit::Auth, format!("{} is empty", file.display()), hint)),
        Err(error) => {
            Err(Failure::new(Exit::Auth, format!("no admin token: {}: {error}", file.display()), hint))
        }
    }
}

/// Where chatd keeps its data unless told.
fn default_data() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".local/share/chatd")
}

fn refused(method: &str, path: &str, status: StatusCode, body: &[u8]) -> Failure {
    let (exit, hint) = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            (Exit::Auth, "the admin token is not that of this server; see --token-file and --data")
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            (Exit::Unreachable, "the server is busy: wait a second and repeat")
        }
        _ => (Exit::Failed, "look into the server's log"),
    };
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => {
            let message = format!("{method} {path}: {status}: {}", problem.detail);
            let failure = Failure::coded(exit, problem.code.as_str(), message, hint);
            Failure { request_id: Some(problem.trace_id), ..failure }
        }
        Err(_) => Failure::new(exit, format!("{method} {path}: {status}"), hint),
    }
}

fn odd(what: &str, why: &str) -> Failure {
    Failure::new(Exit::Failed, format!("{what}: {why}"), "chatbench and chatd must be of the same version")
}

/// The innermost cause, which names what the operating system said, or what is wrong with TLS.
pub(crate) fn root(error: &reqwest::Error) -> String {
    if let Some(words) = load::tls::reason(error) {
        return words;
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_usernames() {
        let longest = username(u32::MAX, 999_999);
        assert!(longest.parse::<schema::Username>().is_ok(), "{longest}");
    }

    #[test]
    fn the_token_comes_from_the_file_named_else_from_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("admin.token"), "of-folder\n").unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, "of-file").unwrap();
        assert_eq!(admin_token(Some(&other), Some(folder.path())).unwrap(), "of-file");
        assert_eq!(admin_token(None, Some(folder.path())).unwrap(), "of-folder");
        let missing = admin_token(Some(&folder.path().join("none")), None).unwrap_err();
        assert_eq!(missing.exit, Exit::Auth);
    }
}
