//! A preflight in words and as JSON.

use super::facts::Asked;
use super::findings::{Finding, State, grouped};
use schema::exit::Exit;
use serde::Serialize;

/// Version of the JSON; additions keep it.
const VERSION: u32 = 1;

/// The JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked<'a> {
    version: u32,
    fits: bool,
    exit: Exit,
    users: u64,
    rate: f64,
    findings: &'a [Finding],
}

impl<'a> Checked<'a> {
    pub(super) fn new(asked: &Asked, findings: &'a [Finding], exit: Exit) -> Self {
        let fits = exit == Exit::Ok;
        Self { version: VERSION, fits, exit, users: asked.users, rate: asked.rate, findings }
    }
}

/// For a person: what does not fit last, where it is seen.
pub(super) fn text(asked: &Asked, findings: &[Finding]) -> String {
    let mut text = format!(
        "{} users, {} msg/s, connecting over {:.1} s\n\n",
        grouped(asked.users),
        asked.rate,
        asked.ramp_s
    );
    let wide = findings.iter().map(|finding| finding.code.len()).max().unwrap_or_default();
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.state);
    for Finding { code, state, what, fix } in sorted {
        let word = match state {
            State::Fits => "fits    ",
            State::Doubtful => "doubtful",
            State::Short => "SHORT   ",
        };
        text.push_str(&format!("  {word}  {code:wide$}  {what}\n"));
        if !fix.is_empty() {
            text.push_str(&format!("  {:8}  {:wide$}  fix: {fix}\n", "", ""));
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (short, doubtful) = (count(State::Short), count(State::Doubtful));
    text.push_str(&match (short, doubtful) {
        (0, 0) => "\nIt fits.\n".to_owned(),
        (0, doubtful) => format!("\nIt fits; {doubtful} of {} in doubt.\n", findings.len()),
        (short, _) => format!("\nIt does not fit: {short} of {} short.\n", findings.len()),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_last_with_its_fix() {
        let asked = Asked {
            users: 100_000,
            rate: 2000.0,
            message_bytes: 128,
            ramp_s: 40.0,
            logins: false,
            rest: false,
            targets: 1,
            tls: false,
            sources: 1,
            loopback: true,
            server_here: false,
            workers: None,
            elsewhere: false,
        };
        let finding = |code, state, fix: &str| Finding { code, state, what: "so".into(), fix: fix.into() };
        let findings = [
            finding("ports", State::Short, "do it"),
            finding("files", State::Fits, ""),
            finding("cpu", State::Doubtful, "wait"),
        ];
        let text = text(&asked, &findings);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "100,000 users, 2000 msg/s, connecting over 40.0 s");
        assert_eq!(lines[2], "  fits      files  so");
        assert_eq!(lines[5..7], ["  SHORT     ports  so", "                   fix: do it"]);
        assert_eq!(lines.last().unwrap(), &"It does not fit: 1 of 3 short.");
        let json = serde_json::to_value(Checked::new(&asked, &findings, Exit::INVALID)).unwrap();
        assert_eq!((&json["fits"], &json["exit"]), (&false.into(), &8.into()));
        assert_eq!(json["findings"][0]["state"], "short");
    }
}
