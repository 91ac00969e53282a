//! BER of other programs, turned into DER.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_formats::fuzzing::ber(bytes));
