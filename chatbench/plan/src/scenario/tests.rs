use super::*;
use std::path::PathBuf;

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse("mine.toml", &format!("version = 1\n{text}"))
}

/// The fields that a text has problems with.
fn wrong(text: &str) -> Vec<String> {
    parse(text).unwrap().validate().into_iter().map(|problem| problem.field).collect()
}

#[test]
fn what_is_shipped_is_valid_and_says_what_it_is_for() {
    let shipped = Scenario::shipped();
    assert_eq!(shipped.len(), SHIPPED.len());
    for (name, _) in SHIPPED {
        let scenario = Scenario::find(name).unwrap();
        assert_eq!(scenario.name, *name);
        assert!(scenario.description.ends_with(['.', '?']), "{name}");
        let small = scenario.clone().scale(0.1);
        assert!(small.users <= scenario.users.div_ceil(10) + 2, "{name}");
    }
}

#[test]
fn each_shipped_file_is_listed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut listed: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    files.sort();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

/// `UPDATE_SCHEMAS=1 cargo test -p plan` writes it anew.
#[test]
fn the_schema_is_current() {
    let text = serde_json::to_string_pretty(&Scenario::json_schema()).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenario.schema.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "{path} is stale");
}

#[test]
fn nothing_said_is_plain_chat() {
    let scenario = parse("").unwrap();
    assert_eq!(scenario, Scenario { name: "mine".into(), ..Scenario::default() });
    assert_eq!(scenario.validate(), []);
    assert_eq!(scenario.planned_arrivals(), Arrivals::Constant { rate: 1000.0 });
    assert_eq!(scenario.phases().ramp_us, 400_000);
}

#[test]
fn what_is_written_out_is_read_again() {
    for scenario in Scenario::shipped() {
        let text = toml::to_string(&scenario).unwrap();
        assert_eq!(Scenario::parse(&scenario.name, &text).unwrap(), scenario, "{text}");
    }
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    for (text, words) in [
        ("users = 10\nratte = 5", "line 3: unknown field `ratte`; did you mean `rate`?"),
        ("[behaviour]\nseen = 1", "did you mean `seen_share`?"),
        ("[behaviour.churn]\nrate = 1\nawy = \"1s\"", "did you mean `away`?"),
        ("arrivals = \"poison\"", "did you mean `poisson`?"),
        ("protocol.chatd.transport = \"sockj\"", "did you mean `sockjs`?"),
        ("warmup = \"5\"", "write 250ms, 20s, 2m or 1h"),
        ("pairing = \"zipf\"", "zipf:1.1"),
        ("users = \"many\"", "line 2: invalid type"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with("mine.toml: ") && error.contains(words), "{error}");
    }
    let error = Scenario::find("brust").unwrap_err();
    assert!(error.contains("did you mean 'burst'?"), "{error}");
    assert!(Scenario::find("qqq").unwrap_err().contains("reconnect-storm"));
    assert!(Scenario::find("no/such.toml").unwrap_err().contains("no/such.toml: "));
    assert!(Scenario::parse("x", "users = 2").unwrap_err().contains("missing field `version`"));
}

#[test]
fn each_bound_is_checked() {
    for (text, field) in [
        ("users = 0", "users"),
        ("users = 3", "users"),
        ("users = 2000000", "users"),
        ("rate = 0", "rate"),
        ("rate = nan", "rate"),
        ("rate = 1e9", "rate"),
        ("size = 52", "size"),
        ("size = 4097", "size"),
        ("duration = \"0s\"", "duration"),
        ("warmup = \"3h\"", "warmup"),
        ("arrivals = \"none\"\nrate = 1", "rate"),
        ("arrivals = \"closed\"\nthink = \"0s\"", "think"),
        ("think = \"1s\"", "think"),
        ("arrivals = \"closed\"\npairing = \"zipf:1\"", "pairing"),
        ("trace = []", "trace"),
        ("trace = \"x.csv\"", "trace"),
        ("rate = 5\ntrace = [{ at = \"0s\", rate = 1 }]", "trace"),
        ("trace = [{ at = \"0s\", rate = 0 }]", "trace"),
        ("trace = [{ at = \"1s\", rate = 1 }]", "trace[0].at"),
        ("trace = [{ at = \"0s\", rate = 1 }, { at = \"0s\", rate = 2 }]", "trace[1].at"),
        ("trace = [{ at = \"0s\", rate = -1 }]", "trace[0].rate"),
        ("behaviour.seen_share = 1.1", "behaviour.seen_share"),
        ("behaviour.typing_rate = -1", "behaviour.typing_rate"),
        ("behaviour.churn = { rate = 0, away = \"1s\" }", "behaviour.churn.rate"),
        ("behaviour.churn = { rate = 600, away = \"1s\" }", "behaviour.churn.rate"),
        ("behaviour.storm = { at = \"20s\", share = 1, within = \"1s\" }", "behaviour.storm.at"),
        ("behaviour.storm = { at = \"2s\", share = 0, within = \"1s\" }", "behaviour.storm.share"),
        ("behaviour.offline.share = 1", "behaviour.offline.share"),
        ("behaviour.slow = { share = 0.1, pause = \"20s\" }", "behaviour.slow.pause"),
        ("protocol = \"relay\"\nbehaviour.login = true", "behaviour.login"),
        ("protocol.stomp = {}\nbehaviour.offline.share = 0.5", "behaviour.offline"),
        ("chaos = [{ at = \"20s\", command = \"true\" }]", "chaos[0].at"),
        ("chaos = [{ at = \"2s\", command = \" \" }]", "chaos[0].command"),
    ] {
        assert_eq!(wrong(text), [field], "{text}");
    }
    assert_eq!(Scenario::parse("x", "version = 2").unwrap().validate()[0].field, "version");
}

