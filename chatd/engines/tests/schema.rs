//! The schema on the real servers: applied, compared, found to be altered, behind or ahead.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "schema/place.rs"]
mod place;

use engines::Error;
use engines::cassandra::Cassandra;
use engines::postgres::Postgres;
use engines::schema::{Check, Schema, State};
use place::Place;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use std::time::Duration;

fn silent(_: &str) {}

#[tokio::test]
async fn apply_makes_everything_once_and_verify_finds_it() {
    let Some(place) = Place::new().await else { return };
    let schema = place.schema();
    place.drop_database().await;
    let before = schema.status().await.unwrap();
    assert!(before.iter().all(|status| status.state == State::Pending), "{before:?}");
    let plan = schema.plan().await.unwrap();
    let done = schema.apply(&silent).await.unwrap();
    assert_eq!(plan[0].name, "database");
    let migrations = plan.iter().filter(|c| !["bookkeeping", "database"].contains(&c.name.as_str()));
    let planned: Vec<_> = migrations.map(|c| (c.target, c.name.clone())).collect();
    assert_eq!(done.iter().map(|d| (d.target, d.name.clone())).collect::<Vec<_>>(), planned);
    assert_eq!(done.len(), before.len());

    assert_eq!(schema.plan().await.unwrap(), []);
    assert_eq!(schema.apply(&silent).await.unwrap(), []);
    let after = schema.status().await.unwrap();
    assert!(after.iter().all(|status| status.state == State::Applied), "{after:?}");
    assert_eq!(schema.check(Duration::ZERO).await.unwrap(), Check::Current);
    snapshots_are_current(&schema).await;
    assert_eq!(schema.verify().await.unwrap(), []);
    place.leave().await;
}

/// Asks where each migration stands, over and over, until all are applied.
async fn until_applied(schema: &Schema) -> usize {
    loop {
        let known = schema.status().await.unwrap();
        if known.iter().all(|status| status.state == State::Applied) {
            return known.len();
        }
    }
}

#[tokio::test]
async fn two_that_find_no_database_make_one_and_nobody_is_refused_meanwhile() {
    let Some(place) = Place::new().await else { return };
    let schema = Schema { postgres: Some(place.postgres.clone()), ..Schema::default() };
    place.drop_database().await;
    let (one, two, known, ..) = tokio::join!(
        schema.apply(&silent),
        schema.apply(&silent),
        until_applied(&schema),
        until_applied(&schema),
        until_applied(&schema),
        until_applied(&schema),
    );
    let done = [one.unwrap(), two.unwrap()].concat();
    assert_eq!(done.len(), known, "each migration once: {done:?}");
    place.leave().await;
}

/// `UPDATE_SNAPSHOTS=1` writes them anew.
async fn snapshots_are_current(schema: &Schema) {
    for (target, snapshot) in schema.snapshots().await.unwrap() {
        let path = format!("{}/../../schema/{target}/snapshot.json", env!("CARGO_MANIFEST_DIR"));
        let text = serde_json::to_string_pretty(&snapshot).unwrap() + "\n";
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{path} is stale: UPDATE_SNAPSHOTS=1");
    }
}

