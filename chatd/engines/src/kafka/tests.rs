use super::*;

const PASSWORD: &str = "s3cret@:/?";
const ENCODED: &str = "s3cret%40%3A%2F%3F";

#[test]
fn a_url_says_where_and_how() {
    let kafka = Kafka::parse("kafka://one:9092,two?prefix=x.&replication=3").unwrap();
    let config = kafka.client_config();
    assert_eq!(config.get("bootstrap.servers"), Some("one:9092,two:9092"));
    assert_eq!(config.get("security.protocol"), Some("PLAINTEXT"));
    assert_eq!(kafka.topic(Topic::Messages), "x.message-events");
    assert_eq!(kafka.group("sequencer"), "x.sequencer");
    assert_eq!(kafka.replication(), 3);
    let plain = Kafka::parse("kafka://[::1]:9092").unwrap();
    assert_eq!(plain.client_config().get("bootstrap.servers"), Some("[::1]:9092"));
    assert_eq!(plain.topic(Topic::Typing), "typing-events");
}

#[test]
fn a_login_and_tls_become_settings_of_the_client() {
    let url = format!("kafkas://us%65r:{ENCODED}@host:9093?ca=/etc/ca.pem&mechanism=SCRAM-SHA-256");
    let config = Kafka::parse(&url).unwrap().client_config();
    assert_eq!(config.get("security.protocol"), Some("SASL_SSL"));
    assert_eq!(config.get("ssl.ca.location"), Some("/etc/ca.pem"));
    assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-256"));
    assert_eq!(config.get("sasl.username"), Some("user"));
    assert_eq!(config.get("sasl.password"), Some(PASSWORD));
    let tls = Kafka::parse("kafkas://host").unwrap().client_config();
    assert_eq!((tls.get("security.protocol"), tls.get("sasl.mechanism")), (Some("SSL"), None));
}

/// The settings are ones that the client takes: it was built with TLS and SCRAM.
#[test]
fn the_client_takes_every_setting() {
    for url in ["kafka://u:p@h", "kafka://u:p@h?mechanism=PLAIN", "kafkas://u:p@h", "kafkas://h"] {
        let config = Kafka::parse(url).unwrap().client_config();
        let client: Result<rdkafka::consumer::BaseConsumer, _> = config.create();
        assert!(client.is_ok(), "{url}: {:?}", client.err());
    }
}

#[test]
fn a_password_is_never_shown() {
    let url = format!("kafka://user:{ENCODED}@host:9092?prefix=x.");
    let kafka = Kafka::parse(&url).unwrap();
    assert_eq!(kafka.to_string(), "kafka://user:***@host:9092?prefix=x.");
    assert_eq!(format!("{kafka:?}"), kafka.to_string());
    assert!(!format!("{:?}", kafka.client_config()).contains("s3cret"));
    for wrong in [
        format!("kafka://user:{ENCODED}@host:0"),
        format!("kafka://user:{ENCODED}@host:9092?x=y"),
        format!("http://user:{ENCODED}@host"),
        format!("kafka://user:{ENCODED}%zz@host"),
    ] {
        let error = Kafka::parse(&wrong).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn what_is_no_url_of_kafka_is_told() {
    for (url, wrong) in [
        ("localhost:9092", "it has no kafka://"),
        ("http://host", "neither with kafka://"),
        ("kafka://", "a host is missing"),
        ("kafka://one,,two", "a host is missing"),
        ("kafka://host:port", "a port is not a number"),
        ("kafka://user@host", "the user has no password"),
        ("kafka://host?ca=/x", "ca= needs kafkas://"),
        ("kafka://host?prefix=a/b", "prefix= has something else"),
        ("kafka://host?replication=0", "replication= is not a number from 1 to 9"),
        ("kafka://u:p@host?mechanism=GSSAPI", "mechanism= is none of"),
        ("kafka://host?colour=red", "a parameter is none of"),
    ] {
        let error = Kafka::parse(url).unwrap_err();
        assert!(error.wrong.contains(wrong), "{url}: {error}");
    }
}

#[test]
fn every_topic_of_the_log_is_declared() {
    let kafka = Kafka::parse("kafka://host?replication=3").unwrap();
    let declared = declared().unwrap();
    let names = Topic::ALL.map(Topic::name).into_iter().chain([DEAD_LETTERS]);
    for name in names {
        let topic = declared.iter().find(|topic| topic.name == name).unwrap_or_else(|| panic!("{name}"));
        let settings = topic.settings(&kafka);
        assert_eq!(settings["min.insync.replicas"], "2", "{name}");
        assert_eq!(settings["unclean.leader.election.enable"], "false", "{name}");
        assert_eq!(settings["message.timestamp.type"], "LogAppendTime", "{name}");
        let most: usize = settings["max.message.bytes"].parse().unwrap();
        assert!(most > schema::limits::RECORD_BYTES, "{name}");
        assert!(settings["retention.ms"].parse::<u64>().unwrap() <= 30 * 86_400_000, "{name}");
    }
}
