//! `cargo fuzz run json`: see the README.
#![no_main]

#[path = "../targets/input.rs"]
mod input;
#[path = "../targets/json.rs"]
mod json;

libfuzzer_sys::fuzz_target!(|data: &[u8]| json::check(data));
