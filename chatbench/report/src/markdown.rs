//! The report in Markdown, for the summary of a CI run.

use crate::model::{GateClass, GateOutcome, Report, Search, Verdict};
use crate::verdict::{bound, measured};
use ledger::{Class, Figures};
use std::fmt::Write;

/// Examples of violations and reasons that a summary has room for.
const ROWS: usize = 10;

#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut out, report);
    let _ = gates(&mut out, report);
    let _ = figures(&mut out, report);
    let _ = foot(&mut out, report);
    out
}

/// A text in a cell of a table, on one line.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}

fn head(out: &mut String, report: &Report) -> std::fmt::Result {
    let name = report.scenario.as_deref().unwrap_or("run");
    writeln!(out, "## chatbench {}: {} (exit {})\n", cell(name), report.verdict.name(), report.exit)?;
    writeln!(
        out,
        "{} users, {:.0} msg/s offered of {:.0} planned for {:.0} s, {}, {} arrivals.\n",
        report.users,
        report.rates.offered,
        report.rates.planned,
        report.duration_s,
        cell(&report.load.protocol),
        report.load.arrivals
    )?;
    for (kind, reasons) in [("Reason", &report.reasons), ("Finding", &report.findings)] {
        for reason in reasons.iter().take(ROWS) {
            writeln!(out, "- **{kind}:** {} *({})*", cell(&reason.what), cell(&reason.fix))?;
        }
    }
    if !report.reasons.is_empty() || !report.findings.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn gates(out: &mut String, report: &Report) -> std::fmt::Result {
    if report.gates.is_empty() {
        return Ok(());
    }
    writeln!(out, "| gate | metric | asked for | measured | margin | |\n|---|---|--:|--:|--:|---|")?;
    for gate in &report.gates {
        let outcome = match (gate.outcome, gate.class) {
            (GateOutcome::Pass, _) => "pass",
            (GateOutcome::Fail, GateClass::Advisory) => "missed (advisory)",
            (GateOutcome::Fail, _) => "**missed**",
            (GateOutcome::Unknown, _) => "unknown",
        };
        let stat = if gate.stat == "value" { String::new() } else { format!(" {}", gate.stat) };
        let margin = gate.margin.map_or(String::new(), |share| format!("{:+.1} %", share * 100.0));
        let (id, metric) = (cell(&gate.id), &gate.metric);
        writeln!(
            out,
            "| {id} | {metric}{stat} | {} | {} | {margin} | {outcome} |",
            cell(&bound(gate)),
            measured(gate)
        )?;
    }
    writeln!(out)
}

fn figures(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "| ms | p50 | p90 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|")?;
    let latency = &report.latency;
    let rows = [
        ("delivery", Some(&latency.delivery)),
        ("accept", Some(&latency.accept)),
        ("schedule lag", Some(&latency.schedule_lag)),
        ("seen", latency.seen.as_ref()),
        ("connect", latency.connect.as_ref()),
        ("login", latency.login.as_ref()),
        ("offline", latency.offline.as_ref()),
        ("reconnect gap", latency.gap.as_ref()),
        ("history page", latency.history.as_ref()),
    ];
    for (name, figures) in rows {
        let Some(Figures { p50_ms, p90_ms, p99_ms, p999_ms, max_ms, .. }) = figures else { continue };
        writeln!(out, "| {name} | {p50_ms:.2} | {p90_ms:.2} | {p99_ms:.2} | {p999_ms:.2} | {max_ms:.2} |")?;
    }
    let o = &report.outcomes;
    writeln!(
        out,
        "\n{} sent, {} acknowledged, {} received, {} refused; {} violations.",
        o.sent, o.acknowledged, o.received, o.refused, report.violations.total
    )?;
    let found = &report.violations;
    for class in Class::ALL {
        let (live, history) = (found.live.of(class), found.history.of(class));
        if live + history > 0 {
            writeln!(out, "- {} {} (live {live}, history {history})", class.name(), live + history)?;
        }
    }
    found.examples.iter().take(ROWS).try_for_each(|example| writeln!(out, "  - {}", cell(example)))
}

fn foot(out: &mut String, report: &Report) -> std::fmt::Result {
    let cost = |us: Option<f64>| us.map_or("-".to_owned(), |us| format!("{us:.1} µs"));
    let server = report.server.as_ref().and_then(|side| side.cpu_us_per_message);
    writeln!(
        out,
        "\nCPU per delivered message: server {}, generator {}. {} CPUs ({}), server {}.\n\n```\n{}\n```",
        cost(server),
        cost(report.generator.cpu_us_per_message),
        report.environment.cpus,
        cell(&report.environment.cpu_model),
        if report.environment.co_located { "on the same machine" } else { "elsewhere" },
        report.line
    )
}

/// What a search found, a row for each rate.
#[must_use]
pub fn search(search: &Search) -> String {
    let mut out = String::new();
    let capacity = search.capacity.map_or("none".to_owned(), |rate| format!("{rate:.0} msg/s"));
    let _ = writeln!(out, "## chatbench search: {capacity}\n\n{}\n", crate::search::sentence(search));
    let _ = writeln!(
        out,
        "| msg/s | | verdict | offered | delivered | p50 ms | p99 ms | lag p99 ms | server µs | |\n|--:|---|---|--:|--:|--:|--:|--:|--:|---|"
    );
    for step in &search.steps {
        let server = step.server_us_per_message.map_or("-".to_owned(), |us| format!("{us:.1}"));
        let verdict = if step.verdict == Verdict::Pass {
            "PASS".to_owned()
        } else {
            format!("**{}**", step.verdict.name())
        };
        let _ = writeln!(
            out,
            "| {:.0} | {} | {verdict} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {server} | {} |",
            step.rate,
            step.kind,
            step.offered,
            step.delivered,
            step.p50_ms,
            step.p99_ms,
            step.lag_p99_ms,
            cell(&step.reasons.join("; "))
        );
    }
    let _ = writeln!(out, "\n```\n{}\n```", search.line);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::{measured as run, report};

    #[test]
    fn a_summary_has_the_verdict_first_and_every_gate() {
        let report = report(&run());
        let text = render(&report);
        assert!(text.starts_with("## chatbench run: PASS (exit 0)\n"), "{text}");
        assert!(report.gates.iter().all(|gate| text.contains(&format!("| {} |", gate.id))));
        assert!(text.contains("| &lt; 100 ms |") && text.contains("chatbench run --seed 7"));
    }

    #[test]
    fn what_others_wrote_stays_in_its_cell() {
        assert_eq!(cell("a|b\nc<d"), "a\\|b c&lt;d");
    }

    #[test]
    fn a_search_has_a_row_for_each_rate() {
        let step = crate::model::SearchStep {
            rate: 1000.0,
            verdict: Verdict::Fail,
            exit: 3,
            offered: 1000.0,
            delivered: 900.0,
            p50_ms: 1.0,
            p99_ms: 200.0,
            lag_p99_ms: 0.1,
            server_us_per_message: None,
            generator_us_per_message: None,
            reasons: vec!["delivery p99".to_owned()],
            kind: "up".to_owned(),
        };
        let found = Search {
            version: 1,
            capacity: Some(500.0),
            above: Some(1000.0),
            generator_ceiling: None,
            line: "chatbench search".to_owned(),
            steps: vec![step],
            left: None,
            best: None,
        };
        let text = search(&found);
        assert!(text.contains("500 msg/s holds") && text.contains("| 1000 | up | **FAIL** |"), "{text}");
    }
}
