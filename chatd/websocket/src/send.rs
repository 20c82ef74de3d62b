//! SEND: a message to somebody, or a mark; typing and presence have files of their own.

use crate::Config;
use crate::connection::Connection;
use crate::destination::Call;
use crate::session::{Fatal, Session};
use crate::subscribe::missing;
use chat::{Error, MarkKind, Origin, Sent};
use edge::Problem;
use schema::api::StatusUpdate;
use schema::wire::stomp::Frame;
use schema::{Code, Draft, limits};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A token bucket: so many sends a second, so many at once.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f32,
    size: f32,
    tokens: f32,
    at: Option<Instant>,
}

impl Bucket {
    #[expect(clippy::cast_precision_loss, reason = "rates are small numbers")]
    pub(crate) fn new(config: &Config) -> Self {
        let size = config.messages_burst.max(1) as f32;
        Self { rate: config.messages_per_second as f32, size, tokens: size, at: None }
    }

    /// Takes a token, if there is one; a rate of 0 has no end of them.
    fn take(&mut self, now: Instant) -> bool {
        if self.rate == 0.0 {
            return true;
        }
        let since = self.at.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f32());
        self.at = Some(now);
        self.tokens = (self.tokens + since * self.rate).min(self.size);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

/// A SEND whose outcome is not known yet. Dropped untold, the outcome stays unknown, and the client is told
/// that.
pub(crate) struct Pending {
    connection: Arc<Connection>,
    receipt: Option<Box<str>>,
    told: bool,
}

impl Pending {
    pub(crate) fn new(connection: &Arc<Connection>, receipt: Option<&str>) -> Self {
        connection.in_flight.fetch_add(1, Ordering::AcqRel);
        Self { connection: Arc::clone(connection), receipt: receipt.map(Into::into), told: false }
    }

    fn sent(mut self, result: Result<Sent, Error>) {
        self.told = true;
        match result {
            Ok(Sent { message, status, .. }) => {
                let update = StatusUpdate {
                    message_id: Some(message.message_id),
                    client_message_id: Some(message.client_message_id.clone()),
                    conversation_id: message.conversation_id,
                    sequence: message.sequence,
                    status,
                    up_to: message.sequence,
                    timestamp: message.timestamp,
                    user_id: None,
                };
                self.connection.sent(message.position, update, self.receipt.as_deref());
            }
            Err(error) => self.connection.refuse(&error.into(), self.receipt.as_deref()),
        }
    }

    pub(crate) fn done(mut self, result: Result<(), Error>) {
        self.told = true;
        match result {
            Ok(()) => self.connection.receipt(self.receipt.as_deref()),
            Err(error) => self.connection.refuse(&error.into(), self.receipt.as_deref()),
        }
    }

    pub(crate) fn refused(mut self, problem: &Problem) {
        self.told = true;
        self.connection.refuse(problem, self.receipt.as_deref());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.told {
            self.connection.refuse(&Error::OutcomeUnknown.into(), self.receipt.as_deref());
        }
        self.connection.settled();
    }
}

impl Session {
    pub(crate) async fn on_send(&mut self, frame: &Frame) -> Result<(), Fatal> {
        let destination = frame.header("destination").ok_or_else(|| missing("SEND", "destination"))?;
        let call = Call::at(destination)
            .ok_or_else(|| Fatal::protocol(format!("unknown destination {destination:?} for SEND")))?;
        if frame.header("transaction").is_some() {
            return Err(Fatal::protocol("there are no transactions"));
        }
        let pending = Pending::new(&self.connection, frame.header("receipt"));
        if let Err(problem) = self.take_turn() {
            pending.refused(&problem);
            return Ok(());
        }
        match call {
            Call::SendMessage => self.send_message(frame, pending).await,
            Call::Delivered => self.mark(frame, MarkKind::Delivered, pending).await,
            Call::Seen => self.mark(frame, MarkKind::Seen, pending).await,
            Call::Typing => self.type_to(frame, pending).await,
            Call::UpdatePresence => self.update_presence(frame, pending).await,
            Call::Join | Call::Leave => pending.done(Ok(())),
        }
        Ok(())
    }

    /// One of the session's sends, if the bucket has one left.
    pub(crate) fn take_turn(&mut self) -> Result<(), Problem> {
        if self.bucket.take(Instant::now()) {
            return Ok(());
        }
        let Config { messages_per_second, messages_burst, .. } = &self.hub.config;
        let detail = format!("a session may send {messages_per_second} a second, {messages_burst} at once");
        Err(Problem::new(Code::RateLimited, detail).retry_after(1))
    }

    async fn send_message(&mut self, frame: &Frame, pending: Pending) {
        let Some(who) = self.connection.identity.get() else { return };
        let mut draft: Draft = match edge::parse(&frame.body) {
            Ok(draft) => draft,
            Err(problem) => return pending.refused(&problem),
        };
        if !self.replays.is_empty() && self.sent_meanwhile.len() < limits::SENDS_IN_FLIGHT {
            // Named here, so that the running replay knows it when it comes by.
            let id = draft.client_message_id.get_or_insert_with(|| uuid::Uuid::now_v7().to_string());
            self.sent_meanwhile.insert(id.clone());
        }
        let origin = Origin {
            user: who.user,
            connection: Some(self.connection.id),
            traceparent: frame.header("traceparent").map(str::to_owned),
        };
        let answer = Box::new(move |result| pending.sent(result));
        // On the heap: an idle session must not keep room for it.
        Box::pin(self.hub.chat.send(origin, draft, answer)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_bucket_gives_a_burst_and_then_its_rate() {
        let config = Config { messages_per_second: 10, messages_burst: 3, ..Config::default() };
        let mut bucket = Bucket::new(&config);
        let start = Instant::now();
        let taken = |bucket: &mut Bucket, ms| bucket.take(start + Duration::from_millis(ms));
        assert_eq!([0, 0, 0, 0].map(|ms| taken(&mut bucket, ms)), [true, true, true, false]);
        assert_eq!([50, 110, 120].map(|ms| taken(&mut bucket, ms)), [false, true, false]);
        assert_eq!([9000; 4].map(|ms| taken(&mut bucket, ms)), [true, true, true, false]);
        let mut off = Bucket::new(&Config { messages_per_second: 0, ..config });
        assert!((0..1000).all(|_| off.take(start)));
    }
}
