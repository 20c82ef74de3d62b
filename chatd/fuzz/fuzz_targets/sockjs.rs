//! `cargo fuzz run sockjs`: see the README.
#![no_main]

#[path = "../targets/input.rs"]
mod input;
#[path = "../targets/sockjs.rs"]
mod sockjs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| sockjs::check(data));
