//! `store::Tickets` in memory.

use embedded::MemoryTickets;
use store::contract::tickets as contract;

macro_rules! promises {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            contract::$name(&MemoryTickets::default()).await;
        }
    )*};
}

promises! {
    is_taken_once
    bounds_a_users_tickets
    bounds_all_tickets
}
