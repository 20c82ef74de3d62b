//! How sessions end: told to by a call, or by themselves when their time is over.

use crate::tokens::fault;
use crate::{Auth, Inner};
use edge::Problem;
use schema::limits::{ACCESS_TOKEN_S, SESSION_SWEEP, SESSION_SWEEP_ROWS};
use schema::{SessionId, Timestamp, UserId};
use std::sync::Weak;
use store::accounts::Which;
use tokio::time::MissedTickBehavior;

/// Does something to its end even if nobody waits for it any more: a caller who goes away must not part what
/// the store has made durable from the word to the sockets.
pub(crate) async fn whatever_happens<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(fault)?
}

impl Auth {
    /// Ends sessions, durably first, and has their tokens refused and their sockets closed.
    pub(crate) async fn end_sessions(&self, user: UserId, which: Which) -> Result<Vec<SessionId>, Problem> {
        let auth = self.clone();
        whatever_happens(async move {
            let ended = auth.0.accounts.end_sessions(user, which, Timestamp::now()).await?;
            ended.iter().for_each(|session| auth.0.revocations.end(*session));
            Ok(ended)
        })
        .await
    }

    /// Has the sockets closed of sessions that have reached their own end; answers how many sessions it were.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_expired(&self) -> Result<usize, Problem> {
        let auth = self.clone();
        whatever_happens(async move {
            let mut count = 0;
            loop {
                let now = Timestamp::now();
                let ended = auth.0.accounts.expire(now, SESSION_SWEEP_ROWS).await?;
                for session in &ended {
                    // Their tokens have expired before them, but for one that was drawn at the last moment.
                    auth.0.revocations.end_until(*session, now.plus_seconds(ACCESS_TOKEN_S));
                }
                count += ended.len();
                if ended.len() < SESSION_SWEEP_ROWS {
                    return Ok(count);
                }
            }
        })
        .await
    }
}

/// Looks for such sessions until the service is gone.
pub(crate) async fn sweep(service: Weak<Inner>) {
    let mut interval = tokio::time::interval(SESSION_SWEEP);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(inner) = service.upgrade() else { return };
        match Auth(inner).end_expired().await {
            Ok(0) => {}
            Ok(sessions) => tracing::debug!(sessions, "sessions have reached their end"),
            Err(problem) => tracing::warn!(
                cause = problem.cause(),
                "sessions that have reached their end cannot be found; the next look is in {SESSION_SWEEP:?}"
            ),
        }
    }
}
