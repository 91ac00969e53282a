//! PKCS#12 files, with authenticators that fit and that do not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_formats::fuzzing::p12(bytes));
