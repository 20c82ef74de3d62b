//! The configuration's three sources: every key with values that it does not take, and keys that are none. Ends
//! with 78 and names the source, the key and its bound, or the nearest key.

use super::Tally;
use crate::server::{binary, without_settings};
use std::fs;
use std::process::Command;
use toml::{Table, Value};

/// Where a key comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    File,
    Environment,
    Set,
}

/// A key as `config doc` describes it.
struct Key {
    name: String,
    /// Its default, as TOML.
    default: Value,
    /// The bound in words.
    bound: String,
}

pub(crate) fn try_all() -> Tally {
    let mut tally = Tally::default();
    let keys = keys();
    assert!(keys.len() > 15, "`config doc` was not understood");
    for key in &keys {
        for (source, value, named) in bad_values(key) {
            let wanted = [key.name.as_str(), named.as_str()];
            tally.row(
                &format!("{source:?} {} = {value}", key.name),
                tried(source, &key.name, &value, &wanted),
            );
        }
        let near = misspelt(&key.name);
        for source in [Source::File, Source::Environment, Source::Set] {
            let wanted = [near.as_str(), "did you mean"];
            tally.row(&format!("{source:?} {near}"), tried(source, &near, "1", &wanted));
        }
    }
    for (key, wanted) in [
        ("nothing.here", "there is no key nothing.here"),
        ("limits.", "there is no key limits."),
        ("limits", "there is no key limits"),
    ] {
        for source in [Source::Environment, Source::Set] {
            tally.row(&format!("{source:?} {key}"), tried(source, key, "1", &[wanted]));
        }
    }
    for (text, wanted) in FILES {
        let outcome = with_file(text.as_bytes(), &[wanted]);
        tally.row(&format!("a file with {text:?}"), outcome);
    }
    tally.row("a file of bad UTF-8", with_file(b"[limits]\npage_max = \"\xff\"\n", &["UTF-8"]));
    tally
}

/// Files that are none, and what is said of them.
const FILES: [(&str, &str); 8] = [
    ("{", "is no TOML"),
    ("[limits", "is no TOML"),
    ("[limits]\npage_max = \n", "is no TOML"),
    ("[limits]\npage_max = 1\npage_max = 2\n", "is no TOML"),
    ("limits = 5\n", "there is no key limits"),
    ("page_max = 5\n", "there is no key page_max"),
    ("[limits.more]\npage_max = 5\n", "limits.more"),
    ("[[limits]]\npage_max = 5\n", "limits"),
];

/// Every key, read from the documentation that the binary prints.
fn keys() -> Vec<Key> {
    let doc = Command::new(binary()).args(["config", "doc"]).output().unwrap();
    let (mut section, mut bound, mut keys) = (String::new(), String::new(), Vec::new());
    for line in String::from_utf8(doc.stdout).unwrap().lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((_, text)) = line.rsplit_once("; ").filter(|_| line.contains("Unit: ")) {
            bound = text.trim_end_matches('.').to_owned();
        } else if let Some((field, default)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = "))
        {
            let table: Option<Table> = format!("v = {default}").parse().ok();
            if let Some(default) = table.and_then(|mut table| table.remove("v")) {
                keys.push(Key { name: format!("{section}.{field}"), default, bound: bound.clone() });
            }
        }
    }
    keys
}

/// Values that a key does not take, as TOML, and what must be said of each.
fn bad_values(key: &Key) -> Vec<(Source, String, String)> {
    let mut values: Vec<(String, String)> = Vec::new();
    let mut add = |value: &str, named: &str| values.push((value.to_owned(), named.to_owned()));
    match &key.default {
        Value::Integer(_) => {
            for wrong in ["\"x\"", "1.5", "true", "[1]", "nan", "1979-05-27"] {
                add(wrong, "is no whole number");
            }
            if let Some((low, high)) = key.bound.rsplit_once(" to ") {
                let low = low.rsplit(' ').next().unwrap().parse::<i64>().unwrap();
                let high = high.parse::<i64>().unwrap();
                let bounds = format!("{low} to {high}");
                add(&(low - 1).to_string(), &bounds);
                add(&(high + 1).to_string(), &bounds);
                add(&i64::MAX.to_string(), &bounds);
                add(&i64::MIN.to_string(), &bounds);
            }
        }
        Value::String(_) => {
            for wrong in ["7", "true", "[\"x\"]", "1.5"] {
                add(wrong, "is no text");
            }
            if key.bound.starts_with("at most") {
                add(&format!("\"{}\"", "x".repeat(5_000)), "at most");
            } else {
                add("\"nothing\"", "one of");
            }
        }
        Value::Array(_) => {
            for wrong in ["7", "\"x\"", "true"] {
                add(wrong, "is no list of texts");
            }
            add("[7]", "is no text");
            add(&format!("[\"{}\"]", "x".repeat(5_000)), "at most");
        }
        other => panic!("a key of another type: {other}"),
    }
    let sources = [Source::File, Source::Environment, Source::Set];
    sources
        .into_iter()
        .flat_map(|source| values.iter().map(move |(value, named)| (source, value.clone(), named.clone())))
        .collect()
}

/// The key with its last letter but one missing.
fn misspelt(name: &str) -> String {
    let mut name = name.to_owned();
    name.remove(name.len() - 2);
    name
}

/// `config check` with one key from one source.
fn tried(source: Source, key: &str, value: &str, wanted: &[&str]) -> Result<(), String> {
    let mut command = Command::new(binary());
    without_settings(&mut command);
    command.args(["config", "check"]);
    match source {
        Source::File => {
            let (section, field) = key.split_once('.').unwrap_or((key, "x"));
            return with_file(format!("[{section}]\n{field} = {value}\n").as_bytes(), wanted);
        }
        Source::Environment => command.env(format!("CHATD_{}", key.to_uppercase().replace('.', "__")), value),
        Source::Set => command.arg("--set").arg(format!("{key}={value}")),
    };
    ended(&mut command, wanted)
}

fn with_file(content: &[u8], wanted: &[&str]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("chatd.toml");
    fs::write(&file, content).map_err(|error| error.to_string())?;
    let mut command = Command::new(binary());
    without_settings(&mut command);
    command.args(["config", "check", "--config"]).arg(&file);
    ended(&mut command, &[wanted, &["chatd.toml"]].concat())
}

fn ended(command: &mut Command, wanted: &[&str]) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(78) {
        return Err(format!("wanted 78, ended with {}: {error}", output.status));
    }
    match wanted.iter().find(|text| !error.contains(**text)) {
        Some(missing) => {
            Err(format!("{missing:?} is not said: {}", error.chars().take(300).collect::<String>()))
        }
        None => Ok(()),
    }
}
