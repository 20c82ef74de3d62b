//! What processes tell each other, over a channel of Redis. What is lost while there is no connection is made
//! up for by a word that everybody is to be looked at.

use engines::redis::Redis;
use futures_util::StreamExt;
use redis::aio::{PubSub, PubSubStream};
use schema::limits::{REDIS_RETRY, REDIS_TIME, SIGNALS, SIGNALS_PING};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::presence::Signal;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};
use uuid::Uuid;

/// Both directions of the channel.
pub(super) struct Signals {
    channel: String,
    /// Whose words these are, so that they need not be heard by whom they come from.
    origin: Uuid,
    heard: broadcast::Sender<Signal>,
    /// Whether the channel is subscribed to.
    there: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

/// A message on the channel.
#[derive(Serialize, Deserialize)]
struct Told<S> {
    from: Uuid,
    signals: S,
}

impl Signals {
    /// Subscribes, and goes on doing so while there is no connection.
    pub(super) async fn open(redis: &Redis, channel: String) -> Result<Self, engines::Error> {
        let origin = Uuid::new_v4();
        let heard = broadcast::Sender::new(SIGNALS);
        let subscribed = match subscribe(redis, &channel).await {
            Ok(subscribed) => Some(subscribed),
            Err(engines::Error::Unavailable(_)) => None,
            Err(refused) => return Err(refused),
        };
        let there = Arc::new(AtomicBool::new(subscribed.is_some()));
        let listener = Listener {
            redis: redis.clone(),
            channel: channel.clone(),
            origin,
            heard: heard.clone(),
            there: Arc::clone(&there),
        };
        let listener = tokio::spawn(listener.run(subscribed));
        Ok(Self { channel, origin, heard, there, listener })
    }

    /// Whether Redis tells what others say; it is asked for a sign of life again and again.
    pub(super) fn there(&self) -> bool {
        self.there.load(Ordering::Relaxed)
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    pub(super) fn encode(&self, signals: &[Signal]) -> Vec<u8> {
        // Ids and booleans have no value that JSON could not say.
        serde_json::to_vec(&Told { from: self.origin, signals }).unwrap_or_default()
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.heard.subscribe()
    }

    pub(super) fn close(&self) {
        self.listener.abort();
    }
}

struct Listener {
    redis: Redis,
    channel: String,
    origin: Uuid,
    heard: broadcast::Sender<Signal>,
    there: Arc<AtomicBool>,
}

impl Listener {
    async fn run(self, mut subscribed: Option<PubSub>) {
        loop {
            if let Some(subscribed) = subscribed.take() {
                self.hear(subscribed).await;
                self.there.store(false, Ordering::Relaxed);
                tracing::warn!("the channel of presence is lost; it is subscribed to again");
            }
            while subscribed.is_none() {
                sleep(REDIS_RETRY).await;
                match subscribe(&self.redis, &self.channel).await {
                    Ok(again) => subscribed = Some(again),
                    Err(error) => tracing::debug!(%error, "the channel of presence is not back yet"),
                }
            }
            self.there.store(true, Ordering::Relaxed);
            tracing::info!("the channel of presence is back");
            self.say(Signal::Everybody);
        }
    }

    /// Returns when the connection is lost, or silent.
    async fn hear(&self, subscribed: PubSub) {
        let (mut sink, stream): (_, PubSubStream) = subscribed.split();
        let mut messages = stream.map(|message| self.take(message.get_payload_bytes())).boxed();
        let mut ping = interval(SIGNALS_PING);
        loop {
            tokio::select! {
                message = messages.next() => if message.is_none() { return },
                _ = ping.tick() => match timeout(REDIS_TIME, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => {}
                    _ => return,
                },
            }
        }
    }

    fn take(&self, message: &[u8]) {
        match serde_json::from_slice::<Told<Vec<Signal>>>(message) {
            Ok(told) if told.from == self.origin => {}
            Ok(told) => told.signals.into_iter().for_each(|signal| self.say(signal)),
            Err(error) => {
                // A newer process says what this one does not know.
                tracing::debug!(%error, "a signal that cannot be read");
                self.say(Signal::Everybody);
            }
        }
    }

    fn say(&self, signal: Signal) {
        // Nobody may be listening yet, and whoever begins to looks at everybody anyway.
        let _ = self.heard.send(signal);
    }
}

async fn subscribe(redis: &Redis, channel: &str) -> Result<PubSub, engines::Error> {
    let mut connection = redis.listen().await?;
    match timeout(REDIS_TIME, connection.subscribe(channel)).await {
        Ok(subscribed) => subscribed.map_err(|error| redis.failed(&error))?,
        Err(_) => return Err(engines::Error::Unavailable("Redis does not answer in its time".to_owned())),
    }
    Ok(connection)
}
