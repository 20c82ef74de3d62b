//! Every command of chatbench in the recipes and documents is one that it takes.

use super::Cli;
use clap::Parser;
use std::path::Path;

/// What stands before chatbench's own arguments.
const CALLS: [&str; 4] = ["target/release/chatbench ", "bin/chatbench ", "-p chatbench -- ", "\nchatbench "];

/// The commands of a text: the rest of a line, and lines below it that begin with a flag or end a line that was continued.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = format!("\n{line}");
        let Some(rest) = CALLS.iter().find_map(|call| Some(line.split_once(call)?.1)) else { continue };
        let mut command = rest.split(" #").next().unwrap_or_default().to_owned();
        while let Some(more) =
            lines.next_if(|next| next.trim_start().starts_with("--") || command.ends_with('\\'))
        {
            command = format!("{} {}", command.trim_end_matches('\\'), more.trim());
        }
        found.push(command);
    }
    found
}

/// What a shell would hand over, with variables as they are written.
fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(|word| word.replace(['"', '\''], "")).collect()
}

#[track_caller]
fn all_are_taken(file: &str, at_least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let found = commands(&std::fs::read_to_string(&path).unwrap());
    assert!(found.len() >= at_least, "{file}: only {found:?}");
    for command in found {
        let line = ["chatbench".to_owned()].into_iter().chain(words(&command));
        let parsed = Cli::try_parse_from(line);
        assert!(parsed.is_ok(), "{file}: {command}\n{}", parsed.err().unwrap());
    }
}

#[test]
fn recipes() {
    all_are_taken("examples/github-actions.yml", 6);
    all_are_taken("examples/gitlab-ci.yml", 6);
}

#[test]
fn documents() {
    all_are_taken("../README.md", 9);
}

#[test]
fn a_wrong_command_would_be_seen() {
    let text = "  script:\n    - bin/chatbench run --spawn\n      --nonsense 5\n    - other\n";
    let found = commands(text);
    assert_eq!(found, ["run --spawn --nonsense 5"]);
    let line = ["chatbench".to_owned()].into_iter().chain(words(&found[0]));
    assert!(Cli::try_parse_from(line).is_err());
}
