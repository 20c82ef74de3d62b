//! The API's descriptions are made from the code; the files that are checked in must be the same, and what
//! they say must be so.

use crate::server::Server;
use crate::stomp::Client;
use schema::wire::stomp::{Command, Frame};
use serde_json::Value;
use std::collections::BTreeSet;

async fn compare(url: &str, file: &str) {
    let served = reqwest::get(url).await.unwrap().text().await.unwrap();
    let path = format!("{}/../schema/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == served,
        "schema/{file} is not what the code says: run this test with UPDATE_OPENAPI=1 and commit it"
    );
}

#[tokio::test]
async fn the_files_are_what_the_code_says() {
    let server = Server::start().await;
    compare(&server.api("/asyncapi.json"), "asyncapi.json").await;
    compare(&server.api("/openapi.json"), "openapi.json").await;
    compare(&server.admin("/openapi.json"), "openapi-admin.json").await;
}

/// The addresses of the channels with this action: `receive` is what clients send to.
async fn described(server: &Server, action: &str, channel: &str) -> BTreeSet<String> {
    let document: Value = reqwest::get(server.api("/asyncapi.json")).await.unwrap().json().await.unwrap();
    let operations = document["operations"].as_object().unwrap().values();
    operations
        .filter(|operation| operation["action"] == action)
        .map(|operation| document.pointer(&operation["channel"]["$ref"].as_str().unwrap()[1..]).unwrap())
        .filter(|of| of["servers"].as_array().unwrap().iter().any(|server| server["$ref"] == channel))
        .map(|channel| channel["address"].as_str().unwrap().to_owned())
        .collect()
}

/// The destinations in the websocket service's own table that begin like this.
fn known(beginning: &str) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/websocket/src/destination.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let code = source.split("#[cfg(test)]").next().unwrap();
    let texts = code.split('"').skip(1).step_by(2).filter(|text| text.starts_with(beginning));
    texts.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_destination_is_described_and_every_one_described_is_there() {
    let server = Server::start().await;
    let tokens = server.people(&["user1", "user2"]).await;
    let sends = described(&server, "receive", "#/servers/websocket").await;
    let subscriptions = described(&server, "send", "#/servers/sockjs").await;
    assert_eq!(sends, known("/app/"));
    let queues = subscriptions.iter().filter(|address| address.starts_with("/user/"));
    assert_eq!(queues.cloned().collect::<BTreeSet<_>>(), known("/user/"));
    assert!(
        known("/topic/").iter().all(|prefix| subscriptions.iter().any(|address| address.starts_with(prefix)))
    );

    let mut client = Client::connect(server.port(), &tokens[0]).await.unwrap();
    for (number, address) in subscriptions.iter().enumerate() {
        let frame = Frame::new(Command::Subscribe)
            .with("destination", &address.replace("{user}", "user2"))
            .with("id", &number.to_string())
            .with("receipt", address);
        client.put(frame).await.unwrap();
        let answer = loop {
            let frame = client.next().await.unwrap();
            if frame.command != Command::Message {
                break frame;
            }
        };
        assert_eq!((answer.command, answer.header("receipt-id")), (Command::Receipt, Some(address.as_str())));
    }
    for address in &sends {
        // An empty body: refused by most, but a destination that is not there would end the session.
        let frame = Frame::new(Command::Send).with("destination", address).with("receipt", address);
        client.put(frame).await.unwrap();
        let answer = client.next().await.unwrap();
        assert!([Command::Receipt, Command::Message].contains(&answer.command), "{address}: {answer:?}");
    }
}

#[tokio::test]
async fn the_documentation_comes_from_here_alone() {
    let server = Server::start().await;
    let page = reqwest::get(server.api("/docs")).await.unwrap();
    assert_eq!(page.url().path(), "/docs/");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for part in ["default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("http"), "no other address is in it: {policy}");
    let html = page.text().await.unwrap();
    assert!(!html.contains("://"), "{html}");
    // Without inline scripts, which the policy forbids.
    assert_eq!(html.matches("<script").count(), html.matches("<script src=").count());
    let files: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()))
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let path = if file.starts_with('/') { file.to_owned() } else { format!("/docs/{file}") };
        assert_eq!(reqwest::get(server.api(&path)).await.unwrap().status(), 200, "{path}");
    }
    for missing in ["/docs/index.html.bak", "/docs/..%2fopenapi.json", "/docs/oauth2-redirect.html"] {
        assert_eq!(reqwest::get(server.api(missing)).await.unwrap().status(), 404, "{missing}");
    }
}
