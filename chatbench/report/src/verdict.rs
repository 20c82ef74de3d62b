//! The verdict: PASS, FAIL or INVALID, each reason with its fix, and the exit code.
//!
//! Broken correctness rules over everything. A FAIL whose cause may be the generator or the machine becomes
//! INVALID; a PASS stays a PASS and lists what was odd.

use schema::exit::Exit;
use serde::Serialize;

/// Share of the planned rate that must be offered, and delivered.
const RATE_SHARE: f64 = 0.99;
/// Schedule lag (p99) above which the generator is taken for the limit, in milliseconds.
const LAG_MS: f64 = 5.0;
/// Share of a generator thread's time above which it is taken for the limit.
const BUSY_SHARE: f64 = 0.85;
/// Schedule lag above which the generator may have read so late that the server closed its sockets.
const STARVED_MS: f64 = 1000.0;
/// Share of the machine's time taken by other guests above which nothing can be said.
const STEAL_SHARE: f64 = 0.02;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    Pass,
    Fail,
    Invalid,
    Interrupted,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Invalid => "INVALID",
            Verdict::Interrupted => "INTERRUPTED",
        }
    }
}

/// One thing that speaks against the server or against the measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub what: String,
    pub fix: String,
    /// A generator that is the limit may have caused it.
    #[serde(skip)]
    excusable: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Bound of the delivery latency's p99; none: printed, never blocks.
    pub p99_ms: Option<f64>,
    pub rate: f64,
}

/// What the verdict is made of.
#[derive(Clone, Debug)]
pub struct Facts {
    pub users: usize,
    pub connected: usize,
    /// Connections that failed for a reason of this machine.
    pub local_failures: usize,
    /// Sockets that closed while the run lasted.
    pub disconnected: u64,
    pub hold_s: f64,
    pub offered_rate: f64,
    /// Rate of planned sends whose socket was gone: not offered, but no fault of the generator.
    pub unsent_rate: f64,
    pub delivered_rate: f64,
    pub delivery_p99_ms: f64,
    pub lag_p99_ms: f64,
    /// Busiest generator thread's share of its time.
    pub busy: f64,
    pub steal: f64,
    pub rate_limited: u64,
    pub refused: u64,
    pub undelivered: u64,
    /// Sends that got no answer, not even to their repeat.
    pub unanswered: u64,
    pub unread_conversations: u64,
    pub violations: u64,
    pub interrupted: bool,
}

/// The verdict with its reasons.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    pub verdict: Verdict,
    pub exit: Exit,
    /// What the server did not hold.
    pub reasons: Vec<Reason>,
    /// What puts the measurement in doubt.
    pub findings: Vec<Reason>,
}

/// Least rate that is as good as planned; a count over a time is known to one message.
fn least(gate: &Gate, facts: &Facts) -> f64 {
    gate.rate * RATE_SHARE - 1.0 / facts.hold_s
}

/// Judges a run.
pub fn judge(gate: &Gate, facts: &Facts) -> Judgement {
    let (reasons, findings) = (reasons(gate, facts), findings(gate, facts));
    let (verdict, exit) = if facts.violations > 0 {
        (Verdict::Fail, Exit::Incorrect)
    } else if facts.interrupted {
        (Verdict::Interrupted, Exit::Interrupted)
    } else if reasons.is_empty() {
        (Verdict::Pass, Exit::Ok)
    } else if !findings.is_empty() && reasons.iter().all(|reason| reason.excusable) {
        (Verdict::Invalid, Exit::INVALID)
    } else {
        (Verdict::Fail, Exit::GATE_FAILED)
    };
    Judgement { verdict, exit, reasons, findings }
}

fn reasons(gate: &Gate, facts: &Facts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut say = |excusable: bool, what: String, fix: &str| {
        reasons.push(Reason { what, fix: fix.to_owned(), excusable });
    };
    let starved = facts.lag_p99_ms > STARVED_MS || facts.busy > BUSY_SHARE;
    if facts.violations > 0 {
        let what = format!("{} violations of correctness", facts.violations);
        say(
            false,
            what,
            "see violations and their examples; find the messages in the server's log and history",
        );
    }
    if facts.connected < facts.users {
        let what = format!("{} of {} users connected", facts.connected, facts.users);
        say(
            facts.local_failures > 0,
            what,
            "see the server's log for refused connections, and its limit of open files",
        );
    }
    if facts.disconnected > 0 {
        let what = format!("{} sockets closed during the run", facts.disconnected);
        say(starved, what, "see the close codes, and the server's log");
    }
    if facts.delivered_rate < least(gate, facts) {
        let what = format!("delivered {:.1} msg/s of {:.1} planned", facts.delivered_rate, gate.rate);
        say(
            true,
            what,
            "the server does not hold this rate: lower --rate, or find what saturates (CPU, fsync)",
        );
    }
    if let Some(bound) = gate.p99_ms.filter(|bound| facts.delivery_p99_ms >= *bound) {
        let what = format!("delivery p99 {:.1} ms, the bound is {bound:.1} ms", facts.delivery_p99_ms);
        say(true, what, "lower --rate until it holds, or find what waits; --p99 sets another bound");
    }
    if facts.undelivered > 0 {
        let what = format!("{} messages in history were not received live", facts.undelivered);
        say(true, what, "a longer --drain tells late from never");
    }
    if facts.unanswered > 0 {
        let what = format!("{} sends got no answer, not even to a repeat", facts.unanswered);
        say(starved, what, "see the server's log; each send must end in RECEIPT or an error");
    }
    if facts.refused > facts.rate_limited {
        let what = format!("{} sends refused", facts.refused - facts.rate_limited);
        say(false, what, "see the error codes: not_accepted means overload");
    }
    if facts.unread_conversations > 0 {
        let what = format!("history of {} conversations could not be read", facts.unread_conversations);
        say(facts.rate_limited > 0, what, "see the errors; without history nothing is proved");
    }
    reasons
}

