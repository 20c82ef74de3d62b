//! What a search has found, in words, and how it ends.

use super::bracket::Why;
use super::{Climbed, step};
use report::model::{Search, Verdict};
use schema::exit::{Exit, Failure};
use std::path::Path;

/// The exit code: found and enough, too little, or not the server's figure at all.
pub(super) fn exit(climbed: &Climbed, at_least: Option<f64>) -> Exit {
    if let Some(left) = climbed.left {
        return left;
    }
    let Some(end) = climbed.end else { return Exit::Failed };
    let enough = |least: f64| end.capacity.is_some_and(|capacity| capacity >= least);
    match (at_least, end.why) {
        (Some(least), _) if enough(least) => Exit::Ok,
        (Some(_), Why::Generator) => Exit::INVALID,
        (None, Why::Generator) if end.capacity.is_none() => Exit::INVALID,
        (Some(_), _) => Exit::GATE_FAILED,
        (None, _) => end.capacity.map_or(Exit::GATE_FAILED, |_| Exit::Ok),
    }
}

/// What it means, in a sentence: of the search alone, so that it can be said again later.
pub(super) fn words(search: &Search) -> String {
    if let Some(last) = search.steps.last().filter(|step| step::ends(step)) {
        let reason = last.reasons.first().map_or("interrupted", String::as_str);
        return format!("The search was left at {} msg/s: {reason}.", last.rate);
    }
    let above = search.above.map_or_else(String::new, |above| format!("; {above} msg/s does not"));
    let mut failed = search.steps.iter().filter(|step| Some(step.rate) == search.above).peekable();
    let starved = failed.peek().is_some() && failed.all(|step| step.verdict == Verdict::Invalid);
    match (search.capacity, search.above) {
        (Some(capacity), None) => {
            format!("{capacity} msg/s holds, and held again: the highest rate that was to be tried (--most).")
        }
        (Some(capacity), Some(_)) if starved => format!(
            "{capacity} msg/s holds, and held again{above}, but there the generator or the machine was the limit: \
             the server may hold more."
        ),
        (Some(capacity), Some(_)) => format!("{capacity} msg/s holds, and held again{above}."),
        (None, _) if starved => {
            "The generator or the machine was the limit at every rate: nothing is known of the server.".into()
        }
        (None, _) if search.steps.iter().any(|step| step.verdict == Verdict::Pass) => {
            format!("No rate held twice before the runs ran out (--steps){above}.")
        }
        (None, _) => format!("No rate holds the gates{above}."),
    }
}

/// For a person.
pub(crate) fn text(search: &Search) -> String {
    let mut text = String::new();
    let mut steps: Vec<_> = search.steps.iter().collect();
    steps.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    for step in steps {
        text.push_str(&format!("{:>9}  {}\n", step.rate, step::words(step)));
    }
    text.push_str(&format!("\n{}\n", words(search)));
    if let Some(ceiling) = search.generator_ceiling {
        text.push_str(&format!(
            "The generator itself reaches {ceiling} msg/s here, against a server that does nothing.\n"
        ));
    }
    text.push_str(&format!("Repeat: {}\n", search.line));
    text
}

/// `search.json`, `.txt`, `.md` and `.html`.
pub(crate) fn write(folder: &Path, search: &Search) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(search).map_err(crate::broken)? + "\n";
    let forms = [
        ("search.json", json),
        ("search.txt", text(search)),
        ("search.md", report::markdown::search(search)),
        ("search.html", report::html::render_search(search)),
    ];
    crate::report_dir::write(folder, &forms)
}

#[cfg(test)]
mod tests {
    use super::super::bracket::End;
    use super::*;
    use report::model::SearchStep;

    fn climbed(capacity: Option<f64>, why: Why) -> Climbed {
        let end = End { capacity, above: Some(2000.0), why };
        Climbed { end: Some(end), steps: Vec::new(), best: None, left: None }
    }

    fn search(capacity: Option<f64>) -> Search {
        Search {
            version: 1,
            capacity,
            above: Some(2000.0),
            generator_ceiling: Some(90_000.0),
            line: "chatbench search".into(),
            steps: Vec::new(),
            best: None,
        }
    }

    #[test]
    fn exits() {
        let some = Some(1900.0);
        for (capacity, why, at_least, exit) in [
            (some, Why::Server, None, Exit::Ok),
            (some, Why::Server, Some(1900.0), Exit::Ok),
            (some, Why::Server, Some(1901.0), Exit::GATE_FAILED),
            (some, Why::Most, None, Exit::Ok),
            (some, Why::Generator, None, Exit::Ok),
            (some, Why::Generator, Some(1000.0), Exit::Ok),
            (some, Why::Generator, Some(3000.0), Exit::INVALID),
            (None, Why::Nothing, None, Exit::GATE_FAILED),
            (None, Why::Generator, None, Exit::INVALID),
        ] {
            assert_eq!(
                super::exit(&climbed(capacity, why), at_least),
                exit,
                "{capacity:?} {why:?} {at_least:?}"
            );
        }
        let left = Climbed { end: None, left: Some(Exit::Incorrect), ..climbed(None, Why::Nothing) };
        assert_eq!(exit(&left, Some(1.0)), Exit::Incorrect);
    }

    fn step(rate: f64, verdict: Verdict, exit: u8) -> SearchStep {
        SearchStep {
            rate,
            verdict,
            exit,
            offered: rate,
            delivered: rate,
            p50_ms: 1.0,
            p99_ms: 2.0,
            lag_p99_ms: 0.1,
            server_us_per_message: None,
            generator_us_per_message: None,
            reasons: vec!["one lost".into()],
            kind: "up".into(),
        }
    }

    #[test]
    fn words_say_what_is_known_and_no_more() {
        let of =
            |capacity, steps: &[SearchStep]| words(&Search { steps: steps.to_vec(), ..search(capacity) });
        let (held, missed) = (step(1900.0, Verdict::Pass, 0), step(2000.0, Verdict::Fail, 3));
        let starved = step(2000.0, Verdict::Invalid, 8);
        let twice = [held.clone(), missed.clone(), held.clone()];
        assert_eq!(of(Some(1900.0), &twice), "1900 msg/s holds, and held again; 2000 msg/s does not.");
        let weak = [held.clone(), starved.clone(), starved.clone(), held.clone()];
        assert!(of(Some(1900.0), &weak).contains("the server may hold more"));
        assert!(of(None, &[starved.clone(), starved]).contains("nothing is known"));
        assert!(of(None, &[missed]).contains("No rate holds"));
        assert!(of(None, &[held]).contains("ran out"));
        assert!(of(None, &[step(2000.0, Verdict::Fail, 9)]).contains("left at 2000 msg/s: one lost"));
        assert!(text(&search(None)).contains("reaches 90000 msg/s"));
    }

    #[test]
    fn forms_are_written() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a/b"), &search(Some(1.0))).unwrap();
        let json = std::fs::read(folder.path().join("a/b/search.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Search>(&json).unwrap(), search(Some(1.0)));
    }
}
