//! What a plugin pushes, read by the size that it states.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_boundary::fuzzing::adopt(bytes));
