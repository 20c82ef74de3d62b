//! Every statement finds its rows by an index, and creating many is fast.

use crate::database::with_database;
use crate::faults::through_proxy;
use cluster::postgres::People;
use schema::user::PrivacyChange;
use schema::{SessionId, Timestamp, UserId};
use sqlx::Row as _;
use std::time::Instant;
use store::accounts::{Account, Accounts, NewSession, PasswordChange, SessionRow, Which};
use store::contract::profiles::person;
use store::profiles::{Contact, Name, NewPerson, ProfileChange, Profiles};

const MANY: usize = 10_000;
const NOW: Timestamp = Timestamp(4_102_444_800_000);

/// Tables of a page or two are rightly read whole: these make the others large too.
const FILL: [&str; 4] = [
    "insert into contacts (owner, contact, created_at)
     select a.id, b.id, 1 from (select id, row_number() over (order by id) as n from users) as a
     join (select id, row_number() over (order by id) as n from users) as b on b.n between a.n + 3 and a.n + 5",
    "insert into spent_tokens (hash, session_id, expires_at)
     select sha256(id::text::bytea), id, expires_at + 1 from sessions",
    "insert into ended_sessions (id, ended_at, forget_at)
     select gen_random_uuid(), n, 9102444800000 + n from generate_series(1, 20000) as n",
    "insert into deleted_people (id, deleted_at, erased)
     select gen_random_uuid(), n, n % 2 = 0 from generate_series(1, 20000) as n",
];

fn session(user_id: UserId, n: usize) -> NewSession {
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&n.to_be_bytes());
    let row = SessionRow {
        session_id: SessionId::draw(),
        user_id,
        device_name: None,
        created_at: NOW,
        last_used_at: NOW,
        expires_at: NOW.plus_seconds(1000),
    };
    secret[31] = 1;
    let mut cookie = secret;
    cookie[31] = 2;
    NewSession { row, refresh: Some(secret), cookie: Some(cookie) }
}

/// Many people with sessions and contacts; answers some of both.
async fn fill(people: &People) -> (Vec<Account>, Vec<NewSession>) {
    let new: Vec<NewPerson> = (0..MANY).map(|n| person(&format!("user{n}"))).collect();
    let accounts: Vec<Account> = new.iter().map(|person| person.account.clone()).collect();
    let start = Instant::now();
    assert!(people.create(new).await.unwrap().iter().all(Result::is_ok));
    eprintln!("{MANY} people were created in {:?}", start.elapsed());
    let sessions: Vec<NewSession> =
        accounts.iter().enumerate().map(|(n, account)| session(account.user_id, n)).collect();
    assert!(people.start_sessions(sessions.clone()).await.unwrap());
    let ids: Vec<UserId> = accounts.iter().map(|account| account.user_id).collect();
    for n in 0..200 {
        let contact = Contact { user_id: ids[n + 1], alias: None, created_at: NOW };
        people.put_contact(ids[n], contact, 99).await.unwrap();
        people
            .rotate(sessions[n].refresh.unwrap(), session(ids[n], MANY + n).refresh.unwrap(), NOW)
            .await
            .unwrap();
        people.end_sessions(ids[MANY / 2 + n], Which::All, NOW).await.unwrap();
    }
    for user in &ids[MANY - 200..] {
        people.delete(*user).await.unwrap();
    }
    (accounts, sessions)
}

