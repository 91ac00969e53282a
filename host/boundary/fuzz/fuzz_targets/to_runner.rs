//! What a host may send, read by the runner.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_boundary::fuzzing::message_to_runner(bytes));
