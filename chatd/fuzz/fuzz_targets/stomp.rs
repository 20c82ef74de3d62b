//! `cargo fuzz run stomp`: see the README.
#![no_main]

#[path = "../targets/input.rs"]
mod input;
#[path = "../targets/stomp.rs"]
mod stomp;

libfuzzer_sys::fuzz_target!(|data: &[u8]| stomp::check(data));
