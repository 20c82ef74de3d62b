//! What a search has found, in words, and how it ends.

use super::bracket::{End, Why};
use super::{Climbed, step};
use report::model::Search;
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
        (_, Why::Generator) => Exit::INVALID,
        (Some(_), _) => Exit::GATE_FAILED,
        (None, _) => end.capacity.map_or(Exit::GATE_FAILED, |_| Exit::Ok),
    }
}

/// What it means, in a sentence or two.
pub(super) fn words(end: Option<End>, search: &Search) -> String {
    let Some(End { capacity, above, why }) = end else {
        let last = search.steps.last();
        let reason = last.and_then(|step| step.reasons.first()).map_or("interrupted", String::as_str);
        return format!("The search was left: {reason}.");
    };
    let above = above.map_or_else(String::new, |above| format!("; {above} msg/s does not"));
    let held = capacity.map(|capacity| format!("{capacity} msg/s holds, and held again"));
    match (held, why) {
        (Some(held), Why::Server) => format!("{held}{above}."),
        (Some(held), Why::Generator) => {
            format!("{held}{above}, but there the generator or the machine was the limit: the server may hold more.")
        }
        (Some(held), Why::Most) => format!("{held}: the highest rate that was to be tried (--most)."),
        (Some(held), Why::Steps) => format!("{held}{above}. The runs ran out (--steps): the bracket may be wide."),
        (Some(held), Why::Nothing) => format!("{held}{above}."),
        (None, Why::Generator) => {
            "Nothing was found out: the generator or the machine was the limit at every rate.".to_owned()
        }
        (None, Why::Steps) => format!("No rate held twice before the runs ran out (--steps){above}."),
        (None, _) => format!("No rate holds the gates{above}."),
    }
}

/// For a person.
pub(super) fn text(search: &Search, words: &str) -> String {
    let mut text = String::new();
    let mut steps: Vec<_> = search.steps.iter().collect();
    steps.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    for step in steps {
        text.push_str(&format!("{:>9}  {}\n", step.rate, step::words(step)));
    }
    text.push_str(&format!("\n{words}\n"));
    if let Some(ceiling) = search.generator_ceiling {
        text.push_str(&format!("The generator itself reaches {ceiling} msg/s here, against a server that does nothing.\n"));
    }
    text.push_str(&format!("Repeat: {}\n", search.line));
    text
}

/// `search.json`, `search.html`, `search.md`.
pub(super) fn write(folder: &Path, search: &Search, words: &str) -> Result<(), Failure> {
    let failed = |what: String| Failure::new(Exit::Failed, what, "is the folder of --report-dir writable?");
    let json = serde_json::to_string_pretty(search).map_err(crate::broken)?;
    std::fs::create_dir_all(folder).map_err(|error| failed(format!("{}: {error}", folder.display())))?;
    let forms = [
        ("search.json", json + "\n"),
        ("search.txt", text(search, words)),
    ];
    for (name, form) in forms {
        let path = folder.join(name);
        std::fs::write(&path, form).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
            (some, Why::Generator, None, Exit::INVALID),
            (some, Why::Generator, Some(1000.0), Exit::Ok),
            (some, Why::Generator, Some(3000.0), Exit::INVALID),
            (None, Why::Nothing, None, Exit::GATE_FAILED),
            (None, Why::Generator, None, Exit::INVALID),
        ] {
            assert_eq!(super::exit(&climbed(capacity, why), at_least), exit, "{capacity:?} {why:?} {at_least:?}");
        }
        let left = Climbed { end: None, left: Some(Exit::Incorrect), ..climbed(None, Why::Nothing) };
        assert_eq!(super::exit(&left, Some(1.0)), Exit::Incorrect);
    }

    #[test]
    fn words_say_what_is_known_and_no_more() {
        let of = |capacity, why| words(climbed(capacity, why).end, &search(capacity));
        assert_eq!(of(Some(1900.0), Why::Server), "1900 msg/s holds, and held again; 2000 msg/s does not.");
        assert!(of(Some(1900.0), Why::Generator).contains("the server may hold more"));
        assert!(of(None, Why::Nothing).contains("No rate holds"));
        assert!(words(None, &search(None)).contains("interrupted"));
        assert!(text(&search(None), "W.").contains("reaches 90000 msg/s"));
    }

    #[test]
    fn forms_are_written() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a/b"), &search(Some(1.0)), "W.").unwrap();
        let json = std::fs::read(folder.path().join("a/b/search.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Search>(&json).unwrap(), search(Some(1.0)));
    }
}
