//! The handshake of a WebSocket by hand: a request, and the head of the answer.

/// The longest head of an answer that is read.
pub(crate) const HEAD_BYTES: usize = 16 << 10;
/// Bytes of a refusal's body that are shown.
const WORDS: usize = 200;

/// Appends the request. The key is of 16 bytes, which nobody but a cache needs to be unpredictable.
pub(crate) fn request(path: &str, authority: &str, headers: &[(&'static str, String)], into: &mut Vec<u8>) {
    let mut put = |text: &str| into.extend_from_slice(text.as_bytes());
    put("GET ");
    put(path);
    put(" HTTP/1.1\r\nHost: ");
    put(authority);
    put("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    // 21 digits, and a last one without stray bits: base64 of 16 bytes.
    put(&format!("{:021x}A==", rand::random::<u128>() >> 44));
    put("\r\n");
    for (name, value) in headers {
        put(name);
        put(": ");
        put(value);
        put("\r\n");
    }
    put("\r\n");
}

/// What an answer says so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its head is not all there.
    Partial,
    /// The connection is a WebSocket; frames begin at this byte.
    Upgraded(usize),
    Refused(String),
}

/// Reads what has come of an answer.
pub(crate) fn answer(bytes: &[u8]) -> Answer {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        if bytes.len() > HEAD_BYTES {
            return Answer::Refused("an answer without an end of its head".into());
        }
        return Answer::Partial;
    };
    let head = &bytes[..end];
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if line.starts_with(b"HTTP/1.1 101") {
        return Answer::Upgraded(end + 4);
    }
    let body = &bytes[end + 4..bytes.len().min(end + 4 + WORDS)];
    let words = format!("{} {}", String::from_utf8_lossy(line), String::from_utf8_lossy(body));
    Answer::Refused(words.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_all_that_a_server_wants() {
        let mut bytes = Vec::new();
        request(
            "/ws/websocket",
            "localhost:80",
            &[("Sec-WebSocket-Protocol", "v12.stomp".into())],
            &mut bytes,
        );
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("GET /ws/websocket HTTP/1.1\r\nHost: localhost:80\r\n"), "{text}");
        assert!(text.contains("\r\nSec-WebSocket-Protocol: v12.stomp\r\n"));
        assert!(text.ends_with("\r\n\r\n"));
        let key = text.split("Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
        assert_eq!(key.len(), 24);
        assert!(key.ends_with("A=="));
    }

    #[test]
    fn an_answer_is_read_however_it_arrives() {
        let whole = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01a";
        for end in 0..whole.len() - 3 {
            assert_eq!(answer(&whole[..end]), Answer::Partial, "{end}");
        }
        assert_eq!(answer(whole), Answer::Upgraded(whole.len() - 3));
        let refused = answer(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n\r\nslow down");
        assert_eq!(refused, Answer::Refused("HTTP/1.1 429 Too Many Requests slow down".into()));
        assert!(matches!(answer(&vec![b'x'; HEAD_BYTES + 1]), Answer::Refused(_)));
    }
}
