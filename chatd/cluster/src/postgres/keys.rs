//! The keys of an installation: files in each process's directory, shared through a table, so that all sign and
//! verify alike.

use super::People;
use super::rows::get;
use edge::secret;
use sqlx::query;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use store::Error;

/// Why the keys are not shared.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("keys in {dir}: {cause}")]
    Files { dir: PathBuf, cause: io::Error },
    #[error(transparent)]
    Store(#[from] Error),
    /// Two installations were mixed up, or a key was replaced under its old name.
    #[error(
        "{file} is not what this installation shares under that name: move it away and start again, then the \
         shared one takes its place; to bring a new signing key in, give it a new name"
    )]
    Other { file: PathBuf },
}

/// Keys by the names of their files.
type Secrets = BTreeMap<String, Vec<u8>>;

/// Makes the directory and the installation hold the same keys: what the installation has is written here, then
/// `draw` makes what is still missing, then what is new here is shared. One process at a time does this, so of
/// several first ones the first draws and the others find. A key that an operator adds to one directory reaches
/// another process when that starts next.
///
/// # Errors
/// When a file differs from the shared one of its name, or files or the store do not answer.
pub async fn share_keys(
    people: &People,
    dir: &Path,
    draw: impl FnOnce(&Path) -> io::Result<()> + Send,
) -> Result<(), KeysError> {
    const PUT: &str = "insert into secrets (name, bytes) select * from unnest($1::text[], $2::bytea[])";
    let failed = |cause| KeysError::Files { dir: dir.to_owned(), cause };
    secret::private_dir(dir).map_err(failed)?;
    let mut work = people.begin().await?;
    // Readers are not held up; who shares waits for its turn.
    work.run(query("lock table secrets in share row exclusive mode")).await?;
    let rows = work.run(query("select name, bytes from secrets order by name")).await?;
    let mut shared = Secrets::new();
    for row in &rows {
        shared.insert(get(row, "name")?, get(row, "bytes")?);
    }
    let own = read(dir).map_err(failed)?;
    if let Some((name, _)) = own.iter().find(|(name, bytes)| shared.get(*name).is_some_and(|s| s != *bytes)) {
        return Err(KeysError::Other { file: dir.join(name) });
    }
    for (name, bytes) in shared.iter().filter(|(name, _)| is_key(name)) {
        secret::read_or_draw(&dir.join(name), || Ok(bytes.clone())).map_err(failed)?;
    }
    draw(dir).map_err(failed)?;
    let new: Secrets =
        read(dir).map_err(failed)?.into_iter().filter(|(name, _)| !shared.contains_key(name)).collect();
    let (names, bytes): (Vec<_>, Vec<_>) = new.into_iter().unzip();
    if names.is_empty() {
        work.undo().await?;
        return Ok(());
    }
    work.run(query(PUT).bind(names).bind(bytes)).await?;
    work.commit().await?;
    Ok(())
}

/// The keys in the directory.
fn read(dir: &Path) -> io::Result<Secrets> {
    let mut own = Secrets::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && is_key(&name)
        {
            own.insert(name, secret::read(&entry.path())?);
        }
    }
    Ok(own)
}

/// Whether a file of this name belongs to the installation. Names of the table become paths, so they are plain.
fn is_key(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let signing = name.strip_prefix("ed25519-").and_then(|name| name.strip_suffix(".p8"));
    matches!(name, "cursor.key" | "link.token") || signing.is_some_and(|name| name.bytes().all(plain))
}
