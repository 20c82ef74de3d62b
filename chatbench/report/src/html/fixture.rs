//! Reports to look at and to test with, made up but likely.

use crate::model::{Report, Search};
use serde_json::{Value, json};

mod compared;
mod own;

pub(crate) use compared::comparison;
pub(crate) use own::calibration;

/// Ends of ramp, warm-up, hold and drain, in seconds.
const ENDS: [u32; 4] = [12, 17, 77, 81];
/// When the made-up server is killed.
const KILL: u32 = 45;
const BOUNDS: [f64; 18] = [
    0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0, 200.0, 500.0, 1000.0, 2000.0,
    5000.0,
];

/// Passed, with a stall on the way.
pub(crate) fn passed() -> Report {
    let parts = [asked(), found(), around()];
    let fields = parts.into_iter().flat_map(|part| part.as_object().cloned().unwrap());
    serde_json::from_value(Value::Object(fields.collect())).unwrap()
}

fn asked() -> Value {
    json!({
        "version": 1, "chatbench": "0.1.0", "verdict": "PASS", "exit": 0, "reasons": [], "findings": [],
        "interrupted": false, "run": "4f2a91c3", "started": "2026-11-23T10:02:11Z", "seed": 7,
        "line": "chatbench run --scenario chat-1to1 --users 10000 --rate 10000 --duration 60s --warmup 5s --seed 7 --spawn",
        "scenario": "chat-1to1", "labels": {"commit": "5c83861"},
        "load": {"protocol": "chatd over websocket", "arrivals": "poisson", "open": true, "pairing": "uniform",
            "targets": ["127.0.0.1:18080"]},
        "gates": gates(), "users": 10_000, "connected": 10_000, "durationS": 60.0, "messageBytes": 512,
        "rates": {"planned": 10_000.0, "offered": 9_998.2, "accepted": 9_998.2, "delivered": 9_997.6},
        "latency": latency(), "percentiles": percentiles(),
    })
}

fn found() -> Value {
    json!({
        "outcomes": {"sent": 649_883, "acknowledged": 649_883, "refused": 0, "received": 649_883, "undelivered": 0,
            "settledByRepeat": 12, "ambiguousStored": 0, "ambiguousAbsent": 0, "ambiguousUnchecked": 0},
        "violations": {"total": 0, "live": counts(0), "history": counts(0), "examples": []},
        "reconciled": {"rule": "all", "conversations": 5000, "compared": 5000, "messages": 649_883, "unread": 0,
            "rateLimited": 0, "errors": []},
        "sockets": {"localFailures": 0, "connectErrors": [], "disconnected": 0, "closes": [], "unsent": 0,
            "reconnected": 0},
        "refusals": {}, "server": side(37.8, 0.62, 182), "generator": side(21.4, 0.41, 96), "generatorBusy": 0.38,
        "servers": [process(4711, "chatd", 31.2), process(4712, "chatd websocket", 6.6)],
        "workers": [{"host": "local", "pid": 4800, "users": 10_000, "connected": 10_000, "clockBoundUs": 0,
            "cpuUsPerMessage": 20.1, "cpus": 0.4, "rssBytes": 80 << 20, "rssPeakBytes": 84 << 20,
            "rssPerUserBytes": 1200.0}],
        "steal": 0.001,
    })
}

fn around() -> Value {
    let seconds: Vec<Value> = (0..ENDS[3]).map(second).collect();
    json!({
        "environment": {"cpus": 2, "cpuModel": "AMD EPYC 9R14", "governor": "performance", "kernel": "6.8.0-1021-aws",
            "memoryMib": 7836, "memoryLimitMib": null, "cpuLimit": null, "files": 20_000, "localPorts": 28_232,
            "listenBacklog": 4096, "clockSource": "tsc", "loadBefore": 0.21, "coLocated": true,
            "durability": "written and synced, one sync a group of commits", "server": "chatd 0.1.0 (5c83861)"},
        "phases": {"provisionS": 1.8, "connectS": 11.6, "warmupS": 5.0, "holdS": 60.0, "drainS": 3.4, "reconcileS": 2.2},
        "timeline": seconds, "heat": {"boundsMs": BOUNDS, "columns": (0..ENDS[3]).map(heat).collect::<Vec<_>>()},
        "marks": [mark(12, "warm-up", "phase"), mark(17, "hold", "phase"), mark(77, "drain", "phase"),
            mark(KILL, "kill -9 chatd websocket", "chaos")],
        "notes": ["server and generator share this machine: both are slower than apart"],
    })
}

