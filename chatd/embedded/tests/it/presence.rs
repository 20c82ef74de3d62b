//! `store::Presence` in memory.

use embedded::MemoryPresence;
use store::contract::presence as contract;

macro_rules! promises {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            contract::$name(&MemoryPresence::default()).await;
        }
    )*};
}

promises! {
    the_last_to_let_go_is_told
    silence_lets_go
    last_seens_wait_until_they_are_saved
    typing_ends
    typing_is_bounded
}