/// What `verify` tells, without what helps.
async fn told(schema: &Schema) -> Vec<String> {
    let told = |difference: &engines::schema::Difference| {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (expected, found) = (text(&difference.expected), text(&difference.found));
        format!("{} {}: {expected} / {found}", difference.target, difference.object)
    };
    schema.verify().await.unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn verify_finds_exactly_what_was_altered_by_hand() {
    let Some(place) = Place::new().await else { return };
    let schema = place.schema();
    schema.apply(&silent).await.unwrap();
    let postgres = [
        (
            "ALTER TABLE users ALTER COLUMN avatar_url TYPE varchar(9)",
            "postgres table users, column avatar_url: text / character varying(9)",
            "ALTER TABLE users ALTER COLUMN avatar_url TYPE text",
        ),
        (
            "ALTER TABLE users ADD COLUMN nick text",
            "postgres table users, column nick: - / text",
            "ALTER TABLE users DROP COLUMN nick",
        ),
        (
            "DROP INDEX sessions_by_expiry",
            "postgres table sessions, index sessions_by_expiry: CREATE INDEX sessions_by_expiry ON sessions \
             USING btree (expires_at) / -",
            "CREATE INDEX sessions_by_expiry ON sessions (expires_at)",
        ),
        (
            "ALTER TABLE contacts DROP CONSTRAINT contacts_owner",
            "postgres table contacts, constraint contacts_owner: FOREIGN KEY (owner) REFERENCES users(id) ON \
             DELETE CASCADE / -",
            "ALTER TABLE contacts ADD CONSTRAINT contacts_owner FOREIGN KEY (owner) REFERENCES users (id) \
             ON DELETE CASCADE",
        ),
        ("CREATE TABLE of_others (x int)", "", "DROP TABLE of_others"),
        (
            "ALTER TABLE secrets RENAME TO was",
            "postgres table secrets: logged / -",
            "ALTER TABLE was RENAME TO secrets",
        ),
    ];
    for (alter, expected, back) in postgres {
        place.sql(alter).await;
        assert_eq!(told(&schema).await.join("\n"), expected, "{alter}");
        place.sql(back).await;
    }
    let cassandra = [
        ("ALTER TABLE {keyspace}.messages ADD extra int", "cassandra table messages, column extra: - / int"),
        (
            "ALTER TABLE {keyspace}.blocks WITH default_time_to_live = 9",
            "cassandra table blocks, default_time_to_live: 0 / 9",
        ),
        ("DROP TABLE {keyspace}.message_ids", "cassandra table message_ids: there / -"),
    ];
    let mut all = Vec::new();
    for (alter, expected) in cassandra {
        place.cql(alter).await;
        all.push(expected.to_owned());
        let mut found = told(&schema).await;
        found.sort();
        all.sort();
        assert_eq!(found, all, "{alter}");
    }
    place.leave().await;
}

#[tokio::test]
async fn settings_that_lose_nothing_are_set_and_the_others_told() {
    let Some(place) = Place::new().await else { return };
    let schema = Schema { kafka: Some(place.kafka.clone()), ..Schema::default() };
    schema.apply(&silent).await.unwrap();
    assert_eq!(told(&schema).await, [""; 0]);
    let name = place.kafka.named("typing-events");
    let admin: AdminClient<DefaultClientContext> = place.kafka.client_config().create().unwrap();
    let options = AdminOptions::new();
    let alter = AlterConfig::new(ResourceSpecifier::Topic(&name))
        .set("retention.bytes", "268435456")
        .set("retention.ms", "7200000") // more than declared: back to the declared loses records
        .set("segment.ms", "60000") // back to the declared loses nothing
        .set("flush.messages", "7"); // an operator's own
    admin.alter_configs([&alter], &options).await.unwrap().pop().unwrap().unwrap();
    let until_seen = async {
        while told(&schema).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until_seen.await;
    let before = told(&schema).await;
    let retention = format!("kafka topic {name}, retention.ms: 3600000 / 7200000");
    assert!(
        before.contains(&retention)
            && before.contains(&format!("kafka topic {name}, segment.ms: 3600000 / 60000")),
        "{before:?}"
    );

    let done = schema.apply(&silent).await.unwrap();
    assert_eq!(done.iter().map(|done| done.name.as_str()).collect::<Vec<_>>(), [name.as_str()]);
    assert_eq!(told(&schema).await, [retention]);
    assert_eq!(engines::kafka::settings(&place.kafka, &name).await.unwrap()["flush.messages"], "7");

    admin.create_partitions([&NewPartitions::new(&name, 5)], &options).await.unwrap().pop().unwrap().unwrap();
    let partitions = format!("kafka topic {name}, partitions: 3 / 5");
    while !told(&schema).await.contains(&partitions) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(schema.apply(&silent).await.unwrap(), []);
    let help = schema.verify().await.unwrap().remove(0).help.unwrap();
    assert!(help.contains("chatctl topic adopt typing-events"), "{help}");
    let check = schema.check(Duration::ZERO).await.unwrap();
    assert!(matches!(&check, Check::Different(all) if all.len() == 1 && all[0].name == name), "{check}");
    place.leave().await;
}

#[tokio::test]
async fn altered_behind_and_ahead_are_told_apart() {
    let Some(place) = Place::new().await else { return };
    let schema = place.schema();
    let check = || async { schema.check(Duration::ZERO).await.unwrap() };
    assert!(matches!(check().await, Check::Behind(all) if all.len() == schema.status().await.unwrap().len()));
    schema.apply(&silent).await.unwrap();
    assert_eq!(check().await, Check::Current);

    place.sql("UPDATE schema_migrations SET checksum = 'other' WHERE number = 1").await;
    let text = check().await.to_string();
    assert!(text.contains("schema/postgres/0001_people.sql") && text.contains("restore it"), "{text}");
    for refused in [schema.apply(&silent).await.err(), schema.plan().await.err()] {
        let Some(Error::Different(text)) = refused else { panic!("{refused:?}") };
        assert!(text.contains("schema/postgres/0001_people.sql"), "{text}");
    }
    place
        .sql("DELETE FROM schema_migrations WHERE number > 1; UPDATE schema_migrations SET checksum = 'x'")
        .await;
    assert!(matches!(check().await, Check::Different(_)), "the worst is told");

    place.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    assert!(matches!(check().await, Check::Behind(_)));
    schema.apply(&silent).await.unwrap();
    let newer = "INSERT INTO {keyspace}.schema_migrations (number, name, checksum, applied_at)
                 VALUES (99, '0099_later', 'x', toTimestamp(now()))";
    place.cql(newer).await;
    let ahead = check().await;
    assert!(matches!(&ahead, Check::Ahead(all) if all.len() == 1), "{ahead}");
    assert!(ahead.to_string().contains("cassandra 0099_later"), "{ahead}");
    let Err(Error::Different(text)) = schema.apply(&silent).await else { panic!("it was applied") };
    assert!(text.contains("0099_later") && text.contains("newer version"), "{text}");
    place.leave().await;
}

/// The real server behind a door that slams once.
async fn slamming(server: String) -> std::net::SocketAddr {
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = door.local_addr().unwrap();
    tokio::spawn(async move {
        drop(door.accept().await.unwrap());
        while let Ok((mut inside, _)) = door.accept().await {
            let mut outside = tokio::net::TcpStream::connect(&server).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut inside, &mut outside).await });
        }
    });
    address
}

