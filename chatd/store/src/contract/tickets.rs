//! The promises of `Tickets`, each as one function on an empty store.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::Error;
use crate::accounts::{Role, SecretHash};
use crate::tickets::{Kept, Ticket, Tickets};
use schema::limits::{TICKETS, TICKETS_PER_USER};
use schema::{SessionId, Timestamp, UserId};

const NOW: Timestamp = Timestamp(4_102_444_800_000);

fn ticket(user_id: UserId, seconds: i64) -> Ticket {
    let expires_at = NOW.plus_seconds(seconds);
    Ticket { user_id, session_id: SessionId::draw(), role: Role::Admin, expires_at }
}

fn hash(n: usize) -> SecretHash {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&n.to_le_bytes());
    hash
}

/// A ticket is taken once, as it was put, before it expires.
pub async fn is_taken_once(tickets: &dyn Tickets) {
    let kept = ticket(UserId::draw(), 30);
    assert_eq!(tickets.put(hash(1), kept, NOW).await.unwrap(), Kept::Kept);
    assert_eq!(tickets.put(hash(2), ticket(UserId::draw(), 30), NOW).await.unwrap(), Kept::Kept);
    assert_eq!(tickets.take(hash(3), NOW).await.unwrap(), None, "a ticket of nobody");
    let takes = tokio::join!(
        tickets.take(hash(1), NOW.plus_seconds(29)),
        tickets.take(hash(1), NOW.plus_seconds(29)),
        tickets.take(hash(1), NOW.plus_seconds(29)),
    );
    let takes = [takes.0.unwrap(), takes.1.unwrap(), takes.2.unwrap()];
    assert_eq!(takes.iter().filter(|take| **take == Some(kept)).count(), 1, "{takes:?}");
    assert_eq!(takes.iter().flatten().count(), 1, "{takes:?}");
    assert_eq!(tickets.take(hash(2), NOW.plus_seconds(30)).await.unwrap(), None, "it has expired");
    assert_eq!(tickets.take(hash(2), NOW).await.unwrap(), None, "an expired one that was tried is gone");
}

/// A user has so many live tickets; taken and expired ones do not count.
pub async fn bounds_a_users_tickets(tickets: &dyn Tickets) {
    let user = UserId::draw();
    for n in 0..TICKETS_PER_USER {
        let ticket = ticket(user, 30 + i64::try_from(n).unwrap());
        assert_eq!(tickets.put(hash(n), ticket, NOW).await.unwrap(), Kept::Kept);
    }
    let refused = Kept::TooMany { until: NOW.plus_seconds(30) };
    assert_eq!(tickets.put(hash(99), ticket(user, 30), NOW).await.unwrap(), refused);
    assert_eq!(tickets.take(hash(99), NOW).await.unwrap(), None, "a refused one opens nothing");
    assert_eq!(tickets.put(hash(100), ticket(UserId::draw(), 30), NOW).await.unwrap(), Kept::Kept);
    tickets.take(hash(5), NOW).await.unwrap().unwrap();
    assert_eq!(tickets.put(hash(99), ticket(user, 30), NOW).await.unwrap(), Kept::Kept);
    let later = NOW.plus_seconds(30);
    assert_eq!(tickets.put(hash(101), ticket(user, 60), later).await.unwrap(), Kept::Kept);
}

/// There are so many live tickets in all.
pub async fn bounds_all_tickets(tickets: &dyn Tickets) {
    for n in 0..TICKETS {
        assert_eq!(tickets.put(hash(n), ticket(UserId::draw(), 30), NOW).await.unwrap(), Kept::Kept);
    }
    let one_more = || tickets.put(hash(TICKETS), ticket(UserId::draw(), 30), NOW);
    assert!(matches!(one_more().await, Err(Error::Overloaded(_))));
    tickets.take(hash(0), NOW).await.unwrap().unwrap();
    assert_eq!(one_more().await.unwrap(), Kept::Kept);
    let later = NOW.plus_seconds(30);
    assert_eq!(tickets.put(hash(0), ticket(UserId::draw(), 60), later).await.unwrap(), Kept::Kept);
}
