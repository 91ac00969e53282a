//! Stash files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_formats::fuzzing::sth(bytes));
