//! `store::Tickets` on Redis.

use crate::place::Place;
use cluster::redis::RedisTickets;
use schema::{SessionId, Timestamp, UserId};
use store::Tickets;
use store::accounts::Role;
use store::contract::tickets as contract;
use store::tickets::{Kept, Ticket};

macro_rules! promises {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(place) = Place::find().await else { return };
            contract::$name(&RedisTickets::open(&place.redis).await.unwrap()).await;
            place.leave().await;
        }
    )*};
}

promises! {
    is_taken_once
    bounds_a_users_tickets
    bounds_all_tickets
}

/// What one process gave, another takes, and of all of them one gets it.
#[tokio::test]
async fn of_many_processes_one_gets_a_ticket() {
    let Some(place) = Place::find().await else { return };
    let now = Timestamp::now();
    let ticket = Ticket {
        user_id: UserId::draw(),
        session_id: SessionId::draw(),
        role: Role::User,
        expires_at: now.plus_seconds(30),
    };
    let gives = RedisTickets::open(&place.redis).await.unwrap();
    for n in 0..10 {
        assert_eq!(gives.put([n; 32], ticket, now).await.unwrap(), Kept::Kept);
    }
    let mut takers = Vec::new();
    for _ in 0..4 {
        takers.push(RedisTickets::open(&place.redis).await.unwrap());
    }
    for n in 0..10 {
        let taken = takers.iter().map(|tickets| tickets.take([n; 32], now));
        let taken = futures_util::future::try_join_all(taken).await.unwrap();
        assert_eq!(taken.iter().flatten().collect::<Vec<_>>(), [&ticket]);
    }
    assert_eq!(place.keys().await, Vec::<String>::new(), "what is taken leaves nothing");
    place.leave().await;
}
