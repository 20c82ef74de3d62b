use super::super::facts::{Asked, Machine, Server};
use super::*;
use std::collections::BTreeMap;

fn facts() -> Facts {
    Facts {
        asked: Asked {
            users: 100_000,
            rate: 2000.0,
            message_bytes: 128,
            ramp_s: 20.0,
            logins: false,
            rest: false,
            targets: 1,
            sources: 8,
            tls: false,
            loopback: true,
            server_here: true,
            workers: None,
            elsewhere: false,
        },
        machine: Machine {
            cpus: 2,
            clock_source: "tsc".into(),
            files: 20_000,
            files_open: 1000,
            files_max: 1 << 40,
            ports: 28_232,
            time_wait_max: 262_144,
            memory: 12 << 30,
            tcp_memory_max: Some(2 << 30),
            backlog: 4096,
            syn_backlog: 4096,
            ..Machine::default()
        },
        server: Server::Later,
    }
}

fn answers(limits: &[(&str, i64)], ahead_s: f64) -> Server {
    let limits: BTreeMap<String, i64> =
        limits.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    Server::Answers { limits, ahead_s: Some(ahead_s) }
}

/// The finding of this code; what does not fit says what to do.
#[track_caller]
fn of(facts: &Facts, code: &str) -> Finding {
    let found = findings(facts);
    for finding in &found {
        assert_eq!(finding.fix.is_empty(), finding.state == State::Fits, "{finding:?}");
    }
    found.into_iter().find(|finding| finding.code == code).unwrap()
}

#[test]
fn what_fits_says_so_and_how() {
    let facts = facts();
    let found = findings(&facts);
    assert!(found.iter().all(|finding| finding.state == State::Fits), "{found:#?}");
    assert_eq!(exit(&facts, &found), Exit::Ok);
    let files = of(&facts, "files").what;
    assert!(files.contains("6 worker processes of 16,668 users") && files.contains("20,000"), "{files}");
}

#[test]
fn too_few_workers_name_the_number_that_does() {
    let mut facts = facts();
    facts.asked.workers = Some(5);
    let files = of(&facts, "files");
    assert_eq!(files.state, State::Short);
    assert!(files.fix.starts_with("--workers 6, or ulimit -Hn 20612"), "{}", files.fix);
    facts.asked.workers = None;
    facts.machine.files = 300;
    assert_eq!(of(&facts, "files").state, State::Short);
    assert_eq!(exit(&facts, &findings(&facts)), Exit::INVALID);
}

#[test]
fn ports_are_counted_by_address_and_target() {
    let mut facts = facts();
    facts.asked.sources = 3;
    let ports = of(&facts, "ports");
    assert_eq!((ports.state, ports.fix.as_str()), (State::Short, "--source-ip 127.0.0.1-127.0.0.4"));
    facts.asked.targets = 2;
    assert_eq!(of(&facts, "ports").state, State::Fits);
    facts.asked.users = 3 * 2 * 28_232 + 2;
    facts.asked.loopback = false;
    assert!(of(&facts, "ports").fix.starts_with("4 local addresses"), "{:?}", of(&facts, "ports"));
}

#[test]
fn closed_connections_are_seen_before_they_are_in_the_way() {
    let mut facts = facts();
    facts.machine.time_wait = 8 * 28_232 - 100_000;
    assert_eq!(of(&facts, "time-wait").state, State::Fits);
    facts.machine.time_wait += 1;
    assert_eq!(of(&facts, "time-wait").state, State::Doubtful);
}

#[test]
fn memory_that_is_short_names_the_users_that_fit() {
    let mut facts = facts();
    facts.machine.memory_in_group = Some(1 << 30);
    let memory = of(&facts, "memory");
    assert_eq!(memory.state, State::Short);
    let fit: u64 = memory.fix.split(' ').nth(1).unwrap().trim_end_matches(',').parse().unwrap();
    facts.asked.users = fit;
    assert_eq!(of(&facts, "memory").state, State::Fits, "{memory:?}");
    facts.asked.users = 100_000;
    facts.asked.server_here = false;
    assert_eq!(of(&facts, "memory").state, State::Fits, "the server's part is elsewhere");
    facts.asked.tls = true;
    assert_eq!(
        of(&facts, "memory").state,
        State::Short,
        "keys and certificates take more than plain sockets"
    );
}

