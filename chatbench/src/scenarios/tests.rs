use super::*;
use crate::cli::Cli;
use clap::Parser;

fn answer(line: &str) -> Result<String, Failure> {
    let line = format!("chatbench scenario {line}");
    match Cli::try_parse_from(line.split(' ')).unwrap().verb {
        crate::cli::Verb::Scenario(args) => run(&args),
        _ => panic!("{line}"),
    }
}

#[test]
fn the_list_has_each_with_its_size() {
    let text = answer("list").unwrap();
    for (name, _) in SHIPPED {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}");
    }
    assert!(text.contains("500-5000") && text.contains("100000    10000"), "{text}");
    let json: Value = serde_json::from_str(&answer("list -o json").unwrap()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), SHIPPED.len());
    let nightly = json.as_array().unwrap().iter().find(|one| one["name"] == "nightly-100k").unwrap();
    assert_eq!((&nightly["users"], &nightly["messagesPerSecond"]), (&json!(100_000), &json!(10_000.0)));
}

#[test]
fn what_is_shipped_is_shown_as_it_is_and_valid_with_its_gates() {
    for (name, text) in SHIPPED {
        assert_eq!(answer(&format!("show {name}")).unwrap(), *text);
        assert_eq!(answer(&format!("validate {name}")).unwrap(), format!("{name}: sound\n"));
    }
    let json: Value = serde_json::from_str(&answer("show churn -o json").unwrap()).unwrap();
    assert_eq!(json["behaviour"]["churn"]["away"], "3s");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("version = 1\n{text}")).unwrap();
        path.display().to_string()
    };
    let odd = file("odd.toml", "users = 3\nrate = 0");
    let typo = file("typo.toml", "ratte = 5");
    let gate =
        file("gate.toml", "[[gate]]\nid = \"x\"\nmetric = \"delivery.latncy\"\nop = \"<\"\nvalue = \"1ms\"");
    let good = file("good.toml", "users = 10");
    let failure = answer(&format!("validate {odd} {typo} {gate} {good}")).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    for words in [
        "users: 3 is odd, and people talk in pairs; write 4",
        "rate: 0 is out of bounds; write 0.1 to 1000000",
        "unknown field `ratte`; did you mean `rate`?",
        "did you mean 'delivery.latency'?",
    ] {
        assert!(failure.message.contains(words), "{words}: {}", failure.message);
    }
    assert!(!failure.message.contains("good.toml"));
    let shown = answer(&format!("show {good}")).unwrap();
    assert!(shown.contains("users = 10") && shown.contains("duration = \"20s\""), "{shown}");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let failure = answer("show brust").unwrap_err();
    assert!(failure.message.contains("did you mean 'burst'?"), "{failure}");
}

#[test]
fn the_schema_is_one() {
    let schema: Value = serde_json::from_str(&answer("schema").unwrap()).unwrap();
    assert_eq!(schema["title"], "Scenario");
}
