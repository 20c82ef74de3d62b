//! `store::Accounts` on SQLite.

use embedded::People;
use store::contract::accounts as contract;
use tempfile::TempDir;

macro_rules! promises {
    ($($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let data = TempDir::new().unwrap();
            let people = People::open(&data.path().join("people.sqlite")).await.unwrap();
            contract::$name(&people, &people).await;
        }
    )*};
}

promises! {
    finds_accounts
    changes_a_password
    disables_and_enables
    expires_sessions
    lists_and_ends_sessions
    sessions_start_together
    rotates
    reuse_ends_the_session
    refuses_dead_tokens
    a_race_has_one_winner
    trades_by_cookie
}
