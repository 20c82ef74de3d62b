//! A place of a test's own on the server: keys that nobody else has.

use engines::redis::Redis;
use redis::aio::ConnectionManager;
use redis::cmd;
use std::io::Write;
use std::time::Duration;
use uuid::Uuid;

/// A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Place {
    pub(crate) redis: Redis,
    pub(crate) prefix: String,
    manager: ConnectionManager,
}

impl Place {
    /// `None`: there is no server to test on.
    pub(crate) async fn find() -> Option<Self> {
        let Ok(url) = std::env::var("STORES_REDIS") else {
            let line = "skipped: STORES_REDIS is not set; compose/test brings the servers up\n";
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        Some(Self::at(&url).await)
    }

    pub(crate) async fn at(url: &str) -> Self {
        let prefix = format!("t{}:", Uuid::now_v7().simple());
        let redis = Redis::parse(&format!("{url}?prefix={prefix}")).unwrap();
        let manager = redis.connect().await.unwrap();
        Self { redis, prefix, manager }
    }

    /// The keys that are there.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let (mut keys, mut cursor) = (Vec::new(), 0);
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{}*", self.prefix)).arg("COUNT").arg(5000);
            let (next, some): (u64, Vec<String>) = scan.query_async(&mut self.manager.clone()).await.unwrap();
            keys.extend(some);
            if next == 0 {
                return keys;
            }
            cursor = next;
        }
    }

    /// How long a key lives yet, in milliseconds; below 0 is for ever.
    pub(crate) async fn life_ms(&self, key: &str) -> i64 {
        cmd("PTTL").arg(key).query_async(&mut self.manager.clone()).await.unwrap()
    }

    /// Loses everything, as a server that was flushed.
    pub(crate) async fn flush(&self) {
        for some in self.keys().await.chunks(500) {
            let () = cmd("DEL").arg(some).query_async(&mut self.manager.clone()).await.unwrap();
        }
    }

    /// That nothing stays for ever; then nothing stays.
    pub(crate) async fn leave(self) {
        for key in self.keys().await {
            assert!(self.life_ms(&key).await > 0, "{key} has no end");
        }
        self.flush().await;
        assert_eq!(self.keys().await, Vec::<String>::new());
    }
}
