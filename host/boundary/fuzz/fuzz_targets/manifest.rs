//! The manifest of a stranger's plugin.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_boundary::fuzzing::manifest(bytes));
