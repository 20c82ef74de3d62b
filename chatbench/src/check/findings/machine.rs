//! What this machine must have: files, ports, addresses, memory, backlog, clock, CPU.

use super::super::facts::{Asked, Facts, Machine};
use super::{Finding, grouped, mib};

/// Open files of a worker that are no sockets of users.
const FILES_KEPT: u64 = crate::files::RESERVE;
/// User-space memory of an idle user: the generator's bound and the server's.
const GENERATOR_BYTES: u64 = 2 << 10;
const SERVER_BYTES: u64 = 8 << 10;
/// What TLS adds to an idle user of the generator: his keys (5 KiB, as measured) and a copy of the server's certificates,
/// which seldom are longer than 4 KiB.
const TLS_BYTES: u64 = 9 << 10;
/// Kernel memory of one end of an idle connection.
const KERNEL_BYTES: u64 = 4 << 10;
/// What processes take before the first user.
const PROCESS_BYTES: u64 = 64 << 20;
/// Kernel memory that counts as TCP's, of an end with something under way: a page each way.
const TCP_BYTES: u64 = 8 << 10;
/// How long the server may be busy with something else before it accepts, in seconds.
const ACCEPT_PAUSE_S: f64 = 0.25;
/// Load, as a share of the CPUs, and steal from which figures are in doubt.
const LOAD_SHARE: f64 = 0.3;
const STEAL_SHARE: f64 = 0.02;
/// Clock sources that are read without asking the kernel.
const FAST_CLOCKS: [&str; 4] = ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"];

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Facts { asked, machine, .. } = facts;
    let mut found = vec![files(asked, machine), all_files(asked, machine), ports(asked, machine)];
    found.push(time_wait(asked, machine));
    found.push(memory(asked, machine));
    found.extend(tcp_memory(asked, machine));
    found.extend(tracked(asked, machine));
    if asked.server_here {
        found.push(backlog(asked, machine));
    }
    found.push(clock(machine));
    found.push(cpu(asked, machine));
    found
}

/// Ends of connections that are on this machine.
fn ends(asked: &Asked) -> u64 {
    asked.users * if asked.server_here { 2 } else { 1 }
}

fn files(asked: &Asked, machine: &Machine) -> Finding {
    let most = machine.files.saturating_sub(FILES_KEPT) & !1;
    let limit = grouped(machine.files);
    if most < 2 {
        let what =
            format!("a process may open {limit} files, a worker needs {} beside its users", FILES_KEPT);
        return Finding::short("files", what, format!("ulimit -Hn {}", asked.users + FILES_KEPT));
    }
    let needed = asked.users.div_ceil(most);
    let workers = asked.workers.unwrap_or(needed);
    let each = asked.users.div_ceil(workers.max(1)).next_multiple_of(2);
    if workers < needed {
        let what = format!(
            "{workers} workers would have {} users each, a process may open {limit} files and keeps {FILES_KEPT} of them",
            grouped(each),
        );
        let fix = format!("--workers {needed}, or ulimit -Hn {}", each + FILES_KEPT);
        return Finding::short("files", what, fix);
    }
    let server = if asked.server_here && needed > 1 {
        format!("; the server needs {needed} websocket processes too")
    } else {
        String::new()
    };
    let what = format!(
        "{workers} worker {} of {} users; a process may open {limit} files{server}",
        if workers == 1 { "process" } else { "processes" },
        grouped(each),
    );
    Finding::fits("files", what)
}

fn all_files(asked: &Asked, machine: &Machine) -> Finding {
    let needed = machine.files_open + ends(asked) + FILES_KEPT;
    let what = format!(
        "{} open files on the whole machine of {} that the kernel allows",
        grouped(needed),
        grouped(machine.files_max)
    );
    if needed > machine.files_max && machine.files_max > 0 {
        return Finding::short("all-files", what, format!("sysctl -w fs.file-max={needed}"));
    }
    Finding::fits("all-files", what)
}

fn ports(asked: &Asked, machine: &Machine) -> Finding {
    let pairs = asked.sources.max(1) * asked.targets.max(1);
    let room = machine.ports * pairs;
    let what = format!(
        "{} local ports for {} users: {} of each of {} local addresses towards each of {} targets",
        grouped(room),
        grouped(asked.users),
        grouped(machine.ports),
        asked.sources.max(1),
        asked.targets.max(1),
    );
    if asked.users <= room {
        return Finding::fits("ports", what);
    }
    let sources = asked.users.div_ceil((machine.ports * asked.targets.max(1)).max(1));
    let fix = if asked.loopback {
        format!("--source-ip 127.0.0.1-127.0.0.{sources}")
    } else {
        format!(
            "{sources} local addresses with --source-ip, or sysctl -w net.ipv4.ip_local_port_range='1024 65535'"
        )
    };
    Finding::short("ports", what, fix)
}