fn findings(gate: &Gate, facts: &Facts) -> Vec<Reason> {
    let mut findings = Vec::new();
    let mut say =
        |what: String, fix: &str| findings.push(Reason { what, fix: fix.to_owned(), excusable: false });
    if facts.lag_p99_ms > LAG_MS {
        let what = format!("the generator wrote late: schedule lag p99 {:.1} ms", facts.lag_p99_ms);
        say(what, "give it a CPU of its own, more --threads, or a lower --rate");
    }
    if facts.offered_rate + facts.unsent_rate < least(gate, facts) {
        let what = format!("offered {:.1} msg/s of {:.1} planned", facts.offered_rate, gate.rate);
        say(what, "the generator or its sockets could not send at this rate: lower --rate or add CPUs");
    }
    if facts.busy > BUSY_SHARE {
        let what = format!("a generator thread was busy {:.0} % of the time", facts.busy * 100.0);
        say(what, "more --threads on a machine with more CPUs");
    }
    if facts.local_failures > 0 {
        let what = format!("{} connections failed on this machine", facts.local_failures);
        say(what, "raise the limit of open files or the range of local ports, or use fewer --users");
    }
    if facts.rate_limited > 0 {
        let what = format!("{} requests were refused by a rate limit (429)", facts.rate_limited);
        say(what, "raise limits.messages_per_second and limits.requests_per_minute on the target");
    }
    if facts.steal > STEAL_SHARE {
        let what = format!("other guests took {:.1} % of this machine's CPU", facts.steal * 100.0);
        say(what, "repeat on a machine of your own, or at another time");
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: Gate = Gate { p99_ms: Some(100.0), rate: 1000.0 };

    fn good() -> Facts {
        Facts {
            users: 100,
            connected: 100,
            local_failures: 0,
            disconnected: 0,
            hold_s: 10.0,
            offered_rate: 1000.0,
            unsent_rate: 0.0,
            delivered_rate: 1000.0,
            delivery_p99_ms: 12.0,
            lag_p99_ms: 1.0,
            busy: 0.3,
            steal: 0.0,
            rate_limited: 0,
            refused: 0,
            undelivered: 0,
            unanswered: 0,
            unread_conversations: 0,
            violations: 0,
            interrupted: false,
        }
    }

    fn ends(facts: Facts) -> (Verdict, u8) {
        let judgement = judge(&GATE, &facts);
        assert!(judgement.reasons.iter().chain(&judgement.findings).all(|r| !r.fix.is_empty()));
        (judgement.verdict, judgement.exit.into())
    }

    #[test]
    fn the_table_of_verdicts() {
        let slow = Facts { delivery_p99_ms: 100.0, ..good() };
        assert_eq!(ends(good()), (Verdict::Pass, 0));
        assert_eq!(ends(slow.clone()), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { delivered_rate: 989.0, ..good() }), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { undelivered: 1, ..good() }), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { unanswered: 1, ..good() }), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { disconnected: 1, ..good() }), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { unread_conversations: 1, ..good() }), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { lag_p99_ms: 5.1, ..slow.clone() }), (Verdict::Invalid, 8));
        assert_eq!(ends(Facts { busy: 0.9, ..slow.clone() }), (Verdict::Invalid, 8));
        assert_eq!(ends(Facts { steal: 0.03, ..slow.clone() }), (Verdict::Invalid, 8));
        assert_eq!(
            ends(Facts { offered_rate: 900.0, delivered_rate: 900.0, ..good() }),
            (Verdict::Invalid, 8)
        );
        assert_eq!(ends(Facts { connected: 99, local_failures: 1, ..good() }), (Verdict::Invalid, 8));
        assert_eq!(ends(Facts { connected: 99, ..good() }), (Verdict::Fail, 3));
        let limited = Facts { rate_limited: 20, refused: 20, delivered_rate: 980.0, ..good() };
        assert_eq!(ends(limited), (Verdict::Invalid, 8));
        assert_eq!(ends(Facts { interrupted: true, ..slow }), (Verdict::Interrupted, 130));
    }

    #[test]
    fn a_server_that_goes_away_fails_whatever_the_generator_did() {
        let gone = Facts {
            disconnected: 100,
            offered_rate: 100.0,
            unsent_rate: 900.0,
            delivered_rate: 100.0,
            ..good()
        };
        assert_eq!(judge(&GATE, &gone).findings, []);
        assert_eq!(ends(Facts { lag_p99_ms: 10.0, ..gone.clone() }), (Verdict::Fail, 3));
        assert_eq!(ends(Facts { lag_p99_ms: 4000.0, ..gone }), (Verdict::Invalid, 8));
    }

    #[test]
    fn a_pass_stays_a_pass_and_lists_the_findings() {
        let judgement = judge(&GATE, &Facts { lag_p99_ms: 6.0, ..good() });
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert_eq!(judgement.findings.len(), 1);
    }

    #[test]
    fn broken_correctness_rules_over_everything() {
        let worst =
            Facts { violations: 1, lag_p99_ms: 50.0, interrupted: true, delivery_p99_ms: 900.0, ..good() };
        assert_eq!(ends(worst), (Verdict::Fail, 9));
    }

    #[test]
    fn without_a_latency_gate_latency_never_blocks() {
        let gate = Gate { p99_ms: None, ..GATE };
        let judgement = judge(&gate, &Facts { delivery_p99_ms: 5000.0, ..good() });
        assert_eq!(judgement.verdict, Verdict::Pass);
    }
}
