//! The one HTTP request of a connection.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest head of a request.
pub(super) const HEAD_BYTES: usize = 8 << 10;
/// What RFC 6455 has hashed behind the key.
const SALT: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Who comes in, and by which door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Relay(u32),
    /// Who it is, CONNECT says.
    Stomp,
}

/// A request that is to be upgraded, and the key of its answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) door: Door,
    accept: String,
}

impl Request {
    /// Reads a whole head; none when it is for nothing that is here.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(head).ok()?.lines();
        let path = lines.next()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
        let door = match path.strip_prefix("/relay/") {
            Some(user) => Door::Relay(user.parse().ok()?),
            None => (path == "/ws/websocket").then_some(Door::Stomp)?,
        };
        let key = lines
            .filter_map(|line| line.split_once(':'))
            .find_map(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim()))?;
        let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        hash.update(key.as_bytes());
        hash.update(SALT);
        Some(Self { door, accept: STANDARD.encode(hash.finish()) })
    }

    pub(super) fn answer(&self) -> Vec<u8> {
        let accept = &self.accept;
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .into_bytes()
    }
}

/// The answer to everything else.
pub(super) const REFUSAL: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_doors_are_known_and_the_key_is_answered() {
        let head = |path: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        };
        let request = Request::read(head("/relay/17").as_bytes()).unwrap();
        assert_eq!(request.door, Door::Relay(17));
        // The example of RFC 6455, section 1.3.
        assert_eq!(request.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(Request::read(head("/ws/websocket").as_bytes()).unwrap().door, Door::Stomp);
        for other in ["/", "/relay/", "/relay/x", "/relay/4294967296", "/ws"] {
            assert_eq!(Request::read(head(other).as_bytes()), None, "{other}");
        }
        assert_eq!(Request::read(b"GET /ws/websocket HTTP/1.1\r\nHost: a\r\n\r\n"), None);
    }
}
