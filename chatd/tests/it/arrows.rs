//! Which package may stand on which: the arrows of the design, read from the manifests.

use std::collections::BTreeSet;

/// Each package and the ones of the workspace that it may use, its tests aside.
const ARROWS: [(&str, &str, &[&str]); 12] = [
    ("schema", "schema", &[]),
    ("store", "chatd/store", &["schema"]),
    ("embedded", "chatd/embedded", &["schema", "store"]),
    ("edge", "chatd/edge", &["schema", "store"]),
    ("auth", "chatd/auth", &["schema", "store", "edge"]),
    ("user", "chatd/user", &["schema", "store", "edge"]),
    ("chat", "chatd/chat", &["schema", "store", "edge"]),
    // The only service that calls another one.
    ("websocket", "chatd/websocket", &["schema", "store", "edge", "chat"]),
    ("gateway", "chatd/gateway", &["schema", "edge"]),
    (
        "chatd",
        "chatd",
        &["schema", "store", "embedded", "edge", "auth", "user", "chat", "websocket", "gateway"],
    ),
    ("chatctl", "chatctl", &["schema"]),
    ("chatbench", "chatbench", &["schema"]),
];

#[test]
fn packages_stand_only_on_what_the_design_lets_them() {
    for (name, folder, allowed) in ARROWS {
        let path = format!("{}/../{folder}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let used: BTreeSet<&str> =
            manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
        for (other, ..) in ARROWS {
            assert!(!used.contains(other) || allowed.contains(&other), "{name} must not use {other}");
        }
    }
}

#[test]
fn every_package_of_the_workspace_has_its_arrows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<&str> = members.iter().map(|member| member.as_str().unwrap()).collect();
    assert_eq!(members, ARROWS.iter().map(|(_, folder, _)| *folder).collect());
}