/// Failed: late, and a message lost.
pub(crate) fn failed() -> Report {
    let mut value = serde_json::to_value(passed()).unwrap();
    value["verdict"] = json!("FAIL");
    value["exit"] = json!(9);
    value["reasons"] = json!([
        {"what": "3 correctness violations: 2 lost, 1 duplicated", "fix": "read the examples in the ledger below; keep the server's data and logs"},
        {"what": "delivery latency p99 is 214 ms, and must be below 100 ms", "fix": "find what takes the time: CPU, disk, network; or ask for less"},
    ]);
    value["findings"] = json!([{"what": "4.2 % of the machine's time was stolen by other guests", "fix": "run on a machine of your own"}]);
    value["violations"] = json!({"total": 3, "live": counts(1), "history": counts(2),
        "examples": ["lost (history): user 17 to 16, number 412, acknowledged", "duplicated (live): user 80 to 81, number 9"]});
    value["latency"]["delivery"]["p99Ms"] = json!(214.3);
    value["gates"][1]["value"] = json!(214.3);
    value["gates"][1]["margin"] = json!(-1.143);
    value["gates"][1]["outcome"] = json!("fail");
    value["gates"][2]["value"] = json!(3.0);
    value["gates"][2]["outcome"] = json!("fail");
    value["outcomes"]["undelivered"] = json!(2);
    value["refusals"] = json!({"BODY_TOO_LONG": 4});
    serde_json::from_value(value).unwrap()
}

/// Nothing but what must be there: no messages, no server to be seen, no seconds.
pub(crate) fn bare() -> Report {
    let mut report = passed();
    report.scenario = None;
    report.gates.clear();
    report.timeline.clear();
    report.percentiles.clear();
    report.heat = crate::model::Heat::default();
    report.marks.clear();
    report.server = None;
    report.servers.clear();
    report.workers.clear();
    report.latency.delivery = ledger::Figures::default();
    report.latency.connect = None;
    report.rates.planned = 0.0;
    report.reconciled = crate::model::Reconciled::default();
    report
}

/// A search that found a bracket.
pub(crate) fn search() -> Search {
    let step = |rate: f64, p99: f64, verdict: &str, kind: &str| {
        let reasons =
            if verdict == "PASS" { vec![] } else { vec![format!("delivery latency p99 is {p99} ms")] };
        json!({"rate": rate, "verdict": verdict, "exit": 0, "offered": rate, "delivered": rate * 0.999,
            "p50Ms": p99 / 4.0, "p99Ms": p99, "lagP99Ms": 0.8 + rate / 30_000.0,
            "serverUsPerMessage": 30.0 + 160_000.0 / rate, "generatorUsPerMessage": 18.0 + 40_000.0 / rate,
            "reasons": reasons, "kind": kind})
    };
    let steps = [
        step(2000.0, 6.1, "PASS", "up"),
        step(4000.0, 7.2, "PASS", "up"),
        step(8000.0, 11.8, "PASS", "up"),
        step(16_000.0, 34.0, "PASS", "up"),
        step(32_000.0, 1840.0, "FAIL", "up"),
        step(24_000.0, 88.0, "PASS", "bisect"),
        step(28_000.0, 412.0, "FAIL", "bisect"),
        step(26_000.0, 131.0, "INVALID", "bisect"),
        step(24_000.0, 91.5, "PASS", "again"),
    ];
    let mut best = passed();
    best.rates.planned = 24_000.0;
    serde_json::from_value(
        json!({"version": 1, "capacity": 24_000.0, "above": 26_000.0, "generatorCeiling": 41_000.0,
        "line": "chatbench search --users 1000 --seed 7 --spawn", "steps": steps, "best": best}),
    )
    .unwrap()
}

fn gates() -> Value {
    let gate = |id: &str,
                metric: &str,
                stat: &str,
                op: &str,
                limit: f64,
                value: f64,
                unit: &str,
                class: &str| {
        let margin = match (op, limit) {
            (_, 0.0) => None,
            (op, _) if op.starts_with('<') => Some(1.0 - value / limit),
            _ => Some(value / limit - 1.0),
        };
        json!({"id": id, "metric": metric, "stat": stat, "op": op, "limit": limit, "value": value, "unit": unit,
            "margin": margin, "window": "hold", "samples": 599_856, "class": class, "outcome": "pass"})
    };
    json!([
        gate("throughput", "delivered.rate", "p05", ">=", 9900.0, 9941.0, "msg/s", "performance"),
        gate("latency", "delivery.latency", "p99", "<", 100.0, 41.2, "ms", "performance"),
        gate("exactly-once", "ledger.violations", "value", "==", 0.0, 0.0, "", "correctness"),
        gate("users", "connected", "min", ">=", 10_000.0, 10_000.0, "users", "performance"),
        gate("cost", "server.cpu_us_per_msg", "value", "<=", 40.0, 37.8, "µs", "advisory"),
        gate("memory", "server.rss_per_user", "value", "<=", 8192.0, 7412.0, "bytes", "advisory"),
    ])
}

