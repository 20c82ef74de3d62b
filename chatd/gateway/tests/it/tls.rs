//! Services behind certificates.

use crate::fixture::{Front, Process, Told, problem, quick};
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::{any, get};
use edge::{Serve, Tls};
use futures_util::{SinkExt, StreamExt};
use gateway::{Config, Gateway, Place, Table};
use schema::Code;
use std::path::Path;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// A certificate for localhost in a folder, and a process that serves with it.
fn encrypted(folder: &Path) -> Process {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), key.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.signing_key.serialize_pem()).unwrap();
    let tls = Tls::open(&folder.join("cert.pem"), &folder.join("key.pem")).unwrap();
    let routes = Router::new()
        .route("/actuator/health", get(|| async {}))
        .route("/api/chat/sync", get(|| async { "in secret" }))
        .route(
            "/ws/websocket",
            any(|upgrade: WebSocketUpgrade| async {
                upgrade.on_upgrade(|mut socket| async move {
                    while let Some(Ok(message)) = socket.recv().await {
                        let _ = socket.send(message).await;
                    }
                })
            }),
        );
    Process::running(Arc::new(Told::default()), ([127, 0, 0, 1], 0).into(), move |listener| {
        Serve { tls: Some(tls), ..Serve::default() }.run(listener, routes, CancellationToken::new())
    })
}

fn front(process: &Process, ca: Option<&Path>) -> Front {
    let url = format!("https://localhost:{}", process.address.port());
    let at = || Place::At(vec![url.parse().unwrap()]);
    let config = Config { ca: ca.map(Path::to_owned), ..quick() };
    Front::with(Table { chat: at(), websocket: at(), ..Table::default() }, config, |door| door)
}

#[tokio::test]
async fn a_service_may_speak_tls_to_who_trusts_its_authority() {
    edge::tls::install_provider();
    let folder = tempfile::tempdir().unwrap();
    let process = encrypted(folder.path());
    let trusting = front(&process, Some(&folder.path().join("cert.pem")));
    assert_eq!(trusting.get("/api/chat/sync").await.unwrap().text().await.unwrap(), "in secret");
    let url = format!("ws://{}/ws/websocket", trusting.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for length in [5, 1 << 20] {
        let message = Message::binary(vec![1; length]);
        socket.send(message.clone()).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap() == message);
    }
    // Nobody else's word counts.
    let strange = front(&process, None);
    let problem = problem(strange.get("/api/chat/sync").await.unwrap()).await;
    assert_eq!(problem.code, Code::Unavailable);
    strange.until(|health| format!("{health:?}").contains("certificate")).await;
}

#[tokio::test]
async fn a_file_of_authorities_that_holds_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, none) = (folder.path().join("empty.pem"), folder.path().join("none.pem"));
    std::fs::write(&empty, "").unwrap();
    for file in [empty, none] {
        let config = Config { ca: Some(file.clone()), ..Config::default() };
        let (metrics, health) = (edge::Metrics::new(), edge::Health::new());
        let error = Gateway::open(Table::default(), Vec::new(), config, &metrics, &health).err().unwrap();
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
}
