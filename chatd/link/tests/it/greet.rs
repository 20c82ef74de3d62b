//! Who is let in.

use crate::raw::{Raw, hello};
use crate::world::{Core, PATIENCE, client, open, until};
use edge::Revocations;
use link::Token;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Says hello and reads everything until the server closes.
async fn refused(address: SocketAddr, hello: &Value) -> Value {
    let mut raw = Raw(TcpStream::connect(address).await.unwrap());
    raw.say(hello).await;
    serde_json::from_slice(&raw.rest().await[4..]).unwrap()
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_version_are_told_so_and_closed() {
    let core = Core::new().await;
    let hello = |version: u32, token: &str| {
        let mut hello = hello("All");
        hello["version"] = version.into();
        hello["token"] = token.into();
        hello
    };
    let said = |answer: Value| answer["Refused"].as_str().unwrap().to_owned();
    assert!(said(refused(core.address, &hello(1, "guess")).await).contains("token is wrong"));
    assert!(said(refused(core.address, &hello(99, "guess")).await).contains("version 1 of the link, not 99"));
    assert!(said(refused(core.address, &json!({"hi": 1})).await).contains("must be a hello"));
    // Nothing, too much, and no JSON: closed without a word.
    for bytes in [&b""[..], &b"\xff\xff\xff\xffGET / HTTP/1.1\r\n\r\n"[..], &b"\0\0\0\x02{]"[..]] {
        let mut stream = TcpStream::connect(core.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
        assert!(end.is_err() || answer.is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_process_with_a_wrong_token_is_never_linked() {
    let core = Core::new().await;
    let wrong = link::Client { token: Token::new(&[4; 32]), ..client(&[core.address]) };
    let wrong = open(wrong, Arc::new(Revocations::new()));
    let right = open(client(&[core.address]), Arc::new(Revocations::new()));
    until("linked", || right.health().is_ok()).await;
    assert!(wrong.health().is_err());
    assert_eq!(wrong.links(), 0);
}
