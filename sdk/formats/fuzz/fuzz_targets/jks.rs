//! Keystores of Java, with digests that fit and that do not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_formats::fuzzing::jks(bytes));
