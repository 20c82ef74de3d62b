//! The shape of the workspace: who may depend on whom, how long a file may be, what may not be called.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file that no file may exceed.
const FILE_LINES: usize = 500;
/// File names that say nothing.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "mod"];

/// Which packages of ours each package may name (ARCHITECTURE.md, "Code map").
const ARROWS: [(&str, &[&str]); 20] = [
    ("schema", &[]),
    ("chatd/store", &["schema"]),
    ("chatd/embedded", &["schema", "store"]),
    ("chatd/engines", &["schema"]),
    ("chatd/cluster", &["schema", "store", "edge", "engines"]),
    ("chatd/edge", &["schema", "store"]),
    ("chatd/auth", &["schema", "store", "edge"]),
    ("chatd/user", &["schema", "store", "edge"]),
    ("chatd/chat", &["schema", "store", "edge"]),
    ("chatd/gateway", &["schema", "store", "edge"]),
    ("chatd/presence", &["schema", "store", "edge"]),
    ("chatd/websocket", &["schema", "store", "edge", "chat", "presence"]),
    ("chatd/link", &["schema", "store", "edge", "chat", "presence"]),
    (
        "chatd",
        &[
            "schema",
            "store",
            "embedded",
            "engines",
            "cluster",
            "link",
            "edge",
            "auth",
            "user",
            "chat",
            "gateway",
            "presence",
            "websocket",
        ],
    ),
    ("chatctl", &["schema", "engines"]),
    ("chatbench/plan", &["schema"]),
    ("chatbench/ledger", &["plan"]),
    ("chatbench/load", &["schema", "plan", "ledger"]),
    ("chatbench/report", &["schema", "plan", "ledger"]),
    ("chatbench", &["schema", "plan", "ledger", "load", "report"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<&str> {
    let Some((_, rest)) = manifest.split_once("[dependencies]") else { return Vec::new() };
    let section = rest.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty())
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            sources(&entry, found);
        } else if name.ends_with(".rs") {
            found.push(entry);
        }
    }
}

#[test]
fn packages_depend_only_the_way_the_arrows_point() {
    let packages: BTreeMap<&str, &str> =
        ARROWS.iter().map(|(path, _)| (path.rsplit('/').next().unwrap(), *path)).collect();
    for (path, allowed) in ARROWS {
        let manifest = fs::read_to_string(root().join(path).join("Cargo.toml")).unwrap();
        for name in dependencies(&manifest).into_iter().filter(|name| packages.contains_key(name)) {
            assert!(allowed.contains(&name), "{path} must not depend on {name}");
        }
        assert!(manifest.contains("[lints]\nworkspace = true"), "{path} must take the workspace's lints");
    }
    let members = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let listed =
        members.split("members = [").nth(1).unwrap().split(']').next().unwrap().matches('"').count() / 2;
    assert_eq!(listed, ARROWS.len(), "a package is missing in the arrows");
}

#[test]
fn files_are_short_and_have_names_that_say_something() {
    let mut found = Vec::new();
    sources(&root(), &mut found);
    assert!(found.len() > 100, "the sources were not found");
    for path in found {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= FILE_LINES, "{} has {lines} lines", path.display());
        let stem = path.file_stem().unwrap().to_string_lossy();
        assert!(!EMPTY_NAMES.contains(&&*stem), "{} has a name that says nothing", path.display());
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    for document in ["README.md", "CONTRIBUTING.md", "chatd/ARCHITECTURE.md", "chatbench/RESULTS.md"] {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap();
            assert!(path.parent().unwrap().join(file).exists(), "{document} links to {target}");
        }
    }
}
