use super::*;
use crate::live::panel::tests::gate;
use ledger::{Second, Seconds};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use report::model::GateOutcome;

fn seconds() -> Seconds {
    let mut second = Second { planned: 10_000, offered: 9_998, delivered: 9_997, ..Second::new(8) };
    (0..1000).for_each(|_| second.delivery.record(4_000));
    (0..20).for_each(|_| second.delivery.record(400_000));
    second.lag.record(900);
    Seconds::from_iter([second])
}

fn state(seconds: &Seconds, connected: u64) -> State<'_> {
    State {
        now_us: 10_500_000,
        begin_us: Some(1_000_000),
        share: 0.4,
        connected,
        sent: 80_000,
        acknowledged: 79_990,
        received: 79_980,
        violations: 1,
        busy: 0.38,
        seconds,
        workers: &[],
        server_cpus: Some(0.62),
        generator_cpus: None,
    }
}

fn view(keys: bool) -> View {
    let mut view = View::new(keys);
    view.phase("hold", "measuring");
    view.judged(vec![
        gate("latency", Some(41.2), 100.0, GateOutcome::Pass),
        gate("slow", Some(140.0), 100.0, GateOutcome::Fail),
        gate("later", None, 0.0, GateOutcome::Unknown),
    ]);
    view.tick(&state(&seconds(), 2000));
    view
}

fn picture(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content().chunks(width.into());
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
}

#[test]
fn the_picture_says_how_the_run_stands() {
    let shown = picture(&view(false), 100, 28);
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
        assert_eq!(picture(&view(true), width, height).lines().count(), usize::from(height));
    }
}

#[test]
fn a_picture_that_is_held_still_goes_on_where_the_run_is() {
    let (mut view, seconds) = (view(true), seconds());
    view.press(Key::Pause);
    view.tick(&state(&seconds, 1500));
    view.judged(Vec::new());
    view.phase("drain", "waiting");
    let shown = picture(&view, 100, 28);
    for words in ["drain  held still, p: go on  waiting", "2,000", "FAIL  slow"] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
    view.press(Key::Pause);
    view.tick(&state(&seconds, 1500));
    view.judged(Vec::new());
    let shown = picture(&view, 100, 28);
    assert!(shown.contains("1,500") && !shown.contains("held still,") && !shown.contains("FAIL"), "{shown}");
}

#[test]
fn help_stands_in_place_of_the_heat_map() {
    let mut view = view(true);
    assert!(picture(&view, 100, 28).contains("q: end   p: hold still   ?: help"));
    view.press(Key::Help);
    let shown = picture(&view, 110, 28);
    assert!(HELP.iter().all(|line| shown.contains(line)) && !shown.contains("< 500 ms"), "{shown}");
    view.press(Key::Help);
    assert!(picture(&view, 100, 28).contains("< 500 ms"));
    assert!(!picture(&self::view(false), 100, 28).contains("q: end"), "nothing to press");
}
