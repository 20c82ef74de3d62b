use super::*;
use ledger::{Second, Seconds};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use report::model::GateClass;

fn gate(id: &str, value: Option<f64>, limit: f64, outcome: GateOutcome) -> GateResult {
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

fn picture(width: u16, height: u16) -> String {
    let mut second = Second { planned: 10_000, offered: 9_998, delivered: 9_997, ..Second::new(8) };
    (0..1000).for_each(|_| second.delivery.record(4_000));
    (0..20).for_each(|_| second.delivery.record(400_000));
    second.lag.record(900);
    let seconds = Seconds::from_iter([second]);
    let mut view = View::default();
    view.phase("hold", "measuring");
    view.gates = vec![
        gate("latency", Some(41.2), 100.0, GateOutcome::Pass),
        gate("slow", Some(140.0), 100.0, GateOutcome::Fail),
        gate("later", None, 0.0, GateOutcome::Unknown),
    ];
    view.tick(&State {
        now_us: 10_500_000,
        begin_us: Some(1_000_000),
        share: 0.4,
        connected: 2000,
        sent: 80_000,
        acknowledged: 79_990,
        received: 79_980,
        violations: 1,
        busy: 0.38,
        seconds: &seconds,
        server_cpus: Some(0.62),
        generator_cpus: None,
    });
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content().chunks(width.into());
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
}

#[test]
fn the_picture_says_how_the_run_stands() {
    let shown = picture(100, 28);
    for words in [
        "hold  measuring",
        "2,000",
        "9,997",
        "401 ms",
        "41.2 ms < 100",
        "59 % left",
        "40 % over",
        "FAIL  slow",
        "1 more gates",
        "< 500 ms",
        "79,980 received",
        "server 0.62 CPUs",
        "busiest thread 38 %",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

#[test]
fn any_terminal_is_large_enough() {
    for (width, height) in [(80, 24), (40, 10), (20, 5), (1, 1), (300, 80)] {
        assert_eq!(picture(width, height).lines().count(), usize::from(height));
    }
}

#[test]
fn a_bar_passes_its_limit_only_when_the_value_does() {
    assert_eq!(bar(50.0, 100.0), "━━━━━━╌╌╌╌╌╌┃╌╌╌");
    assert_eq!(bar(200.0, 100.0), "━━━━━━━━━━━━┃━━━");
    assert_eq!(bar(1.0, 0.0).trim(), "");
}
