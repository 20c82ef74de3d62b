//! The report for people.

use crate::model::{GateOutcome, GateResult, Reason, Report, Side};
use crate::verdict::{bound, measured};
use ledger::{Class, Figures};
use std::fmt::Write;

/// The whole report, the verdict first.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut out, report);
    let _ = figures(&mut out, report);
    let _ = gates(&mut out, report);
    let _ = ledger(&mut out, report);
    let _ = sides(&mut out, report);
    out
}

fn head(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "{} (exit {})", report.verdict.name(), report.exit)?;
    let reason = |out: &mut String, kind: &str, reason: &Reason| {
        writeln!(out, "  {kind}: {}\n    fix: {}", reason.what, reason.fix)
    };
    report.reasons.iter().try_for_each(|r| reason(out, "reason", r))?;
    report.findings.iter().try_for_each(|r| reason(out, "finding", r))?;
    if report.interrupted {
        writeln!(out, "  interrupted: the figures are of a part of the run")?;
    }
    Ok(())
}

fn figures(out: &mut String, report: &Report) -> std::fmt::Result {
    let (rates, load, sockets) = (&report.rates, &report.load, &report.sockets);
    let name = report.scenario.as_ref().map_or(String::new(), |name| format!("{name}: "));
    let model = if load.open { "open" } else { "closed" };
    writeln!(
        out,
        "\nload       {name}{}, {} arrivals ({model} model), {} pairs",
        load.protocol, load.arrivals, load.pairing
    )?;
    write!(
        out,
        "users      {} of {} connected, {} closed early",
        report.connected, report.users, sockets.disconnected
    )?;
    if sockets.reconnected + sockets.reconnect_failures > 0 {
        write!(out, "; {} came back, {} could not", sockets.reconnected, sockets.reconnect_failures)?;
    }
    writeln!(
        out,
        "\nmsg/s      planned {:.1}   offered {:.1}   accepted {:.1}   delivered {:.1}",
        rates.planned, rates.offered, rates.accepted, rates.delivered
    )?;
    let a = &report.activity;
    if a.typing + a.presence + a.history_pages + a.logins > 0 {
        writeln!(
            out,
            "beside     {} typing notices, {} presence changes, {} pages of history, {} logins",
            a.typing, a.presence, a.history_pages, a.logins
        )?;
    }
    latencies(out, report)
}

fn latencies(out: &mut String, report: &Report) -> std::fmt::Result {
    let latency = &report.latency;
    let bound =
        report.gate.p99_ms.map_or("not gated".to_owned(), |ms| format!("p99 must stay below {ms} ms"));
    writeln!(out, "\nms from the planned send ({bound})")?;
    writeln!(out, "{:16}{:>10}{:>10}{:>10}{:>10}{:>10}", "", "p50", "p90", "p99", "p99.9", "max")?;
    let row = |out: &mut String, name: &str, f: &Figures| {
        let Figures { p50_ms, p90_ms, p99_ms, p999_ms, max_ms, .. } = f;
        writeln!(out, "{name:16}{p50_ms:>10.2}{p90_ms:>10.2}{p99_ms:>10.2}{p999_ms:>10.2}{max_ms:>10.2}")
    };
    row(out, "delivery", &latency.delivery)?;
    row(out, "accept", &latency.accept)?;
    row(out, "schedule lag", &latency.schedule_lag)?;
    if let Some(seen) = &latency.seen {
        row(out, "seen", seen)?;
    }
    let others = [
        ("connect", &latency.connect),
        ("login", &latency.login),
        ("offline", &latency.offline),
        ("reconnect gap", &latency.gap),
        ("history page", &latency.history),
    ];
    if others.iter().any(|(_, figures)| figures.is_some()) {
        writeln!(out, "ms from their own begin")?;
    }
    for (name, figures) in others {
        figures.as_ref().map_or(Ok(()), |figures| row(out, name, figures))?;
    }
    Ok(())
}

fn gates(out: &mut String, report: &Report) -> std::fmt::Result {
    if !report.gates.is_empty() {
        writeln!(out, "\n{:18}{:>20}{:>20}{:>12}", "gate", "asked for", "measured", "margin")?;
    }
    report.gates.iter().try_for_each(|gate| {
        let margin = gate.margin.map_or("-".to_owned(), |share| format!("{:+.1} %", share * 100.0));
        let outcome = outcome(gate);
        writeln!(out, "{:18}{:>20}{:>20}{margin:>12}  {outcome}", gate.id, bound(gate), measured(gate))
    })
}

