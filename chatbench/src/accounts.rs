//! The accounts of a run in a file, so that many runs can share what one `prepare` has made.

use plan::Account;
use schema::exit::{Exit, Failure};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Changes when another chatbench could not read the file.
const VERSION: u32 = 1;
/// Longest file that is read: tokens of a million users.
const BYTES: u64 = 2 << 30;
/// Who may read it: it holds tokens.
const MODE: u32 = 0o600;

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accounts {
    version: u32,
    /// Base of REST calls of the server that knows them.
    pub(crate) api: String,
    /// Seconds since 1970 at which the tokens end.
    pub(crate) until_s: u64,
    pub(crate) accounts: Vec<Account>,
}

impl Accounts {
    pub(crate) fn new(api: String, until_s: u64, accounts: Vec<Account>) -> Self {
        Self { version: VERSION, api, until_s, accounts }
    }

    /// Writes a file that nobody else can read; there must be none yet, lest accounts be forgotten.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed = |why: String| {
            Failure::new(Exit::Failed, format!("{}: {why}", path.display()), "name another file with --out")
        };
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(MODE).open(path);
        let mut file = std::io::BufWriter::new(file.map_err(|error| failed(error.to_string()))?);
        serde_json::to_writer(&mut file, self).map_err(|error| failed(error.to_string()))?;
        file.flush().map_err(|error| failed(error.to_string()))
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bad = |why: String| {
            let hint = "make one with `chatbench prepare --users N --out FILE`";
            Failure::usage(format!("{}: {why}", path.display()), hint)
        };
        let file = std::fs::File::open(path).map_err(|error| bad(error.to_string()))?;
        if file.metadata().is_ok_and(|data| data.len() > BYTES) {
            return Err(bad("too long for a users file".into()));
        }
        let read: Self = serde_json::from_reader(std::io::BufReader::new(file))
            .map_err(|error| bad(format!("no users file: {error}")))?;
        if read.version != VERSION {
            return Err(bad(format!("version {}, this chatbench reads {VERSION}", read.version)));
        }
        Ok(read)
    }

    /// The first `users` of them, whose tokens must outlive the run.
    pub(crate) fn take(
        self,
        path: &Path,
        users: u32,
        ends_s: u64,
        passwords: bool,
    ) -> Result<Vec<Account>, Failure> {
        let (have, file) = (self.accounts.len(), path.display());
        let again = "run `chatbench prepare` again";
        if have < users as usize {
            return Err(Failure::usage(format!("{file} has {have} users, the run wants {users}"), again));
        }
        if self.until_s < ends_s {
            return Err(Failure::usage(format!("the tokens in {file} end before the run does"), again));
        }
        let mut accounts = self.accounts;
        accounts.truncate(users as usize);
        if passwords && accounts.iter().any(|account| account.password.is_none()) {
            let what = format!("{file} has no passwords, and this scenario logs in");
            return Err(Failure::usage(what, "run `chatbench prepare --passwords`"));
        }
        Ok(accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::UserId;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_read_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let account = || Account { id: UserId::draw(), token: "t".into(), password: None };
        let made: Vec<Account> = (0..4).map(|_| account()).collect();
        Accounts::new("http://x".into(), 100, made.clone()).write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = || Accounts::read(&path).unwrap();
        assert_eq!(read().take(&path, 2, 99, false).unwrap(), made[..2]);
        assert!(read().take(&path, 6, 99, false).unwrap_err().message.contains("has 4 users"));
        assert!(read().take(&path, 2, 101, false).unwrap_err().message.contains("end before"));
        assert!(read().take(&path, 2, 99, true).unwrap_err().hint.contains("--passwords"));
        let again = Accounts::new("http://x".into(), 100, made).write(&path);
        assert!(again.is_err(), "never over another");
    }
}