#[tokio::test]
async fn an_engine_that_comes_later_is_waited_for() {
    let Some(place) = Place::new().await else { return };
    let schema = |address: std::net::SocketAddr| {
        let url = &place.environment[0].1;
        let (_, database) = url.rsplit_once('/').unwrap();
        let login = url.split_once("://").unwrap().1.split_once('@').unwrap().0;
        let postgres = Postgres::parse(&format!("postgres://{login}@{address}/{database}")).unwrap();
        Schema { postgres: Some(postgres), ..Schema::default() }
    };
    let server = place.postgres.address();
    let server = server.split_once('/').unwrap().0.to_owned();
    let late = schema(slamming(server.clone()).await).check(Duration::from_secs(60)).await;
    assert!(matches!(late, Ok(Check::Behind(_))), "{late:?}");
    let now = schema(slamming(server).await).check(Duration::ZERO).await;
    assert!(matches!(now, Err(Error::Unavailable(_))), "{now:?}");
    place.leave().await;
}

/// An address at which nobody listens.
fn nowhere() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_engine_that_is_away_is_named() {
    let address = nowhere();
    let postgres = Postgres::parse(&format!("postgres://ann:secret@{address}/x")).unwrap();
    let cassandra = Cassandra::parse(&format!("cassandra://ann:secret@{address}/x")).unwrap();
    let schemas = [
        Schema { postgres: Some(postgres), ..Schema::default() },
        Schema { cassandra: Some(cassandra), ..Schema::default() },
    ];
    for schema in schemas {
        let Err(Error::Unavailable(text)) = schema.check(Duration::ZERO).await else { panic!("it answered") };
        assert!(text.contains(&address.to_string()) && !text.contains("secret"), "{text}");
    }
}