/// Calls everything once.
async fn call_all(people: &People, accounts: &[Account], sessions: &[NewSession], n: usize) {
    let (account, user) = (&accounts[n], accounts[n].user_id);
    let (phone, username) = (account.phone_number.clone().unwrap(), account.username.clone().unwrap());
    people.by_phone(&phone).await.unwrap().unwrap();
    people.by_username(&username).await.unwrap().unwrap();
    people.by_id(user).await.unwrap().unwrap();
    for name in [Name::Id(user), Name::Phone(phone), Name::Username(username.clone())] {
        people.find(&name).await.unwrap().unwrap();
    }
    people.find_all(&[user, accounts[n + 1].user_id]).await.unwrap();
    people.list(None, 10).await.unwrap();
    people.list(Some(user), 10).await.unwrap();
    people.create(vec![person(&format!("new{n}")), person(&format!("user{n}"))]).await.unwrap();
    people.update(user, ProfileChange::default()).await.unwrap().unwrap();
    people.set_privacy(user, &PrivacyChange::default()).await.unwrap().unwrap();
    people.set_last_seen(&[(user, NOW), (accounts[n + 1].user_id, NOW)]).await.unwrap();
    people.set_chosen_status(user, None).await.unwrap();
    let friend = accounts[n + 2].user_id;
    let contact = Contact { user_id: friend, alias: None, created_at: NOW };
    people.put_contact(user, contact, 99).await.unwrap();
    people.set_alias(user, friend, None).await.unwrap();
    people.contacts(user, None, 9).await.unwrap();
    people.contacts(user, Some(user), 9).await.unwrap();
    people.contacted_by(friend, None, 9).await.unwrap();
    people.contacted_by(friend, Some(user), 9).await.unwrap();
    people.are_contacts(&[(user, friend), (friend, user)]).await.unwrap();
    people.remove_contact(user, friend).await.unwrap();
    people.deleted(&[user, friend]).await.unwrap();
    people.unerased(9).await.unwrap();
    people.set_erased(accounts[MANY - 1 - n].user_id).await.unwrap();

    let mut own = session(user, 3 * MANY + n);
    own.row.expires_at = NOW.plus_seconds(1);
    people.start_sessions(vec![own.clone(), session(user, 4 * MANY + n)]).await.unwrap();
    people.by_cookie(own.cookie.unwrap(), NOW).await.unwrap().unwrap();
    people.sessions(user, NOW, 9).await.unwrap();
    people.expire(NOW.plus_seconds(1), 9).await.unwrap();
    let row = &sessions[n].row;
    people.replace_refresh(row.session_id, session(user, 5 * MANY + n).refresh.unwrap(), NOW).await.unwrap();
    people.rotate([9; 32], [8; 32], NOW).await.unwrap();
    people.rotate(sessions[n].refresh.unwrap(), [8; 32], NOW).await.unwrap();
    people.ended_since(NOW.plus_seconds(1)).await.unwrap();
    let change = PasswordChange {
        from: format!("hash of {username}"),
        to: "new".to_owned(),
        keep: sessions[n + 1].row.session_id,
    };
    people.change_password(user, change, NOW).await.unwrap();
    people.end_sessions(user, Which::All, NOW).await.unwrap();
    people.set_disabled(user, true, NOW).await.unwrap();
    people.set_disabled(user, false, NOW).await.unwrap();
    people.delete(user).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_whole_table() {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        let (accounts, sessions) = fill(&people).await;
        people.close().await;
        for fill in FILL {
            // Its own scan is counted before the counters are reset.
            database.run(format!("{fill}; select pg_stat_force_next_flush()")).await;
        }
        database.run("vacuum analyze").await;
        database.run("select pg_stat_reset()").await;
        let (people, _heard) = database.open().await;
        // More often than a prepared statement is planned for its values alone.
        for n in 0..12 {
            call_all(&people, &accounts, &sessions, 10 * n + 300).await;
        }
        people.close().await;
        let scans = "select relname, seq_scan, seq_tup_read, idx_scan from pg_stat_user_tables
                     where relname not in ('nodes', 'secrets', 'log_epochs') order by relname";
        let mut looked = 0;
        for row in sqlx::query(scans).fetch_all(&database.pool).await.unwrap() {
            let (table, whole, rows): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
            looked += row.get::<i64, _>(3);
            assert_eq!((whole, rows), (0, 0), "{table} was read whole");
        }
        assert!(looked > 100, "the statistics are not there yet");
    })
    .await;
}

/// A statement is a round trip: what is frequent has one, what must look again behind a lock has few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_frequent_is_one_statement() {
    with_database(async |database| {
        let (proxy, people, _heard, name) = through_proxy(database).await;
        let Name::Id(user) = name else { unreachable!() };
        let new = session(user, 1);
        let (old, cookie) = (new.refresh.unwrap(), new.cookie.unwrap());
        let contact = Contact { user_id: user, alias: None, created_at: NOW };
        macro_rules! count {
            ($statements:literal, $call:expr) => {{
                let before = proxy.statements();
                let outcome = $call.await.unwrap();
                assert_eq!(proxy.statements() - before, $statements, stringify!($call));
                outcome
            }};
        }
        let found = count!(1, people.find(&name)).unwrap();
        count!(1, people.by_phone(&found.phone_number.unwrap()));
        assert!(count!(1, people.start_sessions(vec![new])));
        count!(1, people.rotate(old, [9; 32], NOW));
        count!(1, people.by_cookie(cookie, NOW));
        count!(1, people.sessions(user, NOW, 9));
        count!(1, people.find_all(&[user; 100]));
        count!(1, people.are_contacts(&[(user, user); 100]));
        count!(1, people.set_last_seen(&[(user, NOW); 100]));
        count!(1, people.update(user, ProfileChange::default()));
        count!(1, people.expire(NOW, 9));
        count!(1, people.create(vec![person("user2")]));
        count!(2, people.create(vec![person("user2")]));
        count!(4, people.put_contact(user, contact, 9));
        count!(2, people.rotate(old, [8; 32], NOW));
        count!(1, people.end_sessions(user, Which::All, NOW));
        count!(4, people.set_disabled(user, true, NOW));
        count!(1, people.set_disabled(user, false, NOW));
        count!(5, people.delete(user));
        people.close().await;
    })
    .await;
}
