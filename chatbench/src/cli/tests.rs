use super::*;
use clap::CommandFactory;
use std::time::Duration;

fn parse(line: &str) -> Result<Run, clap::Error> {
    match Cli::try_parse_from(line.split(' '))?.verb {
        Verb::Run(run) => Ok(*run),
        _ => panic!("{line}"),
    }
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
    let run = parse("chatbench run --spawn --users 200 --rate 500 --duration 10s --no-latency-gate -o json");
    let run = run.unwrap();
    assert_eq!((run.users, run.rate, run.duration), (Some(200), Some(500.0), Some(Duration::from_secs(10))));
    assert!(run.server.spawn && run.no_latency_gate && run.warmup.is_none());
    assert_eq!(run.output, Output::Json);
    let run = parse("chatbench run burst --target http://a:1 --target http://b:2 --server-pid 4,5").unwrap();
    assert_eq!(run.scenario.as_deref(), Some("burst"));
    assert_eq!((run.door.target.len(), run.server_pid), (2, vec![4, 5]));
}

#[test]
fn every_help_shows_the_table_of_exit_codes() {
    let mut cli = Cli::command();
    assert!(cli.render_help().to_string().contains(TABLE));
    for verb in cli.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
        let help = verb.render_help().to_string();
        assert!(help.contains(TABLE), "{help}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for bad in [
        "--users 1",
        "--rate 0",
        "--rate x",
        "--reconcile some",
        "--size 10",
        "--spawn --target http://x",
        "--spawn --ca x",
        "--spawn --server-pid 4",
        "--set a=b",
        "--p99 1s --no-latency-gate",
        "--gate seed --thresholds x",
        "--adapter-set a=b",
        "--trace x --rate 5",
    ] {
        assert!(parse(&format!("chatbench run {bad}")).is_err(), "{bad}");
    }
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    for flag in ["--target", "--api", "--admin", "--server-metrics"] {
        let refused = parse(&format!("chatbench run {flag} http://u:hunter2@127.0.0.1:1/m")).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains(flag) && !said.contains("hunter2"), "{said}");
        assert!(parse(&format!("chatbench run {flag} http://127.0.0.1:1/@m")).is_ok(), "{flag}");
    }
}

#[test]
fn an_encrypted_address_is_one_however_it_is_written() {
    for (target, sealed) in
        [("HTTPS://a", true), ("wss://a", true), ("MqttS://a", true), ("http://https://", false)]
    {
        assert_eq!(parse(&format!("chatbench run --target {target}")).unwrap().is_tls(), sealed, "{target}");
    }
}
