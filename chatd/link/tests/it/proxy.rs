//! A way between two processes that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// How often it was cut, and whether it is open.
    state: Arc<watch::Sender<(u32, bool)>>,
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::Sender::new((0, true)));
        let cuts = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut cuts = cuts.subscribe();
                if !cuts.borrow_and_update().1 {
                    continue;
                }
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { address, state }
    }

    /// Cuts every connection; new ones are let through.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.0 += 1);
    }

    /// Cuts every connection and lets none through, or does again.
    pub(crate) fn set_open(&self, open: bool) {
        self.state.send_modify(|state| *state = (state.0 + 1, open));
    }
}