fn outcome(gate: &GateResult) -> &'static str {
    match gate.outcome {
        GateOutcome::Pass => "pass",
        GateOutcome::Fail => "MISSED",
        GateOutcome::Unknown => "unknown",
    }
}

fn ledger(out: &mut String, report: &Report) -> std::fmt::Result {
    let (o, r, found) = (&report.outcomes, &report.reconciled, &report.violations);
    writeln!(
        out,
        "\nmessages   {} sent, {} acknowledged, {} received live, {} refused, {} undelivered",
        o.sent, o.acknowledged, o.received, o.refused, o.undelivered
    )?;
    if o.redelivered > 0 {
        writeln!(out, "redelivered {} received once more after a new connection", o.redelivered)?;
    }
    writeln!(
        out,
        "unanswered {} settled by a repeat; still open: {} stored, {} absent, {} not looked up",
        o.settled_by_repeat, o.ambiguous_stored, o.ambiguous_absent, o.ambiguous_unchecked
    )?;
    writeln!(
        out,
        "history    {} of {} conversations compared ({}), {} messages, {} unread",
        r.compared, r.conversations, r.rule, r.messages, r.unread
    )?;
    write!(out, "violations {}", found.total)?;
    for class in Class::ALL {
        let (live, history) = (found.live.of(class), found.history.of(class));
        match (live, history) {
            (0, 0) => write!(out, "   {} 0", class.name())?,
            _ => write!(out, "   {} {} (live {live}, history {history})", class.name(), live + history)?,
        }
    }
    writeln!(out)?;
    let words = found.examples.iter().chain(&r.errors).chain(&report.sockets.connect_errors);
    words.chain(&report.sockets.closes).try_for_each(|words| writeln!(out, "  {words}"))?;
    report.refusals.iter().try_for_each(|(code, count)| writeln!(out, "  {count} sends refused: {code}"))
}

fn sides(out: &mut String, report: &Report) -> std::fmt::Result {
    let side = |out: &mut String, name: &str, side: &Side| {
        let cost = side.cpu_us_per_message.map_or("-".to_owned(), |us| format!("{us:.1}"));
        writeln!(
            out,
            "{name:10} {cost} µs of CPU a delivered message, {:.2} CPUs, {:.1} MiB resident, {:.1} MiB at most",
            side.cpus,
            side.rss_bytes as f64 / f64::from(1 << 20),
            side.rss_peak_bytes as f64 / f64::from(1 << 20)
        )
    };
    writeln!(out)?;
    if let Some(server) = &report.server {
        side(out, "server", server)?;
    }
    for process in report.servers.iter().filter(|_| report.servers.len() > 1) {
        let pid = process.pid.map_or_else(String::new, |pid| format!(" {pid}"));
        side(out, &format!("  {}{pid}", process.name), &process.used)?;
    }
    side(out, "generator", &report.generator)?;
    let (e, p) = (&report.environment, &report.phases);
    let place = if e.co_located { "on this machine too" } else { "elsewhere" };
    writeln!(
        out,
        "machine    {} CPUs ({}), {} MiB, kernel {}, load before {:.2}; server {place}, {}",
        e.cpus, e.cpu_model, e.memory_mib, e.kernel, e.load_before, e.durability
    )?;
    writeln!(
        out,
        "phases     users {:.2} s, connect {:.2} s, warm-up {:.1} s, hold {:.1} s, drain {:.2} s, history {:.2} s",
        p.provision_s, p.connect_s, p.warmup_s, p.hold_s, p.drain_s, p.reconcile_s
    )?;
    report.notes.iter().try_for_each(|note| writeln!(out, "note       {note}"))?;
    writeln!(out, "again      {}", report.line)
}

#[cfg(test)]
mod tests {
    use crate::assemble::tests::{measured, report};
    use ledger::Class;

    #[test]
    fn the_verdict_comes_first_and_the_line_that_repeats_it_last() {
        let mut run = measured();
        run.harvest.ledger.violations.history(Class::Lost, || "message 3 of user 1".to_owned());
        let text = super::render(&report(&run));
        assert!(text.starts_with("FAIL (exit 9)\n  reason: violations of correctness: 1"), "{text}");
        assert!(text.contains("lost 1 (live 0, history 1)"), "{text}");
        assert!(text.contains("delivery-p99"), "{text}");
        let last = text.lines().last().unwrap();
        assert!(last.ends_with("chatbench run --seed 7"), "{text}");
    }
}
