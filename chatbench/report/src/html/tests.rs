//! The pages as a whole.

use super::{fixture, render, render_calibration, render_comparison, render_search};
use crate::calibration::{Calibration, Ceiling};
use crate::model::{Report, Verdict};
use schema::exit::Exit;

fn pages() -> Vec<String> {
    let reports = [fixture::passed(), fixture::failed(), fixture::bare()];
    let mut pages: Vec<String> = reports.iter().map(render).collect();
    pages.push(render_search(&fixture::search()));
    let empty =
        crate::model::Search { steps: vec![], capacity: None, above: None, best: None, ..fixture::search() };
    pages.push(render_search(&empty));
    pages.extend([1.0, 1.3].map(|factor| render_comparison(&fixture::comparison(5, factor))));
    pages.push(render_comparison(&fixture::comparison(1, 1.0)));
    let whole = fixture::calibration();
    let idle_only = Calibration { relay: None, stomp: None, ..whole.clone() };
    let nothing = Calibration { idle: None, ..idle_only.clone() };
    pages.extend([whole, idle_only, nothing].iter().map(render_calibration));
    pages
}

/// Tags that are opened and not closed, or closed and not opened; void ones and what closes itself left out.
fn unbalanced(page: &str) -> Vec<String> {
    const VOID: [&str; 3] = ["meta", "link", "!doctype"];
    let mut open: Vec<String> = Vec::new();
    let mut wrong = Vec::new();
    let mut rest = page;
    while let Some(begin) = rest.find('<') {
        let end = begin + rest[begin..].find('>').unwrap();
        let tag = &rest[begin + 1..end];
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap().to_owned();
        rest = &rest[end + 1..];
        if tag.starts_with('/') {
            if open.pop().as_deref() != Some(&name) {
                wrong.push(tag.to_owned());
            }
        } else if !VOID.contains(&name.as_str()) && !tag.ends_with('/') {
            // What is in these is not HTML.
            if let Some(text) = ["script", "style"].contains(&name.as_str()).then(|| format!("</{name}>")) {
                rest = &rest[rest.find(&text).unwrap() + text.len()..];
            } else {
                open.push(name);
            }
        }
    }
    wrong.extend(open);
    wrong
}

#[test]
fn pages_are_well_formed() {
    for page in pages() {
        assert_eq!(unbalanced(&page), [""; 0]);
        assert!(!page.contains("NaN") && !page.contains(">inf") && !page.contains("undefined"));
    }
    assert_eq!(unbalanced("<p><b></p>"), ["/p", "p"]);
}

#[test]
fn a_page_asks_nothing_of_the_network() {
    for page in pages() {
        assert!(page.contains("default-src 'none'"));
        for reach in ["http://", "https://", "//cdn", "@import", "url(", "src=\"", "fetch("] {
            assert!(!page.contains(reach), "{reach}");
        }
    }
}