#[test]
fn a_problem_names_field_bound_and_fix() {
    let words: Vec<String> =
        parse("users = 1\nsize = 5").unwrap().validate().iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "users: 1 is out of bounds; write 2 to 1000000",
            "users: 1 is odd, and people talk in pairs; write 2",
            "size: 5 is out of bounds; write 53 to 4096"
        ]
    );
}

#[test]
fn times_of_the_hold_become_planned_times() {
    let scenario = parse(
        "warmup = \"3s\"\nduration = \"10s\"\n\
         trace = [{ at = \"0s\", rate = 10 }, { at = \"4s\", rate = 20 }]\n\
         behaviour.storm = { at = \"5s\", share = 0.5, within = \"1s\" }",
    )
    .unwrap();
    let target = Target { address: ([127, 0, 0, 1], 1).into(), authority: "x:1".into(), tls: None };
    let plan = scenario.plan(7, 8, vec![target], None);
    let step = |at_us, rate| Step { at_us, rate };
    assert_eq!(plan.arrivals, Arrivals::Trace { steps: vec![step(0, 10.0), step(7_000_000, 20.0)] });
    assert_eq!(plan.behaviour.storm.unwrap().at_us, 8_000_000);
    assert_eq!((plan.run, plan.seed, plan.phases.end_us()), (7, 8, 13_000_000));
}

#[test]
fn scaling_takes_users_and_rates_and_leaves_times_and_gates() {
    let scenario = Scenario::find("churn").unwrap();
    let small = scenario.clone().scale(0.05);
    assert_eq!((small.users, small.rate), (100, Some(50.0)));
    assert_eq!(small.behaviour.churn.unwrap().rate, 1.0);
    assert_eq!((small.phases().hold_us, &small.gate), (scenario.phases().hold_us, &scenario.gate));
    assert_eq!(Scenario::default().scale(0.5).rate, Some(500.0));
    assert_eq!(Scenario::find("idle").unwrap().scale(10.0).validate(), []);
    assert_eq!(Scenario::default().scale(0.0001).users, 2);
    for scenario in Scenario::shipped() {
        assert_eq!(scenario.clone().scale(0.02).validate(), [], "{}", scenario.name);
    }
    let burst = Scenario::find("burst").unwrap().scale(0.1);
    assert_eq!(burst.trace.unwrap().moments()[1].rate, 500.0);
}

#[test]
fn a_trace_lies_beside_its_scenario() {
    let folder = std::env::temp_dir().join(format!("chatbench-plan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.csv"), "at_s,rate\n0,10\n2,30\n").unwrap();
    let path = folder.join("mine.toml");
    std::fs::write(&path, "version = 1\ntrace = \"mine.csv\"\n").unwrap();
    let found = Scenario::find(&path.to_string_lossy());
    std::fs::remove_dir_all(&folder).unwrap();
    let found = found.unwrap();
    assert_eq!(found.name, "mine");
    assert_eq!(found.planned_arrivals().rate(4_000_000, 22_000_000), Some(30.0));
}

#[test]
fn gates_are_left_to_the_report() {
    assert_eq!(Scenario::find("smoke").unwrap().gate.unwrap().as_str(), Some("smoke"));
    let burst = Scenario::find("churn").unwrap().gate.unwrap();
    assert_eq!(burst.as_array().unwrap()[0]["metric"].as_str(), Some("gap.latency"));
}
