//! The verbs around a run: search, compare, report, check, calibrate. What they find is the machine's; what they say is ours.

use crate::real::chatd;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// A load that any machine holds.
const SMALL: [&str; 11] = [
    "--users",
    "4",
    "--duration",
    "2s",
    "--warmup",
    "100ms",
    "--drain",
    "3s",
    "--no-latency-gate",
    "--live",
    "off",
];

fn chatbench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatbench")).args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    })
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_search_tries_rates_and_leaves_its_knee() {
    let Some(chatd) = chatd() else { return };
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let mut args = vec!["search", "--spawn", "--chatd", chatd.to_str().unwrap(), "-ojson", "--no-ceiling"];
    args.extend(["--rate", "20", "--most", "40", "--steps", "6", "--report-dir", into]);
    args.extend(SMALL);
    let output = chatbench(&args);
    let search = json(&output);
    let steps = search["steps"].as_array().unwrap();
    assert_eq!((&steps[0]["rate"], &steps[0]["kind"]), (&20.0.into(), &"up".into()));
    assert!(steps.len() <= 6, "{search:#}");
    if steps.iter().all(|step| step["verdict"] == "PASS") {
        assert_eq!(search["capacity"], 40.0, "{search:#}");
        assert_eq!(steps.iter().filter(|step| step["rate"] == 40.0).count(), 2, "looked at again");
        assert_eq!(output.status.code(), Some(0));
    }
    for name in ["search.json", "search.txt", "search.md", "search.html", "01-20/report.json"] {
        assert!(text(&folder.path().join(name)).len() > 50, "{name}");
    }
    // Everything but the JSON can be made again.
    std::fs::remove_file(folder.path().join("search.html")).unwrap();
    assert_eq!(json(&chatbench(&["report", into, "-ojson"])), search);
    assert!(folder.path().join("search.html").is_file());
}

#[test]
fn a_server_compared_with_itself_and_then_its_reports() {
    let Some(chatd) = chatd() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (chatd, into) = (chatd.to_str().unwrap(), folder.path().to_str().unwrap());
    let mut args = vec!["compare", chatd, chatd, "--repeat", "2", "--rate", "40", "-ojson"];
    args.extend(["--report-dir", into]);
    args.extend(SMALL);
    let output = chatbench(&args);
    let compared = json(&output);
    assert_eq!(compared["runs"], serde_json::json!([2, 2]));
    assert_ne!(output.status.code(), Some(9), "{compared:#}");
    for name in ["compare.json", "compare.md", "compare.html", "a-01/report.html", "b-02/report.json"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    let seeds = ["a-01", "b-01", "a-02", "b-02"].map(|name| {
        let report: Value =
            serde_json::from_str(&text(&folder.path().join(name).join("report.json"))).unwrap();
        report["seed"].as_u64().unwrap()
    });
    assert_eq!((seeds[0], seeds[2]), (seeds[1], seeds[3]), "both sides get the same messages");
    assert_ne!(seeds[0], seeds[2], "each repeat gets others");
    let page = folder.path().join("compare.html");
    std::fs::remove_file(&page).unwrap();
    assert_eq!(json(&chatbench(&["report", into, "-ojson"])), compared);
    assert!(text(&page).contains(&chatd.replace('/', "&#x2f;")), "the page names its sides");
    let [a, b] = ["a-01", "b-01"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let output = chatbench(&["compare", &a, &b, "-ojson"]);
    assert_eq!(output.status.code(), Some(8), "one run a side says nothing");
    let again = json(&output);
    assert_eq!(again["runs"], serde_json::json!([1, 1]));
    assert!(again["caveats"].to_string().contains("one run of a side"), "{again:#}");

    let html = folder.path().join("a-01/report.html");
    std::fs::remove_file(&html).unwrap();
    let report = chatbench(&["report", &a]);
    assert_eq!(report.status.code(), Some(0));
    assert!(text(&html).contains("<svg"));
}

#[test]
fn a_check_says_what_does_not_fit_with_the_fix() {
    let output = chatbench(&["check", "--spawn", "--users", "100", "--rate", "10", "-ojson"]);
    let checked = json(&output);
    let finding = |checked: &Value, code: &str| {
        let found = checked["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code);
        found.unwrap_or_else(|| panic!("{code}: {checked:#}")).clone()
    };
    for code in ["server", "files", "ports", "memory", "backlog", "clock"] {
        assert_ne!(finding(&checked, code)["state"], "short", "{checked:#}");
    }
    assert_eq!((output.status.code(), &checked["fits"]), (Some(0), &true.into()));

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = format!("http://{free}");
    let output =
        chatbench(&["check", "--target", &target, "--users", "100000", "--source-ip", "127.0.0.1", "-ojson"]);
    assert_eq!(output.status.code(), Some(7), "nobody is there");
    let checked = json(&output);
    assert_eq!(finding(&checked, "server")["state"], "short");
    let ports = finding(&checked, "ports");
    assert!(ports["fix"].as_str().unwrap().starts_with("--source-ip 127.0.0.1-127.0.0."), "{ports:#}");
}

#[test]
fn a_calibration_holds_idle_users_and_ends_its_servers() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let output = chatbench(&["calibrate", "--idle-only", "--idle", "200", "--report-dir", into, "-ojson"]);
    let calibration = json(&output);
    assert_eq!(calibration["idle"]["connected"], 200, "{calibration:#}");
    assert_eq!(calibration["idle"]["workers"], 1);
    assert_eq!(output.status.code(), Some(0));
    std::fs::remove_file(folder.path().join("calibration.html")).unwrap();
    assert_eq!(json(&chatbench(&["report", into, "-ojson"])), calibration);
    assert!(text(&folder.path().join("calibration.html")).contains("<h1>200"));
    std::fs::write(folder.path().join("calibration.json"), "{}").unwrap();
    let broken = chatbench(&["report", into]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("calibration.json: missing field"));
}

#[test]
fn what_is_not_there_is_said_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, none) = (folder.path().to_str().unwrap(), folder.path().join("none"));
    let none = none.to_str().unwrap();
    for (args, exit) in [
        (&["report", none][..], 5),
        (&["report", empty], 5),
        (&["compare", none, none], 5),
        (&["search", "--spawn", "--arrivals", "closed"], 2),
        (&["coordinate", "auto"], 2),
        (&["calibrate", "--duration", "1s"], 2),
        (&["calibrate", "--idle-only", "--idle", "0"], 2),
        (&["search", "--spawn", "--duration", "1s"], 2),
        (&["search", "--spawn", "--most", "5000", "--at-least", "6000"], 2),
        (&["compare", "http://127.0.0.1:1", "http://127.0.0.1:2", "--duration", "1s"], 2),
    ] {
        let output = chatbench(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