#[test]
fn the_verdict_comes_first_then_the_gates_then_the_charts() {
    let page = render(&fixture::failed());
    let at = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what}"));
    let order = [
        at("<h1>FAIL"),
        at("3 correctness violations"),
        at("Delivery p99.9"),
        at(">Gates<"),
        at(">Timeline"),
        at(">Ledger"),
        at("chatbench run --scenario chat-1to1"),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn nothing_is_called_whole_that_is_not() {
    let mut report = fixture::passed();
    assert!(render(&report).contains("Nothing was lost"));
    report.outcomes.undelivered = 3;
    let page = render(&report);
    assert!(!page.contains("Nothing was lost") && page.contains("3 had not arrived by the end."));
    assert!(!render(&fixture::failed()).contains("Nothing was lost"));
    let mut sample = fixture::passed();
    sample.reconciled.compared = 2000;
    let page = render(&sample);
    assert!(page.contains("in the history of the 2,000 conversations compared, of 5,000."));
    let mut idle = fixture::bare();
    idle.connected = 9_998;
    assert!(render(&idle).contains("9,998 users were connected and sent nothing"));
}

#[test]
fn gates_say_value_limit_and_margin() {
    let page = render(&fixture::passed());
    for words in ["41.2 ms", "&lt; 100<", "59 % left", "≥ 9,900<", "7.24 KiB", "advisory", "none left"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(render(&fixture::failed()).contains("114 % over"));
}

#[test]
fn what_others_wrote_stays_text() {
    let evil = "</script><script>alert(1)</script>\"'<img onerror=x>";
    let mut report: Report = fixture::failed();
    report.scenario = Some(evil.to_owned());
    report.line = evil.to_owned();
    report.reasons[0].what = evil.to_owned();
    report.labels.insert(evil.to_owned(), evil.to_owned());
    report.violations.examples.push(evil.to_owned());
    report.notes.push(evil.to_owned());
    report.refusals.insert(evil.to_owned(), 1);
    report.servers[0].name = evil.to_owned();
    report.gates[0].id = evil.to_owned();
    report.gates[1].stat = evil.to_owned();
    report.marks.iter_mut().for_each(|mark| mark.name = evil.to_owned());
    let page = render(&report);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert_eq!(unbalanced(&page), [""; 0]);
}

#[test]
fn a_run_of_a_day_is_still_a_small_page() {
    let mut report = fixture::passed();
    let (points, columns) = (report.timeline.clone(), report.heat.columns.clone());
    report.timeline = points.iter().cycle().take(86_400).copied().collect();
    report.timeline.iter_mut().zip(0..).for_each(|(point, at_s)| point.at_s = at_s);
    report.heat.columns = columns.iter().cycle().take(86_400).cloned().collect();
    let page = render(&report);
    assert!(page.len() < 400_000, "{}", page.len());
    assert!(page.contains("a column is 6 min"));
}

#[test]
fn numbers_that_are_none_do_not_break_the_page() {
    let mut report = fixture::passed();
    report.gates[0].value = None;
    report.gates[1].value = Some(f64::NAN);
    report.rates.delivered = f64::INFINITY;
    report.timeline[20].p99_ms = Some(f64::NAN);
    let page = render(&report);
    assert!(!page.contains("NaN") && !page.contains("inf<"));
}

#[test]
fn a_search_says_its_capacity_first() {
    let page = render_search(&fixture::search());
    assert!(page.contains("<h1>24,000"));
    assert!(
        page.contains("holds, and held again; at 26,000 the generator")
            && page.contains("The generator itself reaches 41,000")
    );
    assert!(page.contains("The run at 24,000 messages a second"));
    assert!(page.contains("the server may hold more"), "what did not pass was invalid");
    let mut early = fixture::search();
    (early.capacity, early.left) = (None, Some(130));
    if let Some(best) = &mut early.best {
        best.rates.planned = 16_000.0;
    }
    let page = render_search(&early);
    assert!(page.contains("<h1>INTERRUPTED") && page.contains("The run at 16,000 messages a second"));
    assert!(!page.contains("No rate held") && page.contains("class=\"top interrupted\""));
    let once = crate::model::Search { capacity: None, ..fixture::search() };
    let page = render_search(&once);
    assert!(page.contains("<h1>No rate held twice") && page.contains("class=\"top invalid\""));
    let mut starved = crate::model::Search { capacity: None, ..fixture::search() };
    starved.steps.retain(|step| step.verdict != Verdict::Pass);
    assert!(render_search(&starved).contains("<h1>INVALID"), "the lowest that did not hold was");
    starved.above = Some(28_000.0);
    let page = render_search(&starved);
    assert!(page.contains("<h1>No rate held") && page.contains("class=\"top fail\""));
    let failed = crate::model::Search { above: Some(28_000.0), ..fixture::search() };
    assert!(!render_search(&failed).contains("the server may hold more"));
}

#[test]
fn a_comparison_says_first_whether_anything_differs() {
    let same = render_comparison(&fixture::comparison(5, 1.0));
    assert!(same.contains("<h1>No difference seen") && same.contains("no difference seen ("));
    assert_eq!(same.matches("class=\"mean\"").count(), 10, "two dots a figure");
    assert_eq!(same.matches("class=\"bar\"").count(), 10, "each with its interval");
    assert_eq!(same.matches("class=\"run\"").count(), 50, "and a stroke a run");
    let worse = render_comparison(&fixture::comparison(5, 1.3));
    assert!(
        worse.contains("<h1>B is worse") && worse.contains("B is worse in server CPU per message, higher by")
    );
    assert!(worse.contains("compare.json beside this page"));
    let few = render_comparison(&fixture::comparison(1, 2.0));
    assert!(few.contains("<h1>Too little to say") && few.contains("one run a side"));
}

#[test]
fn a_comparison_of_spoilt_runs_says_so_above_all() {
    let mut spoilt = fixture::comparison(3, 1.3);
    spoilt.repeats[0].verdict = Verdict::Invalid;
    assert!(render_comparison(&spoilt).contains("<h1>B is worse"), "one of three");
    assert_eq!(spoilt.exit(), Exit::GATE_FAILED);
    spoilt.repeats[1].verdict = Verdict::Invalid;
    assert!(render_comparison(&spoilt).contains("<h1>INVALID"));
    assert_eq!(spoilt.exit(), Exit::INVALID);
    spoilt.repeats[5].exit = 9;
    assert!(render_comparison(&spoilt).contains("<h1>Not correct"));
    assert_eq!(spoilt.exit(), Exit::Incorrect);
    assert_eq!(fixture::comparison(1, 2.0).exit(), Exit::INVALID, "too little to say");
    assert_eq!(fixture::comparison(5, 1.0).exit(), Exit::Ok);
}

#[test]
fn what_others_called_a_side_stays_text() {
    let mut named = fixture::comparison(2, 1.0);
    named.sides.0 = "<img onerror=x>".to_owned();
    named.caveats.push("<script>alert(1)".to_owned());
    let page = render_comparison(&named);
    assert!(!page.contains("<img") && !page.contains("<script>alert"));
}

#[test]
fn a_calibration_says_its_ceiling_first() {
    let whole = fixture::calibration();
    let page = render_calibration(&whole);
    for words in [
        "<h1>46,000",
        "Over a bare relay it is 80,000.",
        "48,000 did not hold",
        "1.15",
        "Only 99,998 of 100,000 idle users",
        "Schedule lag p99",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("badge invalid\">did not hold<") && !page.contains(">PASS<"));
    let none = Ceiling { rate: None, ..whole.stomp.clone().unwrap() };
    let page = render_calibration(&Calibration { stomp: Some(none), ..whole.clone() });
    assert!(
        page.contains("<h1>Nothing held twice")
            && page.contains("46,000 msg&#x2f;s held once")
            && page.contains("class=\"top invalid\"")
    );
    let page = render_calibration(&Calibration { stomp: None, relay: None, ..whole });
    assert!(page.contains("<h1>99,998") && page.contains("Too many open files"));
}

#[test]
fn a_rate_that_was_tried_again_is_one_point_of_the_line_and_a_dot_each() {
    let page = render_calibration(&fixture::calibration());
    let chart = page.split("Schedule lag p99").nth(1).unwrap().split("</figure>").next().unwrap();
    let line = chart.split("line delivered").nth(1).unwrap().split('>').next().unwrap();
    assert_eq!(line.matches('L').count(), 5, "six rates in {line}");
    assert_eq!(chart.matches("class=\"dot ").count(), 14);
}

#[test]
fn sides_that_are_far_apart_stand_on_powers_of_ten() {
    let mut far = fixture::comparison(2, 1.0);
    (far.figures[0].b, far.figures[0].b_interval) = (Some(600.0), Some((300.0, 1200.0)));
    let page = render_comparison(&far);
    let field = page.split("class=\"field\"").nth(1).unwrap().split("class=\"values\"").next().unwrap();
    assert!(field.contains(">10<") && field.contains(">100<") && field.contains(">1,000<"), "{field}");
}
