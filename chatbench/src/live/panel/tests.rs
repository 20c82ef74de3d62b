use super::*;
use load::control::Tick;
use report::model::GateClass;

/// A gate of a latency, as it stands.
pub(crate) fn gate(id: &str, value: Option<f64>, limit: f64, outcome: GateOutcome) -> GateResult {
    GateResult {
        id: id.to_owned(),
        metric: "delivery.latency".to_owned(),
        stat: "p99".to_owned(),
        op: "<".to_owned(),
        limit,
        value,
        unit: "ms".to_owned(),
        margin: value.map(|value| 1.0 - value / limit),
        window: "hold".to_owned(),
        samples: 1,
        class: GateClass::Performance,
        outcome,
    }
}

fn panel(gates: usize, workers: u32) -> Panel {
    let known = |n| gate(&format!("gate-{n}"), Some(41.2), 100.0, GateOutcome::Pass);
    let worker = |n| Worker {
        name: format!("this machine {n}"),
        users: 1000,
        last: Tick { connected: 999, sent: 10, violations: u64::from(n == 2), busy: 0.4, ..Tick::default() },
    };
    let later = gate("later", None, 0.0, GateOutcome::Unknown);
    Panel {
        gates: (0..gates).map(known).chain([later]).collect(),
        workers: (0..workers).map(worker).collect(),
        page: 0,
    }
}

fn shown(panel: &Panel) -> String {
    panel.lines().iter().map(|line| line.to_string() + "\n").collect()
}

#[test]
fn what_fits_is_on_one_page() {
    let mut panel = panel(3, 1);
    let page = shown(&panel);
    assert!(page.contains("gate-2") && page.ends_with("1 more gates are judged at the end\n"), "{page}");
    panel.turn(true);
    assert_eq!(shown(&panel), page);
}

#[test]
fn pages_go_on_from_gates_to_workers_and_round() {
    let mut panel = panel(10, 9);
    assert_eq!(panel.pages(), 4);
    let mut pages = Vec::new();
    for _ in 0..4 {
        pages.push(shown(&panel));
        panel.turn(true);
    }
    assert_eq!(shown(&panel), pages[0]);
    assert!(pages[0].contains("gate-7") && pages[0].contains("gates, page 1 of 4"), "{}", pages[0]);
    assert!(pages[1].contains("gate-8") && pages[1].contains("1 more gates"), "{}", pages[1]);
    assert!(pages[2].contains("999 of 1,000 users") && pages[2].contains("1 violations"), "{}", pages[2]);
    assert!(
        pages[3].contains("  9  this machine 8") && pages[3].contains("workers, page 4 of 4"),
        "{}",
        pages[3]
    );
    panel.turn(false);
    assert_eq!(shown(&panel), pages[3]);
    // Workers of the last page have gone.
    panel.workers.clear();
    assert_eq!(shown(&panel), pages[1].replace("of 4", "of 2"));
    panel.turn(true);
    assert!(shown(&panel).contains("page 1 of 2"));
}

#[test]
fn a_bar_passes_its_limit_only_when_the_value_does() {
    assert_eq!(bar(50.0, 100.0), "━━━━━━╌╌╌╌╌╌┃╌╌╌");
    assert_eq!(bar(200.0, 100.0), "━━━━━━━━━━━━┃━━━");
    assert_eq!(bar(1.0, 0.0).trim(), "");
}
