//! The schema verbs on the real servers: from nothing to verified, two at once, and killed in the middle.

use crate::place::Place;
use crate::{error, stdout};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn command(place: &Place, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.args(words.split(' ')).env_clear().envs(place.environment.iter().map(|(name, url)| (name, url)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) async fn run(place: &Place, words: &str) -> Output {
    let mut command = command(place, words);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
pub(crate) fn json(output: &Output, exit: i32) -> Value {
    assert_eq!(output.status.code(), Some(exit), "{output:?}");
    serde_json::from_str(stdout(output)).unwrap()
}

/// How many items the answer has under this name.
#[track_caller]
fn count(output: &Output, exit: i32, name: &str) -> usize {
    json(output, exit)[name].as_array().unwrap().len()
}

#[tokio::test]
async fn from_nothing_to_verified() {
    let Some(place) = Place::new().await else { return };
    assert!(count(&run(&place, "schema verify -o json").await, 3, "differences") > 0);
    let planned = count(&run(&place, "schema plan -o json").await, 3, "changes");
    let applied = run(&place, "schema apply -o json").await;
    let done = count(&applied, 0, "done");
    assert!(done > 0 && planned >= done, "{planned} {done}");
    let told = String::from_utf8(applied.stderr).unwrap();
    assert!(told.contains("postgres: 0001_people applied") && told.contains("kafka: create topic"), "{told}");

    assert_eq!(count(&run(&place, "schema plan -o json").await, 0, "changes"), 0);
    assert_eq!(count(&run(&place, "schema apply -o json").await, 0, "done"), 0);
    assert_eq!(count(&run(&place, "schema verify -o json").await, 0, "differences"), 0);
    let status = json(&run(&place, "schema status -o json").await, 0);
    assert!(status["items"].as_array().unwrap().iter().all(|item| item["state"] == "applied"), "{status}");

    place.sql("DROP INDEX sessions_by_user").await;
    let found = json(&run(&place, "schema verify -o json").await, 3);
    let [difference] = found["differences"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!(difference["object"], "table sessions, index sessions_by_user");
    assert_eq!((difference["target"].as_str(), &difference["found"]), (Some("postgres"), &Value::Null));
    let only = run(&place, "schema verify --only cassandra --only kafka -o json").await;
    assert_eq!(count(&only, 0, "differences"), 0);

    place.sql("UPDATE schema_migrations SET checksum = 'other'").await;
    let refused = run(&place, "schema apply -o json").await;
    assert_eq!(refused.status.code(), Some(8));
    let error = error(&refused);
    assert_eq!(error["code"], "schema-differs");
    assert!(error["message"].as_str().unwrap().contains("schema/postgres/0001_people.sql"), "{error}");
    place.leave().await;
}

#[tokio::test]
async fn of_two_at_once_each_migration_is_applied_by_one() {
    let Some(place) = Place::new().await else { return };
    let planned = count(&run(&place, "schema status -o json").await, 0, "items");
    let (one, two) = tokio::join!(run(&place, "schema apply -o json"), run(&place, "schema apply -o json"));
    assert_eq!(count(&one, 0, "done") + count(&two, 0, "done"), planned, "{one:?} {two:?}");
    assert_eq!(count(&run(&place, "schema verify -o json").await, 0, "differences"), 0);
    place.leave().await;
}

/// Starts an apply and kills it as soon as it says this.
fn kill_when_told(place: &Place, sign: &str) {
    let mut child = command(place, "schema apply").spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.starts_with(sign)), "it never said {sign}");
    kill(&mut child);
}

fn kill(child: &mut Child) {
    assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn killed_in_the_middle_the_next_one_goes_on() {
    let Some(place) = Place::new().await else { return };
    kill_when_told(&place, "postgres: 0001");
    // Between two statements of a migration, the lease in its hand.
    let mut child = command(&place, "schema apply").spawn().unwrap();
    while place.tables().await < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kill(&mut child);
    let status = json(&run(&place, "schema status --only cassandra -o json").await, 0);
    assert_eq!(status["items"][0]["state"], "pending", "it was killed before the migration was through");
    kill_when_told(&place, "kafka: create topic");

    let last = run(&place, "schema apply -o json").await;
    assert!(count(&last, 0, "done") > 0);
    assert_eq!(count(&run(&place, "schema verify -o json").await, 0, "differences"), 0);
    let status = json(&run(&place, "schema status -o json").await, 0);
    assert!(status["items"].as_array().unwrap().iter().all(|item| item["state"] == "applied"), "{status}");
    place.leave().await;
}

#[test]
fn engines_that_are_not_named_or_away_have_their_codes() {
    let failed = |environment: &[(&str, &str)], words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
        let output =
            command.args(words.split(' ')).env_clear().envs(environment.iter().copied()).output().unwrap();
        let error = error(&output);
        (output.status.code().unwrap(), error["code"].as_str().unwrap().to_owned(), error.to_string())
    };
    let (exit, code, text) = failed(&[], "schema apply -o json");
    assert_eq!((exit, code.as_str()), (2, "no-engine"), "{text}");
    for name in ["CHATD_STORES__POSTGRES", "CHATD_STORES__CASSANDRA", "CHATD_STORES__KAFKA", "--config"] {
        assert!(text.contains(name), "{name} is not named: {text}");
    }
    let (exit, _, text) =
        failed(&[("CHATD_STORES__KAFKA", "kafka://ann:secret@:9092")], "topic list -o json");
    assert_eq!(exit, 2);
    assert!(text.contains("CHATD_STORES__KAFKA") && !text.contains("secret"), "{text}");

    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("jdbc:postgresql://{address}/chatapp");
    let spring = [
        ("SPRING_DATASOURCE_URL", url.as_str()),
        ("SPRING_DATASOURCE_USERNAME", "ann"),
        ("SPRING_DATASOURCE_PASSWORD", "secret"),
    ];
    let away = |environment: &[(&str, &str)], words: &str| {
        let (exit, code, text) = failed(environment, words);
        assert_eq!((exit, code.as_str()), (7, "unreachable"), "{text}");
        assert!(text.contains(&address.to_string()) && !text.contains("secret"), "{text}");
    };
    away(&spring, "schema status --only postgres -o json");

    let folder = tempfile::tempdir().unwrap();
    let (config, secret) = (folder.path().join("chatd.toml"), folder.path().join("url"));
    std::fs::write(&secret, format!("postgres://ann:secret@{address}/chatapp\n")).unwrap();
    std::fs::write(&config, format!("[stores]\npostgres = \"@{}\"\n", secret.display())).unwrap();
    away(&[], &format!("schema verify --only postgres -o json --config {}", config.display()));
    std::fs::write(&config, "stores = no").unwrap();
    let (exit, _, text) = failed(&[], &format!("schema plan -o json --config {}", config.display()));
    assert!(exit == 2 && text.contains("chatd.toml"), "{text}");
}
