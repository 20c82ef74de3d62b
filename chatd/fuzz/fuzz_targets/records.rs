//! `cargo fuzz run records`: see the README.
#![no_main]

#[path = "../targets/input.rs"]
mod input;
#[path = "../targets/records.rs"]
mod records;

libfuzzer_sys::fuzz_target!(|data: &[u8]| records::check(data));
