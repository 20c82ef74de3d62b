//! The URL of a Cassandra cluster.

use super::Cassandra;
use crate::BadUrl;
use std::path::PathBuf;

const EXAMPLE: &str =
    "cassandra://[user:password@]host:9042[,host2:9042]/keyspace[?dc=dc1&replication=3&ca=FILE]";
/// Cassandra's own port.
const PORT: u16 = 9042;
/// The keyspace of who names none.
const KEYSPACE: &str = "chatd";
/// Bytes of a keyspace's name, at most: Cassandra's bound.
const KEYSPACE_BYTES: usize = 48;

pub(super) fn parse(url: &str) -> Result<Cassandra, BadUrl> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("no scheme"))?;
    let tls = match scheme {
        "cassandra" => false,
        "cassandras" => true,
        _ => return Err(bad("the scheme is neither cassandra nor cassandras")),
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match place.rfind('/') {
        Some(slash) => (&place[..slash], &place[slash + 1..]),
        None => (place, ""),
    };
    // A password may hold an @ that somebody forgot to encode: the last one ends it.
    let (credentials, hosts) = match authority.rsplit_once('@') {
        Some((credentials, hosts)) => (Some(self::credentials(credentials)?), hosts),
        None => (None, authority),
    };
    let mut cassandra = Cassandra {
        nodes: hosts.split(',').map(node).collect::<Result<_, _>>()?,
        credentials,
        keyspace: keyspace(if path.is_empty() { KEYSPACE } else { path })?,
        datacenter: None,
        replication: 1,
        tls,
        ca: None,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        option(&mut cassandra, pair)?;
    }
    if tls && cassandra.ca.is_none() {
        return Err(bad("cassandras:// needs ca=FILE, the PEM certificates to trust"));
    }
    Ok(cassandra)
}

/// A plain lower-case name, which can stand in a statement without quotes.
pub(super) fn keyspace(name: &str) -> Result<String, BadUrl> {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !plain || name.len() > KEYSPACE_BYTES || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(bad("the keyspace is no name of up to 48 of a-z, 0-9 and _, a letter first"));
    }
    Ok(name.to_owned())
}

fn credentials(text: &str) -> Result<(String, String), BadUrl> {
    let (user, password) = text.split_once(':').ok_or_else(|| bad("no password before the @"))?;
    Ok((decode(user)?, decode(password)?))
}

/// `host:port`; the port may be left out.
fn node(text: &str) -> Result<String, BadUrl> {
    let (host, port) = match text.rsplit_once(':') {
        // Of an address in brackets the colons inside are no port's.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port =
        port.map_or(Ok(PORT), str::parse).map_err(|_| bad("a host's port is no number up to 65535"))?;
    if host.is_empty() {
        return Err(bad("no host"));
    }
    Ok(format!("{host}:{port}"))
}

fn option(cassandra: &mut Cassandra, pair: &str) -> Result<(), BadUrl> {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let value = decode(value)?;
    match key {
        "dc" if !value.is_empty() && !value.contains('\'') => cassandra.datacenter = Some(value),
        "dc" => return Err(bad("dc names no datacenter")),
        "replication" => match value.parse() {
            Ok(count @ 1..=9) => cassandra.replication = count,
            _ => return Err(bad("replication is not a number from 1 to 9")),
        },
        "ca" if !value.is_empty() => cassandra.ca = Some(PathBuf::from(value)),
        "ca" => return Err(bad("ca names no file")),
        _ => return Err(bad("an option is none of dc, replication and ca")),
    }
    Ok(())
}

/// Takes the percent signs out.
fn decode(text: &str) -> Result<String, BadUrl> {
    let wrong = || bad("a percent sign is not followed by two hexadecimal digits, or the text is no UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(wrong);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).map_err(|_| wrong())?);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn bad(wrong: &str) -> BadUrl {
    BadUrl::new(wrong, EXAMPLE)
}
