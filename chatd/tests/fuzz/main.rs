//! The fuzz targets of `chatd/fuzz` as property tests on stable: every committed seed, then random changes of
//! seeds, a bounded number of them. cargo-fuzz runs the same functions for as long as one likes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::expect_used, reason = "the targets are shared with a package of other lints")]

#[path = "../../fuzz/targets/cursors.rs"]
mod cursors;
#[path = "../../fuzz/targets/input.rs"]
mod input;
#[path = "../../fuzz/targets/json.rs"]
mod json;
#[path = "../../fuzz/targets/records.rs"]
mod records;
#[path = "../../fuzz/targets/sockjs.rs"]
mod sockjs;
#[path = "../../fuzz/targets/stomp.rs"]
mod stomp;
#[path = "../../fuzz/targets/tokens.rs"]
mod tokens;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::fs;
use std::path::Path;

/// Changed seeds that a test tries.
const CASES: u32 = 2_000;

/// The committed inputs of a target, in a fixed order.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A seed, its changes (see [`input::mutate`]) and a tail: of nothing, of anything, or of another seed.
fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let seed = proptest::sample::select(seeds);
    let tail = prop_oneof![4 => Just(Vec::new()), 1 => vec(any::<u8>(), 0..200), 1 => seed.clone()];
    let changes = prop_oneof![1 => Just(None), 6 => vec(any::<u8>(), 1..60).prop_map(Some)];
    (seed, changes, tail).prop_map(|(mut bytes, changes, tail)| {
        if let Some(changes) = changes {
            input::mutate(&mut input::Input::new(&changes), &mut bytes);
        }
        bytes.extend(tail);
        bytes
    })
}

fn holds(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 5, "the seeds of {target} were not found");
    for seed in &seeds {
        check(seed);
    }
    // What fails is to become a seed, so nothing is kept beside them.
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&inputs(seeds), |bytes| {
        check(&bytes);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{target}: {error}");
    }
}

#[test]
fn stomp_frames() {
    holds("stomp", stomp::check);
}

#[test]
fn sockjs_arrays_and_frames() {
    holds("sockjs", sockjs::check);
}

#[test]
fn json_bodies() {
    holds("json", json::check);
}

#[test]
fn sealed_cursors() {
    holds("cursors", cursors::check);
}

#[test]
fn access_tokens() {
    holds("tokens", tokens::check);
}

#[test]
fn log_records() {
    holds("records", records::check);
}
