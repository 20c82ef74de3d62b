//! Choosing a status.

use crate::Presence;
use crate::see::nobody;
use edge::Problem;
use schema::limits::TYPING_PER_SECOND;
use schema::presence::Chosen;
use schema::{Code, UserId};
use tokio::time::Instant;

impl Presence {
    /// Chooses how a person looks while they are there, durably. ONLINE clears an earlier choice.
    ///
    /// # Errors
    /// `rate-limited` beyond `limits::TYPING_PER_SECOND` changes a second, or when the store does not answer.
    pub async fn set_status(&self, user: UserId, chosen: Chosen) -> Result<(), Problem> {
        let inner = &self.0;
        let person = inner.people.find(&[user]).await?.pop().flatten().ok_or_else(nobody)?;
        if person.chosen == chosen {
            return Ok(());
        }
        if !inner.table.take_turn(user, Instant::now()) {
            let detail = format!("a person may change their status {TYPING_PER_SECOND} times a second");
            return Err(Problem::new(Code::RateLimited, detail).retry_after(1));
        }
        inner.stores.profiles.set_chosen_status(user, chosen.kept()).await?;
        inner.people.forget(user, None);
        inner.desk.look_again(user);
        if chosen == Chosen::Invisible {
            for peer in inner.table.by(user) {
                inner.stop_typing(user, peer).await?;
            }
        }
        Ok(())
    }
}
