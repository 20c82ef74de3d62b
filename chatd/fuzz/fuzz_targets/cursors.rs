//! `cargo fuzz run cursors`: see the README.
#![no_main]

#[path = "../targets/input.rs"]
mod input;
#[path = "../targets/cursors.rs"]
mod cursors;

libfuzzer_sys::fuzz_target!(|data: &[u8]| cursors::check(data));
