//! The first message that chatd prints for pasting: a shell takes it as it is, and it is sent.

use crate::server::Server;
use std::path::Path;
use std::process::Command;

#[tokio::test]
async fn what_chatd_prints_to_paste_sends_a_message() {
    let server = Server::start().await;
    let commands: Vec<&str> =
        server.greeting.lines().skip_while(|line| !line.starts_with("A first message")).skip(1).collect();
    // curl may be missing where the tests run: the shell shows what it would be called with.
    let script = format!("set -e\ncurl() {{ printf '%s\\n' \"$@\"; }}\n{}", commands.join("\n"));
    let tools = Path::new(env!("CARGO_BIN_EXE_chatctl")).parent().unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").arg("-c").arg(&script).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{script}\n{output:?}");

    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.lines().skip_while(|line| *line != "-X").collect();
    let ["-X", "POST", url, "-H", json, "-H", bearer, "-d", body] = words.as_slice() else {
        panic!("{words:?}")
    };
    let mut request = reqwest::Client::new().post(*url).body((*body).to_owned());
    for header in [json, bearer] {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let message: serde_json::Value = response.json().await.unwrap();
    assert_eq!((&message["content"], &message["sequence"]), (&"Hello!".into(), &1.into()));
}
