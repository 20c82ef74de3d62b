//! `cargo fuzz run cursors`: see the README.
#![no_main]

#[path = "../targets/cursors.rs"]
mod cursors;
#[path = "../targets/input.rs"]
mod input;

libfuzzer_sys::fuzz_target!(|data: &[u8]| cursors::check(data));
