//! What a search means, in words.

use crate::html::words::number;
use crate::model::{Search, SearchStep, Verdict};
use schema::exit::Exit;

/// The outcome in a sentence or two: of the search alone, so that a stored one says the same again.
#[must_use]
pub fn sentence(search: &Search) -> String {
    let found = found(search);
    match search.generator_ceiling {
        Some(ceiling) => format!("{found} The generator itself reaches {} msg/s here.", number(ceiling)),
        None => found,
    }
}

fn found(search: &Search) -> String {
    let steps = &search.steps;
    let passed = steps.iter().filter(|step| step.verdict == Verdict::Pass);
    let once = passed.map(|step| step.rate).max_by(f64::total_cmp);
    if let Some(last) = steps.last().filter(|_| left(search).is_some()) {
        let reason = last.reasons.first().map_or("interrupted", String::as_str);
        let held = once.map_or_else(String::new, |once| format!(" Until then {} msg/s held.", number(once)));
        return format!("The search was left at {} msg/s: {reason}.{held}", number(last.rate));
    }
    let above = match search.above.map(number) {
        Some(above) if starved(search) => {
            format!("; at {above} the generator or the machine was the limit: the server may hold more")
        }
        Some(above) => format!("; {above} does not"),
        None => String::new(),
    };
    match (search.capacity.map(number), once.map(number)) {
        (Some(capacity), _) if search.above.is_none() => {
            format!("{capacity} msg/s holds, and held again: the highest rate that was to be tried (--most).")
        }
        (Some(capacity), _) => format!("{capacity} msg/s holds, and held again{above}."),
        (None, Some(once)) => {
            format!("The runs ran out (--steps) before a rate held twice: {once} msg/s held once{above}.")
        }
        (None, None) if unknown(search) => {
            "The generator or the machine was the limit at every rate: nothing is known of the server.".into()
        }
        (None, None) => format!("No rate holds the gates{above}."),
    }
}

/// Why the search was left before its end, as an exit code; none when it came to its end.
pub(crate) fn left(search: &Search) -> Option<u8> {
    // A search that was stored before it said so ends with the step that could not be gone on from.
    let last = search.steps.last();
    let broken =
        |step: &&SearchStep| step.verdict == Verdict::Interrupted || step.exit == u8::from(Exit::Incorrect);
    search.left.or_else(|| last.filter(broken).map(|step| step.exit))
}

/// Whether the lowest rate that did not hold says nothing about the server.
pub(crate) fn starved(search: &Search) -> bool {
    let mut at_above = search.steps.iter().filter(|step| Some(step.rate) == search.above).peekable();
    at_above.peek().is_some() && at_above.all(|step| step.verdict == Verdict::Invalid)
}

/// Whether nothing at all is known of the server.
pub(crate) fn unknown(search: &Search) -> bool {
    !search.steps.is_empty() && search.steps.iter().all(|step| step.verdict == Verdict::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(rate: f64, verdict: Verdict, exit: u8) -> SearchStep {
        SearchStep { exit, ..SearchStep::nothing(rate, verdict, Exit::Ok, "one lost".into()) }
    }

    #[test]
    fn words_say_what_is_known_and_no_more() {
        let of =
            |capacity, steps: &[SearchStep]| sentence(&Search { steps: steps.to_vec(), ..search(capacity) });
        let (held, missed) = (step(1900.0, Verdict::Pass, 0), step(2000.0, Verdict::Fail, 3));
        let starved = step(2000.0, Verdict::Invalid, 8);
        let twice = [held.clone(), missed.clone(), held.clone()];
        assert_eq!(of(Some(1900.0), &twice), "1,900 msg/s holds, and held again; 2,000 does not.");
        let weak = [held.clone(), starved.clone(), starved.clone(), held.clone()];
        assert!(of(Some(1900.0), &weak).contains("the server may hold more"));
        assert!(of(None, &[starved.clone(), starved]).contains("nothing is known"));
        assert!(of(None, &[missed]).contains("No rate holds"));
        let once = of(None, &[held, step(4000.0, Verdict::Fail, 3), weak[1].clone(), weak[1].clone()]);
        assert!(once.contains("1,900 msg/s held once; at 2,000 the generator"), "{once}");
        assert!(of(None, &[step(2000.0, Verdict::Fail, 9)]).contains("left at 2,000 msg/s: one lost"));
        let gone = Search { left: Some(1), steps: twice[..2].to_vec(), ..search(None) };
        let words = "The search was left at 2,000 msg/s: one lost. Until then 1,900 msg/s held.";
        assert_eq!(sentence(&gone), words);
        let known = Search { generator_ceiling: Some(90_000.0), ..search(None) };
        assert!(sentence(&known).contains("reaches 90,000 msg/s"));
    }

    fn search(capacity: Option<f64>) -> Search {
        Search {
            version: 1,
            capacity,
            above: Some(2000.0),
            generator_ceiling: None,
            line: "chatbench search".into(),
            steps: Vec::new(),
            left: None,
            best: None,
        }
    }
}
