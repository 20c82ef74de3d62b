//! WebSockets, and whatever else a connection is changed to: bytes are relayed both ways, for as long as both
//! ends like. There is no bound on idle time here; sockets keep their own.

use crate::counts::Counts;
use crate::node::Work;
use crate::relay::Relay;
use axum::RequestExt;
use axum::extract::Request;
use axum::http::HeaderValue;
use edge::{Problem, SocketPermit, SocketPermits};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use schema::Code;
use schema::limits::{CLOSE_TIME, DRAIN};
use std::future::poll_fn;
use std::io;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The part of the drain in which closes are spread; the rest is for their answers.
const SPREAD: Duration = Duration::from_millis(DRAIN.as_millis() as u64 / 2);

/// The tunnels that are open.
pub(crate) struct Tunnels {
    tasks: TaskTracker,
    /// No new ones; those that are there end, one by one.
    draining: CancellationToken,
    /// Those that are left end now.
    over: CancellationToken,
    counts: Counts,
}

/// A tunnel whose service has not agreed yet.
pub(crate) struct Beginning {
    client: OnUpgrade,
    permit: Option<SocketPermit>,
    websocket: bool,
}

impl Tunnels {
    pub(crate) fn new(counts: Counts) -> Self {
        Self {
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            over: CancellationToken::new(),
            counts,
        }
    }

    /// Takes the caller's connection out of the request, once it will be theirs.
    ///
    /// # Errors
    /// `unavailable` while the process ends, `rate-limited` for an address with too many.
    pub(crate) async fn begin(
        &self,
        request: &mut Request,
        protocol: &HeaderValue,
    ) -> Result<Beginning, Problem> {
        if self.draining.is_cancelled() {
            return Err(Problem::new(Code::Unavailable, "this process is going away; connect again"));
        }
        let Ok(permits) = request.extract_parts::<SocketPermits>().await;
        let permit = permits.take()?;
        let websocket = protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
        Ok(Beginning { client: hyper::upgrade::on(request), permit, websocket })
    }

    /// Relays, now that the service has agreed.
    pub(crate) fn start(
        &self,
        beginning: Beginning,
        answer: &mut axum::http::Response<Incoming>,
        work: Work,
    ) {
        let service = hyper::upgrade::on(answer);
        let Beginning { client, permit, websocket } = beginning;
        let (draining, over) = (self.draining.clone(), self.over.clone());
        let open = self.counts.tunnel();
        self.tasks.spawn(async move {
            let _held = (permit, work, open);
            // A caller who went away before the answer reached them has no connection to relay.
            let Ok((client, service)) = tokio::try_join!(client, service) else { return };
            let relay = Relay::new(TokioIo::new(client), TokioIo::new(service), websocket);
            tokio::select! {
                () = over.cancelled() => {}
                // An end that broke off is as good as one that closed: there is nobody to tell.
                _ = run(relay, &draining) => {}
            }
        });
    }

    /// Ends all tunnels: each WebSocket is closed with 1012, spread over a time, so that their clients do not
    /// all come back at once. Who has not answered at the end of [`DRAIN`] is cut.
    pub(crate) async fn drain(&self) {
        self.draining.cancel();
        self.tasks.close();
        if timeout(DRAIN, self.tasks.wait()).await.is_err() {
            self.over.cancel();
            self.tasks.wait().await;
        }
    }
}

type Ends = Relay<TokioIo<Upgraded>, TokioIo<Upgraded>>;

async fn run(mut relay: Ends, draining: &CancellationToken) -> io::Result<()> {
    let spread = async {
        draining.cancelled().await;
        let share = rand::random_range(0.0..1.0);
        sleep(SPREAD.mul_f64(share)).await;
    };
    tokio::select! {
        ended = poll_fn(|cx| relay.poll(cx, false)) => ended?,
        () = spread => {
            relay.say_restart();
            poll_fn(|cx| relay.poll(cx, false)).await?;
        }
    }
    // One end has gone. The other has the time of a close for its last words.
    let rest = timeout(CLOSE_TIME, poll_fn(|cx| relay.poll(cx, true))).await;
    rest.unwrap_or(Ok(()))
}