fn time_wait(asked: &Asked, machine: &Machine) -> Finding {
    let after = machine.time_wait + asked.users;
    let what = format!(
        "{} closed connections still hold their ports, {} after this run; the kernel keeps {}",
        grouped(machine.time_wait),
        grouped(after),
        grouped(machine.time_wait_max)
    );
    let room = machine.ports * asked.sources.max(1) * asked.targets.max(1);
    if machine.time_wait + asked.users > room && asked.users <= room {
        return Finding::doubtful("time-wait", what, "wait a minute, or take other --source-ip addresses");
    }
    Finding::fits("time-wait", what)
}

fn memory(asked: &Asked, machine: &Machine) -> Finding {
    let sealed = if asked.tls { TLS_BYTES } else { 0 };
    let each = GENERATOR_BYTES + sealed + if asked.server_here { SERVER_BYTES } else { 0 };
    let needed = asked.users * each + ends(asked) * KERNEL_BYTES + PROCESS_BYTES;
    let room = machine.memory_in_group.map_or(machine.memory, |group| group.min(machine.memory));
    let what = format!("about {} for {} users, {} are free", mib(needed), grouped(asked.users), mib(room));
    if needed > room {
        let fit = (room.saturating_sub(PROCESS_BYTES) / (needed / asked.users.max(1)).max(1)) & !1;
        let fix = format!("--users {fit}, or a machine (or control group) with {} free", mib(needed));
        return Finding::short("memory", what, fix);
    }
    Finding::fits("memory", what)
}

fn tcp_memory(asked: &Asked, machine: &Machine) -> Option<Finding> {
    const PAGE: u64 = 4096;
    let max = machine.tcp_memory_max?;
    let needed = machine.tcp_memory + ends(asked) * TCP_BYTES;
    let what = format!("up to {} of socket buffers, the kernel lends {}", mib(needed), mib(max));
    if needed <= max {
        return Some(Finding::fits("tcp-memory", what));
    }
    let pages = needed.div_ceil(PAGE);
    let fix = format!("sysctl -w net.ipv4.tcp_mem='{} {} {pages}'", pages / 2, pages / 4 * 3);
    Some(Finding::doubtful("tcp-memory", what, fix))
}

fn tracked(asked: &Asked, machine: &Machine) -> Option<Finding> {
    let (now, max) = machine.tracked?;
    let needed = now + asked.users;
    let what = format!("the firewall tracks {} connections of {} at most", grouped(needed), grouped(max));
    if needed > max {
        return Some(Finding::short(
            "tracked",
            what,
            format!("sysctl -w net.netfilter.nf_conntrack_max={needed}"),
        ));
    }
    Some(Finding::fits("tracked", what))
}

fn backlog(asked: &Asked, machine: &Machine) -> Finding {
    let rate = asked.users as f64 / asked.ramp_s.max(0.001);
    let waiting = (rate * ACCEPT_PAUSE_S).ceil() as u64;
    let what = format!(
        "{rate:.0} connections/s: {} wait while the server pauses for {:.0} ms, {} may",
        grouped(waiting),
        ACCEPT_PAUSE_S * 1000.0,
        grouped(machine.backlog)
    );
    if waiting > machine.backlog {
        let ramp = (asked.users as f64 * ACCEPT_PAUSE_S / machine.backlog.max(1) as f64).ceil();
        let fix = format!("--ramp {ramp}s, or sysctl -w net.core.somaxconn={waiting} and restart the server");
        return Finding::doubtful("backlog", what, fix);
    }
    if waiting > machine.syn_backlog {
        let fix = format!("sysctl -w net.ipv4.tcp_max_syn_backlog={waiting}");
        return Finding::doubtful("backlog", what, fix);
    }
    Finding::fits("backlog", what)
}

fn clock(machine: &Machine) -> Finding {
    let what = format!("the kernel's clock is {}", machine.clock_source);
    if machine.clock_source.is_empty() || FAST_CLOCKS.contains(&machine.clock_source.as_str()) {
        return Finding::fits("clock", what);
    }
    let fix = "each reading is a call into the kernel; if the machine has it: \
               echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource";
    Finding::doubtful("clock", what, fix)
}

fn cpu(asked: &Asked, machine: &Machine) -> Finding {
    let cpus = machine.cpu_limit.map_or(machine.cpus as f64, |limit| limit.min(machine.cpus as f64));
    let here = if asked.server_here { ", which the server shares" } else { "" };
    let what = format!("{cpus} CPUs{here}; load {:.1}, {:.1} % stolen", machine.load, machine.steal * 100.0);
    if machine.steal > STEAL_SHARE {
        return Finding::doubtful(
            "cpu",
            what,
            "other guests take CPU: repeat at another time, or on a machine of your own",
        );
    }
    if machine.load > LOAD_SHARE * cpus {
        return Finding::doubtful("cpu", what, "something else runs here: wait for it, or end it");
    }
    if machine.governor.as_deref() == Some("powersave") {
        return Finding::doubtful(
            "cpu",
            format!("{what}; governor powersave"),
            "cpupower frequency-set -g performance",
        );
    }
    Finding::fits("cpu", what)
}
