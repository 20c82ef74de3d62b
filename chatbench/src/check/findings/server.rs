//! What the server must allow: that it answers at all, its rate limits, its hashing, its clock.

use super::super::facts::{Asked, Facts, Machine, Server};
use super::{Finding, grouped};
use crate::trust;
use std::collections::BTreeMap;

/// Difference of the wall clocks, in seconds, from which tokens may be too young or too old.
const AHEAD_S: f64 = 5.0;
/// How much more often than the mean the busiest user may send.
const PEAK: f64 = 2.0;
/// Share of its CPUs that the server may spend on hashing.
const HASH_SHARE: f64 = 0.8;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Facts { asked, machine, server } = facts;
    let mut found = Vec::new();
    match server {
        Server::Later => found
            .push(Finding::fits("server", "chatbench starts it, with limits that are no hindrance".into())),
        Server::Silent(why) => found.push(Finding::short(
            "server",
            why.clone(),
            trust::hint(why, "start it, or name it with --target; --spawn starts one for the run"),
        )),
        Server::Answers { limits, ahead_s } => {
            found.push(Finding::fits("server", "it answers".into()));
            found.extend(rate_limits(asked, limits));
            found.extend(sizes(asked, limits));
            found.extend(ahead_s.map(ahead));
        }
    }
    if asked.logins {
        found.extend(machine.hash_ms.map(|hash_ms| hash(asked, machine, hash_ms)));
    }
    found
}

/// A limit that is in force: 0 is off.
fn limit(limits: &BTreeMap<String, i64>, key: &str) -> Option<f64> {
    limits.get(key).copied().filter(|limit| *limit > 0).map(|limit| limit as f64)
}

fn rate_limits(asked: &Asked, limits: &BTreeMap<String, i64>) -> Vec<Finding> {
    let users = asked.users.max(1) as f64;
    let sends = asked.rate / users * PEAK;
    let logins = users / asked.ramp_s.max(1.0) * 60.0 / asked.sources.max(1) as f64;
    let mut found = Vec::new();
    let mut compare = |key: &str, code, needed: f64, of: &str| {
        let Some(limit) = limit(limits, key) else { return };
        let what = format!("{of}: {needed:.1} are needed, {key} allows {limit:.0}");
        found.push(if needed > limit {
            let fix = format!(
                "set {key} of the server to {:.0} or more (0 is no limit, where it may be 0)",
                needed.ceil()
            );
            Finding::short(code, what, fix)
        } else {
            Finding::fits(code, what)
        });
    };
    if asked.rest {
        compare("limits.requests_per_minute", "rate-limit", sends * 60.0, "calls a minute of a user");
    } else {
        compare("limits.messages_per_second", "rate-limit", sends, "messages a second of a user");
    }
    if asked.logins {
        compare("limits.requests_per_minute", "login-limit", logins, "logins a minute of an address");
    }
    let sockets = (users / asked.sources.max(1) as f64).ceil();
    compare("limits.sockets_per_address", "sockets", sockets, "sockets of an address");
    found
}

fn sizes(asked: &Asked, limits: &BTreeMap<String, i64>) -> Option<Finding> {
    let limit = limit(limits, "limits.content_chars")? as u64;
    let what =
        format!("messages of {} characters, {} may be sent", grouped(asked.message_bytes), grouped(limit));
    Some(if asked.message_bytes > limit {
        Finding::short("size", what, format!("--size {limit}, or raise limits.content_chars of the server"))
    } else {
        Finding::fits("size", what)
    })
}

fn ahead(seconds: f64) -> Finding {
    let what = format!("the server's wall clock is {seconds:+.0} s from this one's");
    if seconds.abs() > AHEAD_S {
        let fix = "set both by NTP (timedatectl set-ntp true): tokens may be too young or too old";
        return Finding::doubtful("wall-clock", what, fix);
    }
    Finding::fits("wall-clock", what)
}

fn hash(asked: &Asked, machine: &Machine, hash_ms: f64) -> Finding {
    let per_s = machine.cpus.max(1) as f64 * 1000.0 / hash_ms.max(0.001) * HASH_SHARE;
    let wanted = asked.users as f64 / asked.ramp_s.max(0.001);
    let what = format!(
        "{wanted:.0} logins/s; a BCrypt hash of cost {} takes {hash_ms:.0} ms on a CPU like this one's, {per_s:.0}/s in all",
        schema::limits::BCRYPT_COST,
    );
    if wanted > per_s {
        let ramp = (asked.users as f64 / per_s).ceil();
        return Finding::short(
            "hash",
            what,
            format!("--ramp {ramp}s, or fewer --users, or tokens instead of logins"),
        );
    }
    Finding::fits("hash", what)
}
