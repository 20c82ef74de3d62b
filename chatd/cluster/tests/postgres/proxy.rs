//! A way to PostgreSQL that can be cut, or made to swallow everything, and that counts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Forwards connections from a port of its own.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    server: String,
    /// Ends the listener and every connection.
    open: CancellationToken,
    passing: Passing,
}

/// What connections have in common.
#[derive(Clone)]
struct Passing {
    answers: Arc<watch::Sender<bool>>,
    statements: Arc<AtomicUsize>,
}

impl Proxy {
    /// To this `host:port`.
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = CancellationToken::new();
        let passing = Passing { answers: Arc::new(watch::channel(true).0), statements: Arc::default() };
        tokio::spawn(accept(listener, server.to_owned(), open.clone(), passing.clone()));
        Self { address, server: server.to_owned(), open, passing }
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
        tokio::spawn(accept(listener, self.server.clone(), self.open.clone(), self.passing.clone()));
    }

    /// Whether what the server says is passed on; what clients say always is.
    pub(crate) fn let_answers_pass(&self, pass: bool) {
        self.passing.answers.send_replace(pass);
    }

    /// Statements that clients have sent so far.
    pub(crate) fn statements(&self) -> usize {
        self.passing.statements.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, server: String, open: CancellationToken, passing: Passing) {
    loop {
        let client = tokio::select! {
            client = listener.accept() => client.unwrap().0,
            () = open.cancelled() => return,
        };
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        tokio::spawn(open.clone().run_until_cancelled_owned(forward(client, server, passing.clone())));
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, passing: Passing) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (from_client, mut to_client) = client.split();
    let (mut from_server, to_server) = server.split();
    let mut answers = passing.answers.subscribe();
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
        _ = ask(from_client, to_server, &passing.statements) => {}
        () = answering => {}
    }
}

/// Passes on what a client says, message by message, and counts those that execute something.
async fn ask(
    from_client: ReadHalf<'_>,
    mut to_server: WriteHalf<'_>,
    statements: &AtomicUsize,
) -> std::io::Result<()> {
    let mut from_client = BufReader::new(from_client);
    let mut message = Vec::new();
    // The first has no kind; its length counts itself, as all do.
    let mut kind = None;
    loop {
        let length = from_client.read_u32().await?;
        message.clear();
        message.extend(kind);
        message.extend(length.to_be_bytes());
        (&mut from_client).take(u64::from(length) - 4).read_to_end(&mut message).await?;
        if matches!(kind, Some(b'E' | b'Q')) {
            statements.fetch_add(1, Ordering::SeqCst);
        }
        to_server.write_all(&message).await?;
        kind = Some(from_client.read_u8().await?);
    }
}
