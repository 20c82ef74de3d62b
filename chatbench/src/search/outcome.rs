//! What a search has found, in words, and how it ends.

use super::bracket::Why;
use super::{Climbed, step};
use crate::cli::Output;
use report::model::{Search, SearchStep, Verdict};
use schema::exit::{Exit, Failure};
use std::path::Path;

/// The exit code: found and enough, too little, or not the server's figure at all.
pub(super) fn exit(climbed: &Climbed, at_least: Option<f64>) -> Exit {
    if let Some(left) = climbed.left {
        return left;
    }
    let Some(end) = climbed.end else { return Exit::Failed };
    match (end.capacity, at_least) {
        (Some(_), None) => Exit::Ok,
        (Some(capacity), Some(least)) if capacity >= least => Exit::Ok,
        // Who was the limit decides what is known of the server, and runs that ran out tell nothing.
        _ => match end.why {
            Why::Generator if at_least.is_none() => Exit::INVALID,
            Why::Generator | Why::Steps if !missed_by(&climbed.steps, at_least) => Exit::INVALID,
            Why::Generator | Why::Steps | Why::Server | Why::Most | Why::Nothing => Exit::GATE_FAILED,
        },
    }
}

/// Whether the server itself missed a rate that it was to hold; any rate, where none is named.
fn missed_by(steps: &[SearchStep], at_least: Option<f64>) -> bool {
    let mut missed = steps.iter().filter(|step| step.verdict == Verdict::Fail);
    match at_least {
        Some(least) => missed.any(|step| step.rate <= least),
        None => missed.next().is_some() && !steps.iter().any(|step| step.verdict == Verdict::Pass),
    }
}

/// For a person.
fn text(search: &Search) -> String {
    let mut text = String::new();
    let mut steps: Vec<_> = search.steps.iter().collect();
    steps.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    for step in steps {
        text.push_str(&format!("{:>9}  {}\n", step.rate, step::words(step)));
    }
    text.push_str(&format!("\n{}\n", report::search::sentence(search)));
    text.push_str(&format!("Repeat: {}\n", search.line));
    text
}

/// As it goes to stdout.
pub(crate) fn told(search: &Search, output: Output) -> Result<String, Failure> {
    match output {
        Output::Json => crate::json(search),
        Output::Text => Ok(text(search)),
    }
}

/// Its file in a folder of reports, and the forms beside it.
pub(crate) const FILE: &str = "search.json";

/// `search.json`, `.txt`, `.md` and `.html`.
pub(crate) fn write(folder: &Path, search: &Search) -> Result<(), Failure> {
    let forms = [
        (FILE, crate::json(search)?),
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
            left: None,
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
        let out = |steps, at_least| {
            let climbed = Climbed { steps, ..climbed(None, Why::Steps) };
            exit(&climbed, at_least)
        };
        let (held, missed) = (step(1900.0, Verdict::Pass, 0), step(3000.0, Verdict::Fail, 3));
        assert_eq!(out(vec![held.clone(), missed.clone()], None), Exit::INVALID, "more runs would tell");
        assert_eq!(out(vec![held.clone(), missed.clone()], Some(2500.0)), Exit::INVALID);
        assert_eq!(out(vec![held, missed.clone()], Some(3000.0)), Exit::GATE_FAILED);
        assert_eq!(out(vec![missed.clone()], None), Exit::GATE_FAILED);
        let starved = |steps, at_least| exit(&Climbed { steps, ..climbed(some, Why::Generator) }, at_least);
        assert_eq!(
            starved(vec![missed.clone()], Some(3000.0)),
            Exit::GATE_FAILED,
            "the server missed it itself"
        );
        assert_eq!(starved(vec![missed.clone()], Some(2500.0)), Exit::INVALID, "nobody knows of 2500");
        assert_eq!(
            exit(&Climbed { steps: vec![missed], ..climbed(None, Why::Generator) }, None),
            Exit::INVALID
        );
        let left = Climbed { end: None, left: Some(Exit::Incorrect), ..climbed(None, Why::Nothing) };
        assert_eq!(exit(&left, Some(1.0)), Exit::Incorrect);
    }

    fn step(rate: f64, verdict: Verdict, exit: u8) -> SearchStep {
        SearchStep { exit, ..SearchStep::nothing(rate, verdict, Exit::Ok, "one lost".into()) }
    }

    #[test]
    fn forms_are_written() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a/b"), &search(Some(1.0))).unwrap();
        let json = std::fs::read(folder.path().join("a/b/search.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Search>(&json).unwrap(), search(Some(1.0)));
    }
}
