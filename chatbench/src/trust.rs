//! Whom a TLS server must be signed by: the authorities of this machine, or those of `--ca` and no others.

use crate::cli::Door;
use reqwest::Client;
use schema::exit::{Exit, Failure};
use std::path::Path;

/// Bytes of the longest file that is read: a bundle of all public authorities has a quarter of a MiB.
const BYTES: u64 = 4 << 20;

/// What to do about a reason why nobody answers: `otherwise`, unless it is TLS that is in the way.
pub(crate) fn hint<'a>(why: &str, otherwise: &'a str) -> &'a str {
    if why.contains("TLS: ") {
        "the server must be who --target says it is, signed by whom this machine or --ca FILE trusts; no switch trusts everybody"
    } else {
        otherwise
    }
}

/// Whom to trust; nobody by default, where all addresses are plain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    /// The text of `--ca`, read and found sound; none where this machine's authorities are trusted.
    pem: Option<String>,
    /// Whether any address speaks TLS.
    sealed: bool,
}

impl Trust {
    /// Reads what is named. A file that would trust nobody is refused, and one that nothing would look into: when not even
    /// one address `is_tls`.
    pub(crate) fn of(door: &Door, is_tls: bool) -> Result<Self, Failure> {
        let Some(file) = &door.ca else {
            return Ok(Self { pem: None, sealed: is_tls });
        };
        if !is_tls {
            let what = "--ca is of TLS, and all addresses are plain";
            return Err(Failure::usage(what, "write https:// (wss://, mqtts://), or leave --ca out"));
        }
        read(file).map(|pem| Self { pem: Some(pem), sealed: true }).map_err(|why| {
            let hint = "name a PEM file with the certificate of the authority that signed the server's";
            Failure::usage(format!("--ca {}: {why}", file.display()), hint)
        })
    }

    pub(crate) fn pem(&self) -> Option<&str> {
        self.pem.as_deref()
    }

    /// A client for REST.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let built = load::tls::client(self.pem(), self.sealed)
            .and_then(|builder| builder.build().map_err(|error| crate::provision::root(&error)));
        built.map_err(|why| {
            Failure::new(Exit::Failed, format!("TLS: {why}"), "name an authority with --ca FILE")
        })
    }
}

fn read(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > BYTES {
        return Err(format!("{size} bytes, {BYTES} at most"));
    }
    let pem = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    load::tls::roots(Some(&pem))?;
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(target: &str, ca: &Path) -> Door {
        Door {
            target: vec![target.to_owned()],
            api: None,
            admin: None,
            data: None,
            token_file: None,
            ca: Some(ca.to_owned()),
        }
    }

    #[test]
    fn an_authority_that_is_none_is_refused_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let refused = |target: &str, words: &str| {
            let door = door(target, &file);
            let failure = Trust::of(&door, door.is_tls()).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains(words) && !failure.hint.is_empty(), "{failure}");
        };
        refused("https://a", "No such file");
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        refused("https://a", "no certificate");
        refused("http://a", "plain");
        std::fs::File::create(&file).unwrap().set_len(BYTES + 1).unwrap();
        refused("wss://a", "at most");
    }

    #[test]
    fn without_one_the_machine_is_asked() {
        let trust = Trust::of(&Door { ca: None, ..door("https://a", Path::new("")) }, true).unwrap();
        assert_eq!(trust.pem(), None);
    }
}
