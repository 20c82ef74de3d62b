//! `cargo fuzz run tokens`: see the README.
#![no_main]

#[path = "../targets/input.rs"]
mod input;
#[path = "../targets/tokens.rs"]
mod tokens;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tokens::check(data));
