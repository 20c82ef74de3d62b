//! A way to Redis that can be cut, or go silent.

use parking_lot::Mutex;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) struct Proxy {
    pub(crate) url: String,
    ways: Arc<Mutex<Ways>>,
    accepts: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Ways {
    open: JoinSet<()>,
    /// What connects meanwhile gets no answer; it is kept so that it is not told either.
    silent: bool,
    cut: bool,
}

impl Proxy {
    /// A way to the server of `STORES_REDIS`.
    pub(crate) async fn start() -> Self {
        let url = std::env::var("STORES_REDIS").unwrap();
        let server = url.trim_start_matches("redis://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ways = Arc::new(Mutex::new(Ways::default()));
        let of = Arc::clone(&ways);
        let accepts = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (server, shared) = (server.clone(), Arc::clone(&of));
                let mut ways = of.lock();
                if ways.cut {
                    continue;
                }
                let silent = ways.silent;
                ways.open.spawn(async move {
                    if silent {
                        std::future::pending::<()>().await;
                    }
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                    drop(shared);
                });
            }
        });
        Self { url: format!("redis://{address}"), ways, accepts }
    }

    /// Every connection breaks, and none comes about.
    pub(crate) fn cut(&self) {
        let mut ways = self.ways.lock();
        ways.cut = true;
        ways.open.abort_all();
    }

    /// From now on what connects gets no answer.
    pub(crate) fn silence(&self) {
        let mut ways = self.ways.lock();
        ways.silent = true;
        ways.open.abort_all();
    }

    pub(crate) fn mend(&self) {
        let mut ways = self.ways.lock();
        (ways.cut, ways.silent) = (false, false);
        ways.open.abort_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}
