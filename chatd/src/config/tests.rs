use super::*;
use clap::Parser as _;

fn load(words: &[&str], environment: &[(&str, &str)]) -> Result<Config, Failure> {
    let cli = Cli::try_parse_from([&["chatd"], words].concat()).unwrap();
    Config::load(&cli, environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatd.toml");
    std::fs::write(&path, "[limits]\nrequests_per_minute = 1\nmessages_burst = 1\ncontent_chars = 1\n")
        .unwrap();
    let file = path.to_str().unwrap();
    let environment = [("CHATD_LIMITS__REQUESTS_PER_MINUTE", "2"), ("CHATD_LIMITS__MESSAGES_BURST", "2")];
    let config =
        load(&["--config", file, "--set", "limits.requests_per_minute=1_000_000"], &environment).unwrap();
    assert_eq!(config.limits.requests_per_minute, 1_000_000);
    assert_eq!(config.limits.messages_burst, 2);
    assert_eq!(config.limits.content_chars, 1);
    assert_eq!(config.limits.messages_per_second, schema::limits::MESSAGES_PER_SECOND);
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let failures = [
        load(&["--set", "limits.request_per_minute=1"], &[]),
        load(&[], &[("CHATD_LIMITS__REQUESTS_PER_MINUT", "1")]),
        load(&["--set", "limit.requests_per_minute=1"], &[]),
    ];
    for failure in failures.map(Result::unwrap_err) {
        assert_eq!(failure.exit, Exit::BadKey);
        assert!(failure.hint.contains("did you mean limits.requests_per_minute?"), "{failure}");
    }
    assert!(load(&["--set", "zzz=1"], &[]).unwrap_err().hint.contains("config doc"));
}

#[test]
fn a_value_out_of_bounds_is_named_with_its_bound() {
    let failure = load(&["--set", "limits.content_chars=50000"], &[]).unwrap_err();
    assert_eq!(failure.exit, Exit::BadKey);
    assert!(
        failure.message.contains("limits.content_chars: 50000 is out of bounds (1 to 49000)"),
        "{failure}"
    );
    assert_eq!(load(&["--log-format", "xml"], &[]).unwrap_err().exit, Exit::BadKey);
    assert_eq!(load(&["--set", "server.bind=here"], &[]).unwrap_err().exit, Exit::BadKey);
    assert_eq!(load(&["--set", "server.port"], &[]).unwrap_err().exit, Exit::Usage);
}

#[test]
fn the_sample_file_is_the_one_checked_in_and_gives_the_defaults() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/chatd.sample.toml");
    if std::env::var_os("UPDATE_SAMPLE").is_some() {
        std::fs::write(path, sample()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, sample(), "run this test with UPDATE_SAMPLE=1 and commit the file");

    let values: String =
        sample().lines().filter(|l| !l.starts_with("# ") || l.contains(" = ")).map(uncomment).collect();
    let mut config = Config::default();
    config.server.port = 1;
    config.file(&values, "sample").unwrap();
    assert_eq!(config, Config::default());
}

fn uncomment(line: &str) -> String {
    let line = line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line);
    format!("{line}\n")
}

#[test]
fn what_is_shown_reads_back_as_the_same() {
    let config = load(&["--port", "18080", "--set", "log.filter=debug"], &[]).unwrap();
    let mut again = Config::default();
    again.file(&show(&config), "shown").unwrap();
    assert_eq!(again, config);
    assert!(config.entries().all(|(key, _)| !key.doc.is_empty() && !key.unit.is_empty()));
}

#[test]
fn texts_that_are_no_origin_no_network_and_half_a_pair_are_refused_before_the_start() {
    for (set, word) in [
        ("cors.allowed_origins=[\"https://a.example/\"]", "cors.allowed_origins"),
        ("cors.allowed_origins=[\"a.example\"]", "cors.allowed_origins"),
        ("server.trusted_proxies=[\"proxy.example\"]", "10.0.0.0/8"),
        ("server.trusted_proxies=[\"10.0.0.0/40\"]", "server.trusted_proxies"),
        ("server.forwarded_header=x-real-ip", "server.forwarded_header"),
        ("tls.certificate=/a.crt", "tls.key is not"),
        ("tls.key=/a.key", "tls.certificate is not"),
        ("tls.redirect_port=65536", "tls.redirect_port"),
        ("limits.page_max=0", "limits.page_max"),
        ("limits.frame_bytes=1", "limits.frame_bytes"),
    ] {
        let failure = load(&["--set", set], &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::BadKey, "{set}");
        assert!(format!("{failure}").contains(word), "{set}: {failure}");
    }
}

#[test]
fn the_plain_port_is_80_beside_443_and_otherwise_as_told() {
    let port = |words: &[&str]| {
        let pair = ["--set", "tls.certificate=/a.crt", "--set", "tls.key=/a.key"];
        load(&[&pair, words].concat(), &[]).unwrap().redirect_port()
    };
    assert_eq!(port(&[]), None);
    assert_eq!(port(&["--port", "443"]), Some(80));
    assert_eq!(port(&["--port", "443", "--set", "tls.redirect_port=0"]), None);
    assert_eq!(port(&["--set", "tls.redirect_port=8079"]), Some(8079));
    assert_eq!(load(&["--port", "443", "--set", "tls.redirect_port=80"], &[]).unwrap().redirect_port(), None);
}

#[test]
fn every_limit_of_the_contract_is_a_key_and_is_listed() {
    let listed = load(&["--set", "limits.json_bytes=5000"], &[]).unwrap().public_limits();
    let value = |key: &str| {
        let key = format!("limits.{key}");
        listed.iter().find(|limit| limit.key == key).map(|limit| limit.value)
    };
    for (key, default) in [
        ("requests_per_minute", 100),
        ("registrations_per_minute", 20),
        ("lookups_per_minute", 30),
        ("login_failures_per_account", 10),
        ("login_failures_per_address", 100),
        ("messages_per_second", 50),
        ("messages_burst", 200),
        ("sockets_per_user", 64),
        ("sockets_per_address", 0),
        ("connect_deadline_s", 30),
        ("content_chars", 4096),
        ("frame_bytes", 65_536),
        ("json_bytes", 5000),
        ("outbox_bytes", 524_288),
        ("page_max", 200),
        ("upload_bytes", 10_485_760),
        ("metadata_bytes", 4096),
    ] {
        assert_eq!(value(key), Some(default), "{key}");
    }
}
