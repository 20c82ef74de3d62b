use super::*;

#[test]
fn a_url_says_all_there_is() {
    let url = "cassandras://chat%40d:p%3Aw@a.example,b.example:9142,[::1]/prod_chat?dc=eu&replication=3&ca=/etc/ca.pem";
    let cassandra = Cassandra::parse(url).unwrap();
    assert_eq!(cassandra.nodes, ["a.example:9042", "b.example:9142", "[::1]:9042"]);
    assert_eq!(cassandra.credentials, Some(("chat@d".into(), "p:w".into())));
    assert_eq!((cassandra.keyspace(), cassandra.tls), ("prod_chat", true));
    assert_eq!(cassandra.replication(), "{'class': 'NetworkTopologyStrategy', 'eu': 3}");
    let shown = format!("{cassandra:?}");
    assert!(!shown.contains("p:w") && !shown.contains("p%3Aw"), "{shown}");
}

#[test]
fn what_is_left_out_has_a_default() {
    let cassandra = Cassandra::parse("cassandra://localhost").unwrap();
    assert_eq!(cassandra.nodes, ["localhost:9042"]);
    assert_eq!(cassandra.keyspace(), "chatd");
    assert_eq!(cassandra.replication(), "{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}");
    assert_eq!(cassandra.with_keyspace("other").unwrap().keyspace(), "other");
    assert!(cassandra.with_keyspace("x; DROP").is_err());
}

#[test]
fn a_bad_url_is_told_without_its_password() {
    for (url, wrong) in [
        ("localhost:9042", "scheme"),
        ("postgres://u:secret@host/x", "scheme"),
        ("cassandra://u:secret@/x", "host"),
        ("cassandra://u:secret@host:many/x", "port"),
        ("cassandra://u:se%zzcret@host/x", "percent"),
        ("cassandra://secret@host/x", "password"),
        ("cassandra://u:secret@host/Chat-d", "keyspace"),
        ("cassandra://u:secret@host/x?replication=0", "replication"),
        ("cassandra://u:secret@host/x?colour=red", "option"),
        ("cassandras://u:secret@host/x", "ca=FILE"),
    ] {
        let told = Cassandra::parse(url).unwrap_err().to_string();
        assert!(told.contains(wrong), "{url}: {told}");
        assert!(!told.contains("secret") && told.contains("cassandra://["), "{told}");
    }
}

#[tokio::test]
async fn a_host_that_is_away_is_unavailable() {
    let away = Cassandra::parse("cassandra://127.0.0.1:1").unwrap();
    assert!(matches!(away.connect().await, Err(Error::Unavailable(_))));
}
