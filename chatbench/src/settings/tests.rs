use super::*;
use crate::cli::{Cli, Verb};
use clap::Parser;

fn parse(line: &str) -> Run {
    let words = line.split(' ').map(|word| word.replace('\'', ""));
    match Cli::try_parse_from(words).unwrap().verb {
        Verb::Run(run) => *run,
        _ => panic!("{line}"),
    }
}

fn of(line: &str) -> Result<Settings, Failure> {
    Settings::of(&parse(&format!("chatbench run {line}")))
}

#[test]
fn without_a_word_it_is_plain_chat() {
    let scenario = of("--spawn").unwrap().scenario;
    let arrivals = scenario.planned_arrivals();
    assert_eq!((scenario.users, arrivals), (1000, plan::Arrivals::Constant { rate: 1000.0 }));
    let phases = scenario.phases();
    assert_eq!((phases.ramp_us, phases.warmup_us, phases.hold_us), (400_000, 2_000_000, 20_000_000));
}

#[test]
fn arrivals_follow_the_flags() {
    let planned = |words: &str| of(words).unwrap().scenario.planned_arrivals();
    assert_eq!(planned("--rate 5 --arrivals poisson"), plan::Arrivals::Poisson { rate: 5.0 });
    assert_eq!(planned("--arrivals none"), plan::Arrivals::None);
    let closed = planned("--arrivals closed --think 250ms");
    assert_eq!(closed, plan::Arrivals::Closed { think_us: 250_000 });
    assert!(of("--think 1s").unwrap_err().hint.contains("closed"));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_fix() {
    for bad in [
        "--users 3",
        "--spawn --adapter mqtt",
        "--chaos 60s=true",
        "--transport rest --adapter relay",
        "--adapter relay --adapter-set a=b",
        "nosuchscenario",
        "--trace /nowhere",
    ] {
        let failure = of(bad).unwrap_err();
        assert!(failure.exit == schema::exit::Exit::Usage && !failure.hint.is_empty(), "{bad}: {failure}");
    }
}

#[test]
fn the_line_of_the_report_repeats_the_run() {
    for words in [
        "--users 200 --rate 500.5 --p99 50ms --reconcile 10 --threads 2",
        "--spawn --set limits.content_chars=8192 --websocket-processes 2 --arrivals poisson --no-latency-gate",
        "--target http://h:1 --target http://h:2 --api http://h:3 --workers a:1,b:2 --secret s/f --pairing zipf:1.1",
        "--target https://h:1 --ca own.pem --users 200",
        "--target http://h:1 --token-file a/token --server-pid 7,8 --label commit=abc --label by=me",
        "--target http://h:1 --data some/folder",
        "--spawn --chatd other/chatd",
        "--adapter stomp --adapter-set path=/ws --adapter-set login=guest --arrivals closed --think 2s",
        "burst --scale 0.5 --duration 5s",
    ] {
        let run = parse(&format!("chatbench run {words}"));
        let settings = Settings::of(&run).unwrap();
        let line = settings.line(&run, 42);
        let again = parse(&line);
        assert_eq!(again.seed, Some(42), "{line}");
        let same = Settings::of(&again).unwrap();
        assert_eq!(same.line(&again, 42), line);
        let plan = |settings: &Settings| settings.scenario.plan(1, 42, Vec::new(), None);
        assert_eq!(plan(&same), plan(&settings), "{line}");
        assert_eq!((again.p99, again.reconcile, &again.workers), (run.p99, run.reconcile, &run.workers));
        assert_eq!((&again.door.target, &again.door.ca), (&run.door.target, &run.door.ca));
        assert_eq!((&again.door.token_file, &again.door.data), (&run.door.token_file, &run.door.data));
        assert_eq!((&again.server.chatd, &again.server_pid), (&run.server.chatd, &run.server_pid));
        assert_eq!(again.label, run.label);
    }
}

#[test]
fn who_names_gates_asks_for_latency_there() {
    let bounds = |words: &str| -> Vec<Limit> {
        let run = parse(&format!("chatbench run {words}"));
        let settings = Settings::of(&run).unwrap();
        let plan = settings.scenario.plan(1, 1, Vec::new(), None);
        let gates = settings.thresholds(&run, &plan).unwrap().gates.into_iter();
        gates.filter(|gate| gate.id == P99_GATE).map(|gate| gate.limit).collect()
    };
    assert_eq!(bounds("--users 2"), [Limit::Value(100.0)]);
    assert_eq!(bounds("--users 2 --p99 50ms"), [Limit::Value(50.0)]);
    assert_eq!(bounds("--users 2 --no-latency-gate"), []);
    assert_eq!(bounds("--users 2 --gate strict"), []);
    assert_eq!(bounds("--users 2 --gate seed --p99 50ms"), [Limit::Value(50.0)]);
    let run = parse("chatbench run --gate sede");
    let settings = Settings::of(&run).unwrap();
    let plan = settings.scenario.plan(1, 1, Vec::new(), None);
    assert!(settings.thresholds(&run, &plan).unwrap_err().message.contains("seed"));
}
