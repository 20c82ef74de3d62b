//! RFC 6455 to the letter, with frames made by hand.

use crate::http::{Head, Http};
use crate::world::World;
use schema::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

async fn handshake(world: &World, change: &[(&str, &str)]) -> (Http, Head) {
    let mut headers = vec![
        ("Upgrade", "websocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    for (name, value) in change {
        headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            headers.push((name, value));
        }
    }
    let mut http = Http::open(world.address).await;
    http.request("GET", "/ws/websocket", &headers, b"").await;
    let head = http.head().await;
    (http, head)
}

async fn open(world: &World) -> Http {
    let (http, head) = handshake(world, &[]).await;
    assert_eq!(head.status, 101);
    http
}

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | u8::try_from(short).unwrap()),
        middle @ 126..=65_535 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

async fn write(http: &mut Http, bytes: &[u8]) {
    http.stream.get_mut().write_all(bytes).await.unwrap();
}

/// The server's next frame; `None` at the end of the stream.
async fn read(http: &mut Http) -> Option<(u8, Vec<u8>)> {
    let first = http.stream.read_u8().await.ok()?;
    let length = http.stream.read_u8().await.unwrap();
    assert_eq!(length & 0x80, 0, "a server does not mask");
    let length = match length {
        126 => usize::from(http.stream.read_u16().await.unwrap()),
        127 => usize::try_from(http.stream.read_u64().await.unwrap()).unwrap(),
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    http.stream.read_exact(&mut payload).await.unwrap();
    Some((first, payload))
}

/// The code that the server closes with, and that nothing comes behind it.
async fn code(http: &mut Http) -> Option<u16> {
    loop {
        match read(http).await {
            Some((first, payload)) if first == FIN | CLOSE => {
                // Heard out, as the RFC wants it.
                let _ = http.stream.get_mut().write_all(&frame(FIN | CLOSE, &payload)).await;
                assert_eq!(read(http).await, None, "one close, and the end");
                return Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
            }
            Some((first, _)) => assert_eq!(first, FIN | TEXT, "an ERROR may come before"),
            None => return None,
        }
    }
}

#[tokio::test]
async fn the_handshake_is_checked_and_answered_to_the_letter() {
    let world = World::new().await;
    let (_http, head) = handshake(&world, &[]).await;
    assert_eq!(head.status, 101);
    assert_eq!(head.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(head.header("upgrade").eq_ignore_ascii_case("websocket"));
    assert!(head.header("connection").eq_ignore_ascii_case("upgrade"));
    assert!(!head.headers.contains_key("sec-websocket-protocol"));
    for version in ["8", "14", "0", "13, 8", ""] {
        let (_http, head) = handshake(&world, &[("Sec-WebSocket-Version", version)]).await;
        assert_eq!((head.status, head.header("sec-websocket-version")), (400, "13"), "{version}");
    }
    for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZdGhlIHNhbXBsZSBub25jZQ=="] {
        assert_eq!(handshake(&world, &[("Sec-WebSocket-Key", key)]).await.1.status, 400, "{key}");
    }
    assert_eq!(handshake(&world, &[("Upgrade", "h2c")]).await.1.status, 400);
    assert_eq!(handshake(&world, &[("Connection", "keep-alive")]).await.1.status, 400);
    for (offered, chosen) in [
        ("v10.stomp, v11.stomp, v12.stomp", "v12.stomp"),
        ("v11.stomp", "v11.stomp"),
        ("chat, v10.stomp", "v10.stomp"),
        ("chat", ""),
    ] {
        let (_http, head) = handshake(&world, &[("Sec-WebSocket-Protocol", offered)]).await;
        assert_eq!((head.status, head.header("sec-websocket-protocol")), (101, chosen), "{offered}");
    }
    let offer = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")];
    let (_http, head) = handshake(&world, &offer).await;
    assert_eq!((head.status, head.header("sec-websocket-extensions")), (101, ""));
}

#[tokio::test]
async fn what_breaks_the_framing_is_1002() {
    let world = World::new().await;
    let long = vec![b'x'; 126];
    let cases: &[(&str, &[Vec<u8>])] = &[
        ("unmasked", &[vec![FIN | TEXT, 1, b'\n']]),
        ("reserved data opcode", &[frame(FIN | 3, b"")]),
        ("reserved control opcode", &[frame(FIN | 11, b"")]),
        ("RSV1 without an extension", &[frame(FIN | 0x40 | TEXT, b"\n")]),
        ("RSV2", &[frame(FIN | 0x20 | TEXT, b"\n")]),
        ("RSV3 on a ping", &[frame(FIN | 0x10 | PING, b"")]),
        ("stray continuation", &[frame(FIN, b"\n")]),
        ("stray first continuation", &[frame(0, b"\n")]),
        ("new data inside fragments", &[frame(TEXT, b"\n"), frame(FIN | TEXT, b"\n")]),
        ("new fragments inside fragments", &[frame(BINARY, b"\n"), frame(TEXT, b"\n")]),
        ("fragmented ping", &[frame(PING, b"x")]),
        ("fragmented close", &[frame(CLOSE, &[3, 232])]),
        ("long ping", &[frame(FIN | PING, &long)]),
        ("long close", &[frame(FIN | CLOSE, &[&[3, 232], long.as_slice()].concat())]),
        ("close of one byte", &[frame(FIN | CLOSE, &[3])]),
    ];
    for (name, frames) in cases {
        let mut http = open(&world).await;
        write(&mut http, &frames.concat()).await;
        assert_eq!(code(&mut http).await, Some(1002), "{name}");
    }
}

#[tokio::test]
async fn close_codes_that_may_not_be_sent_are_refused_and_others_echoed_once() {
    let world = World::new().await;
    for bad in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        let mut http = open(&world).await;
        write(&mut http, &frame(FIN | CLOSE, &bad.to_be_bytes())).await;
        assert_eq!(code(&mut http).await, Some(1002), "{bad}");
    }
    for good in [1000_u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4999] {
        let mut http = open(&world).await;
        write(&mut http, &frame(FIN | CLOSE, &[&good.to_be_bytes(), "gr\u{fc}n".as_bytes()].concat())).await;
        assert_eq!(code(&mut http).await, Some(good));
    }
    // An empty close is legal, and its echo as empty.
    let mut http = open(&world).await;
    write(&mut http, &frame(FIN | CLOSE, b"")).await;
    assert_eq!(read(&mut http).await, Some((FIN | CLOSE, vec![])));
    assert_eq!(read(&mut http).await, None);
}