#[test]
fn bounds_of_the_kernel_are_named_with_their_command() {
    let mut facts = facts();
    facts.machine.files_max = 100_000;
    assert_eq!(of(&facts, "all-files").fix, "sysctl -w fs.file-max=201612");
    facts.machine.tracked = Some((10, 65_536));
    assert_eq!(of(&facts, "tracked").fix, "sysctl -w net.netfilter.nf_conntrack_max=100010");
    facts.machine.tcp_memory_max = Some(1 << 20);
    assert_eq!(of(&facts, "tcp-memory").state, State::Doubtful);
    facts.machine.backlog = 128;
    let backlog = of(&facts, "backlog");
    assert!(backlog.fix.contains("--ramp 196s") && backlog.fix.contains("somaxconn=1250"), "{backlog:?}");
}

#[test]
fn a_server_without_an_answer_is_unreachable() {
    let facts = Facts { server: Server::Silent("refused".into()), ..facts() };
    assert_eq!(exit(&facts, &findings(&facts)), Exit::Unreachable);
}

#[test]
fn rate_limits_are_compared_with_what_a_user_does() {
    let mut facts = facts();
    facts.asked.users = 100;
    facts.server = answers(&[("limits.messages_per_second", 50), ("limits.requests_per_minute", 100)], 0.0);
    assert_eq!(of(&facts, "rate-limit").state, State::Fits, "40 a second at most");
    facts.asked.rate = 3000.0;
    assert!(of(&facts, "rate-limit").fix.contains("limits.messages_per_second of the server to 60"));
    facts.server = answers(&[("limits.messages_per_second", 0)], 0.0);
    assert!(findings(&facts).iter().all(|finding| finding.code != "rate-limit"), "0 is off");
    facts.asked.rest = true;
    facts.server = answers(&[("limits.requests_per_minute", 100)], 0.0);
    assert_eq!(of(&facts, "rate-limit").state, State::Short);
    facts.server = answers(&[("limits.sockets_per_address", 12)], 0.0);
    assert_eq!(of(&facts, "sockets").state, State::Short, "13 of each of 8 addresses");
}

#[test]
fn sizes_and_clocks_of_the_server() {
    let mut facts = facts();
    facts.server = answers(&[("limits.content_chars", 100)], 3.0);
    assert_eq!(of(&facts, "size").state, State::Short);
    assert_eq!(of(&facts, "wall-clock").state, State::Fits);
    facts.server = answers(&[], -60.0);
    assert!(of(&facts, "wall-clock").what.contains("-60 s"));
    assert_eq!(of(&facts, "wall-clock").state, State::Doubtful);
}

#[test]
fn logins_are_bounded_by_hashing() {
    let mut facts = facts();
    facts.asked.logins = true;
    facts.machine.hash_ms = Some(250.0);
    let hash = of(&facts, "hash");
    assert_eq!(hash.state, State::Short);
    assert!(hash.fix.starts_with("--ramp 15625s"), "{hash:?}");
    facts.asked.users = 100;
    assert_eq!(of(&facts, "hash").state, State::Fits);
}

#[test]
fn a_machine_that_is_busy_is_doubtful_not_short() {
    let mut facts = facts();
    facts.machine.load = 1.5;
    assert_eq!(of(&facts, "cpu").state, State::Doubtful);
    facts.machine.load = 0.0;
    facts.machine.steal = 0.05;
    assert_eq!(of(&facts, "cpu").state, State::Doubtful);
    assert_eq!(exit(&facts, &findings(&facts)), Exit::Ok);
    facts.machine.clock_source = "acpi_pm".into();
    assert_eq!(of(&facts, "clock").state, State::Doubtful);
}

#[test]
fn other_machines_are_not_guessed_at() {
    let mut facts = facts();
    facts.asked.elsewhere = true;
    assert_eq!(of(&facts, "workers").state, State::Doubtful);
    assert!(findings(&facts).iter().all(|finding| finding.code != "files"));
}

#[test]
fn numbers_are_grouped() {
    assert_eq!(["1", "1,234", "1,234,567"], [1, 1234, 1_234_567].map(grouped));
}
