//! What a runner may send, read by the host.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_boundary::fuzzing::message_to_host(bytes));
