//! A way to PostgreSQL that can be cut, or made to swallow everything.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Forwards connections from a port of its own.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    server: String,
    /// Ends the listener and every connection.
    open: CancellationToken,
    answers: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// To this `host:port`.
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, answers) = (CancellationToken::new(), Arc::new(watch::channel(true).0));
        tokio::spawn(accept(listener, server.to_owned(), open.clone(), Arc::clone(&answers)));
        Self { address, server: server.to_owned(), open, answers }
    }

    /// Resets every connection and refuses new ones.
    pub(crate) fn cut(&self) {
        self.open.cancel();
    }

    /// Takes connections again.
    pub(crate) async fn mend(&mut self) {
        let listener = loop {
            // Until the old one is closed.
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.open = CancellationToken::new();
        tokio::spawn(accept(listener, self.server.clone(), self.open.clone(), Arc::clone(&self.answers)));
    }

    /// Whether what the server says is passed on; what clients say always is.
    pub(crate) fn let_answers_pass(&self, pass: bool) {
        self.answers.send_replace(pass);
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    open: CancellationToken,
    answers: Arc<watch::Sender<bool>>,
) {
    loop {
        let client = tokio::select! {
            client = listener.accept() => client.unwrap().0,
            () = open.cancelled() => return,
        };
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        let forward = forward(client, server, answers.subscribe());
        tokio::spawn(open.clone().run_until_cancelled_owned(forward));
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, mut answers: watch::Receiver<bool>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let answering = async {
        let mut bytes = vec![0; 65_536];
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            answers.wait_for(|pass| *pass).await.unwrap();
            if to_client.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = answering => {}
    }
}