#[tokio::test]
async fn text_that_is_no_utf8_is_1007_wherever_it_is_cut() {
    let world = World::new().await;
    let cases: &[(&str, &[Vec<u8>])] = &[
        ("whole", &[frame(FIN | TEXT, b"a\xffb")]),
        ("overlong", &[frame(FIN | TEXT, b"\xc0\x80")]),
        ("surrogate", &[frame(FIN | TEXT, b"\xed\xa0\x80")]),
        ("beyond Unicode", &[frame(FIN | TEXT, b"\xf4\x90\x80\x80")]),
        ("half a letter at the end", &[frame(FIN | TEXT, b"\xe2\x82")]),
        ("in the second fragment", &[frame(TEXT, b"ok"), frame(FIN, b"\xff")]),
        ("half a letter, then another", &[frame(TEXT, b"\xe2\x82"), frame(FIN, b"a")]),
        ("in a close reason", &[frame(FIN | CLOSE, b"\x03\xe8\xff")]),
    ];
    for (name, frames) in cases {
        let mut http = open(&world).await;
        write(&mut http, &frames.concat()).await;
        assert_eq!(code(&mut http).await, Some(1007), "{name}");
    }
    // A letter in two fragments is whole; what is wrong with it then is only that it is no STOMP.
    let mut http = open(&world).await;
    write(&mut http, &[frame(TEXT, b"\xe2\x82"), frame(0, b""), frame(FIN, b"\xac\n\n\0")].concat()).await;
    let (first, payload) = read(&mut http).await.unwrap();
    assert_eq!(first, FIN | TEXT);
    assert!(String::from_utf8(payload).unwrap().contains('\u{20ac}'));
}

#[tokio::test]
async fn too_much_is_1009_before_it_has_come() {
    let world = World::new().await;
    // Only the heads: what they announce is refused, not waited for.
    let mut announced = vec![FIN | BINARY, 0x80 | 127];
    announced.extend_from_slice(&(1_u64 << 62).to_be_bytes());
    announced.extend_from_slice(&MASK);
    let half = vec![b'\n'; limits::FRAME_BYTES / 2 + 1];
    let fragments = [frame(BINARY, &half), frame(FIN, &half)].concat();
    for (name, bytes) in [("one frame", announced), ("fragments", fragments)] {
        let mut http = open(&world).await;
        write(&mut http, &bytes).await;
        assert_eq!(code(&mut http).await, Some(1009), "{name}");
    }
}

#[tokio::test]
async fn pings_are_answered_also_between_fragments() {
    let world = World::new().await;
    let mut http = open(&world).await;
    let full = vec![0xff; 125];
    for payload in [&b""[..], b"hello", &full] {
        write(&mut http, &frame(FIN | PING, payload)).await;
        assert_eq!(read(&mut http).await, Some((FIN | PONG, payload.to_vec())));
    }
    // Byte by byte, as a slow network brings it; an unasked pong is nothing.
    let hello = [frame(FIN | PONG, b"unasked"), frame(TEXT, b"HEL"), frame(FIN | PING, b"between")].concat();
    for byte in hello {
        write(&mut http, &[byte]).await;
    }
    assert_eq!(read(&mut http).await, Some((FIN | PONG, b"between".to_vec())));
    write(&mut http, &frame(FIN, b"LO\n\n\0")).await;
    let (_, payload) = read(&mut http).await.unwrap();
    assert!(String::from_utf8(payload).unwrap().contains("unknown command \"HELLO\""), "both halves arrived");
    assert_eq!(code(&mut http).await, Some(1002));
}

#[tokio::test]
async fn bytes_behind_the_handshake_are_not_lost_and_a_cut_connection_is_cleaned_up() {
    let world = World::new().await;
    let mut http = Http::open(world.address).await;
    let mut request =
        format!("GET /ws/websocket HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n", world.address);
    request.push_str("Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    request.push_str("Sec-WebSocket-Version: 13\r\n\r\n");
    // The first frame comes in the same segment.
    write(&mut http, &[request.into_bytes(), frame(FIN | PING, b"early")].concat()).await;
    assert_eq!(http.head().await.status, 101);
    assert_eq!(read(&mut http).await, Some((FIN | PONG, b"early".to_vec())));
    assert_eq!(world.service.sockets(), 1);
    drop(http);
    while world.service.sockets() > 0 {
        tokio::task::yield_now().await;
    }
}
