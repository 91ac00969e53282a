//! Bytes off the wire, cut into frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_boundary::fuzzing::frame(bytes));
