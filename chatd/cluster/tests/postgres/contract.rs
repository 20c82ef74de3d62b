//! The contracts of `store::Accounts` and `store::Profiles`.

use crate::database::with_people;
use store::contract::messages::{EPOCH, PARTITIONS};
use store::contract::{accounts, changes, contacts, profiles, relations};
use tempfile::TempDir;

macro_rules! promises {
    ($($contract:ident::$name:ident($($store:ident)*))*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            with_people(async |people| $contract::$name($(promises!(@ $store people)),*).await).await;
        }
    )*};
    (@ $store:ident $people:ident) => { $people };
}

promises! {
    accounts::finds_accounts(a p)
    accounts::changes_a_password(a p)
    accounts::disables_and_enables(a p)
    accounts::expires_sessions(a p)
    accounts::lists_and_ends_sessions(a p)
    accounts::sessions_start_together(a p)
    accounts::rotates(a p)
    accounts::reuse_ends_the_session(a p)
    accounts::refuses_dead_tokens(a p)
    accounts::a_race_has_one_winner(a p)
    accounts::trades_by_cookie(a p)
    profiles::finds_people(p)
    profiles::a_conflict_names_its_field(p)
    profiles::lists_people_in_pages(p)
    profiles::deletes_people(p a)
    changes::updates_profiles(p)
    changes::a_taken_username_changes_nothing(p)
    changes::changes_privacy(p)
    changes::remembers_presence(p)
    changes::finds_people_in_bulk(p)
    changes::leaves_tombstones(p)
    contacts::puts_contacts(p)
    contacts::contacts_are_bounded(p)
    contacts::contacts_are_people(p)
    contacts::lists_contacts_in_pages(p)
    contacts::tells_contacts_in_bulk(p)
    contacts::contacts_go_with_people(p)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_relations() {
    with_people(async |people| {
        let data = TempDir::new().unwrap();
        let history = embedded::History::open(&data.path().join("history"), EPOCH, PARTITIONS).unwrap();
        relations::tells_relations(people, &history).await;
    })
    .await;
}
