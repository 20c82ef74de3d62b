//! The connection that listens: news of other processes, arrivals and leaves, and whether PostgreSQL is there.

use super::news::{CHANNEL, heard};
use super::nodes;
use super::refused::{Stored, engine, refused};
use engines::postgres::Postgres;
use schema::limits::{POSTGRES_CONNECT_TIME, POSTGRES_PROBE};
use sqlx::postgres::{PgListener, PgNotification};
use sqlx::{Acquire as _, Connection as _};
use store::{Error, News};
use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// The task that listens, until it is stopped or dropped.
pub(super) struct Listener {
    /// Why PostgreSQL is away; `None`: it answered.
    away: watch::Receiver<Option<String>>,
    /// Counts what was heard of arrivals and leaves.
    nodes: watch::Receiver<u64>,
    stop: CancellationToken,
    _stop: DropGuard,
    node: String,
}

struct Task {
    postgres: Postgres,
    node: String,
    news: broadcast::Sender<News>,
    away: watch::Sender<Option<String>>,
    nodes: watch::Sender<u64>,
}

impl Listener {
    /// Listens when this returns.
    pub(super) async fn start(
        postgres: Postgres,
        node: Uuid,
        news: broadcast::Sender<News>,
    ) -> Result<Self, Error> {
        let ear = connect(&postgres).await?;
        let stop = CancellationToken::new();
        let (away, is_away) = watch::channel(None);
        let (nodes, changed) = watch::channel(0);
        let node = node.simple().to_string();
        let task = Task { postgres, node: node.clone(), news, away, nodes };
        tokio::spawn(stop.clone().run_until_cancelled_owned(task.run(ear)));
        Ok(Self { away: is_away, nodes: changed, stop: stop.clone(), _stop: stop.drop_guard(), node })
    }

    /// How this process is called in news.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    pub(super) fn health(&self) -> Result<(), Error> {
        match &*self.away.borrow() {
            None => Ok(()),
            Some(cause) => Err(Error::Unavailable(cause.clone())),
        }
    }

    pub(super) fn nodes(&self) -> watch::Receiver<u64> {
        self.nodes.clone()
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

impl Task {
    async fn run(self, mut ear: PgListener) {
        loop {
            let cause = self.listen(&mut ear).await;
            tracing::warn!(%cause, "PostgreSQL is away");
            self.away.send_replace(Some(cause));
            drop(ear);
            ear = self.reconnect().await;
            tracing::info!("PostgreSQL is back");
            self.away.send_replace(None);
            // Behind the new LISTEN: what is asked for now and what is heard from now on leave no gap.
            self.tell(News::Missed);
            self.nodes.send_modify(|count| *count += 1);
        }
    }

    /// Hears until the connection is lost, and answers why it was.
    async fn listen(&self, ear: &mut PgListener) -> String {
        let mut probe = interval(POSTGRES_PROBE);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                notification = ear.try_recv() => match notification {
                    Ok(Some(notification)) => self.hear(&notification),
                    Ok(None) => return "PostgreSQL: the connection that listens was lost".to_owned(),
                    Err(cause) => return format!("PostgreSQL: {cause}"),
                },
                _ = probe.tick() => {
                    if let Err(cause) = ask(ear).await {
                        return cause.to_string();
                    }
                    // What came before the answer was put aside.
                    while let Some(notification) = ear.next_buffered() {
                        self.hear(&notification);
                    }
                }
            }
        }
    }

    async fn reconnect(&self) -> PgListener {
        loop {
            match connect(&self.postgres).await {
                Ok(ear) => return ear,
                Err(cause) => self.away.send_replace(Some(cause.to_string())),
            };
            sleep(POSTGRES_PROBE).await;
        }
    }

    fn hear(&self, notification: &PgNotification) {
        if notification.channel() == nodes::CHANNEL {
            self.nodes.send_modify(|count| *count += 1);
        } else if let Some(news) = heard(&self.node, notification.payload()) {
            self.tell(news);
        }
    }

    fn tell(&self, news: News) {
        // Nobody may care, as in a tool.
        let _ = self.news.send(news);
    }
}

/// A connection of its own, so that news comes also while every other one is busy.
async fn connect(postgres: &Postgres) -> Result<PgListener, Error> {
    let pool = postgres.connect(1).await.map_err(engine)?;
    let listen = async {
        let mut ear = PgListener::connect_with(&pool).await?;
        ear.ignore_pool_close_event(true);
        ear.eager_reconnect(false);
        ear.listen_all([CHANNEL, nodes::CHANNEL]).await?;
        Ok(ear)
    };
    in_time(listen).await
}

async fn ask(ear: &mut PgListener) -> Result<(), Error> {
    in_time(async { ear.acquire().await?.ping().await }).await
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    match timeout(POSTGRES_CONNECT_TIME, work).await {
        Ok(done) => done.map_err(|cause| refused(cause, Stored::Nothing)),
        Err(_) => Err(Error::Unavailable("PostgreSQL: no answer in time".to_owned())),
    }
}