fn latency() -> Value {
    let figures = |count: u64, p50: f64, p99: f64, max: f64| json!({"count": count, "p50Ms": p50, "p90Ms": p50 * 2.1, "p99Ms": p99, "p99_9Ms": p99 * 2.2, "maxMs": max});
    json!({"delivery": figures(599_856, 4.21, 41.2, 812.4), "accept": figures(599_856, 3.87, 36.0, 800.1),
        "scheduleLag": figures(599_856, 0.08, 1.31, 6.02), "seen": null, "connect": figures(10_000, 2.2, 31.0, 88.0),
        "login": null, "offline": null, "gap": null, "history": null})
}

fn percentiles() -> Vec<Value> {
    let nines = (0..=56).map(|n| f64::from(n) / 10.0);
    let ms = |nines: f64| 1.4 * (nines * 1.15).exp();
    let one = |n: f64| json!({"percent": 100.0 - 10_f64.powf(2.0 - n), "ms": ms(n).min(812.4)});
    nines.map(one).chain([json!({"percent": 100.0, "ms": 812.4})]).collect()
}

fn counts(n: u64) -> Value {
    json!({"lost": n / 2 * 2, "duplicated": n % 2, "reordered": 0, "corrupted": 0, "misdelivered": 0, "phantom": 0,
        "sequenceGaps": 0})
}

fn side(cost: f64, cpus: f64, mib: u64) -> Value {
    json!({"cpuUsPerMessage": cost, "cpus": cpus, "rssBytes": mib << 20, "rssPeakBytes": (mib + 9) << 20,
        "rssPerUserBytes": 7412.0})
}

fn process(pid: u32, name: &str, cost: f64) -> Value {
    let mut value = side(cost, cost / 60.0, 90);
    value["pid"] = json!(pid);
    value["name"] = json!(name);
    value
}

fn mark(at_s: u32, name: &str, kind: &str) -> Value {
    json!({"atS": at_s, "name": name, "kind": kind})
}

/// Between 0 and 1, always the same.
fn noise(n: u32, salt: u32) -> f64 {
    let mixed = n.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) ^ (n << 7);
    f64::from(mixed.wrapping_mul(2_246_822_519) >> 16) / 65_536.0
}

/// Milliseconds of the median: slow while connecting, stalled after the kill.
fn median(at: u32) -> f64 {
    let stall = if (KILL..KILL + 4).contains(&at) { 18.0 / f64::from(at - KILL + 1) } else { 0.0 };
    3.6 + noise(at, 1) * 1.4 + stall
}

fn second(at: u32) -> Value {
    let flows = (ENDS[0]..ENDS[2]).contains(&at);
    let planned = if flows { (10_000.0 + (noise(at, 2) - 0.5) * 300.0) as u64 } else { 0 };
    let delivered = match at {
        KILL => planned * 6 / 10,
        at if at == KILL + 1 => planned * 13 / 10,
        at if at == ENDS[2] => 310,
        _ => planned,
    };
    let some = |value: f64| (delivered > 0).then_some(value);
    let p99 = median(at) * (6.0 + noise(at, 3) * 3.0);
    json!({"atS": at, "connected": (at * 870).min(10_000), "planned": planned, "offered": planned, "accepted": delivered,
        "delivered": delivered, "refused": 0, "disconnected": if at == KILL { 40 } else { 0 }, "p50Ms": some(median(at)),
        "p99Ms": some(p99), "maxMs": some(p99 * (1.5 + 4.0 * noise(at, 4))), "lagP99Ms": some(0.8 + noise(at, 5)),
        "serverCpus": if flows { 0.56 + noise(at, 6) * 0.1 } else { 0.2 },
        "generatorCpus": if flows { 0.38 + noise(at, 7) * 0.08 } else { 0.15 },
        "serverRssBytes": (60 + (at * 3).min(120)) << 20})
}

/// About log-normal around the median.
fn heat(at: u32) -> Vec<u64> {
    let delivered = second(at)["delivered"].as_u64().unwrap() as f64;
    let share = |bound: f64| {
        let z = (bound / median(at)).ln() / 0.75;
        1.0 / (1.0 + (-1.7 * z).exp())
    };
    let below: Vec<f64> = BOUNDS.iter().map(|bound| share(*bound)).chain([1.0]).collect();
    let rows = below.iter().scan(0.0, |last, share| Some(share - std::mem::replace(last, *share)));
    rows.map(|share| (share * delivered) as u64).collect()
}
