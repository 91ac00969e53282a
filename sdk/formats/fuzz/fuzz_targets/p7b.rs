//! PKCS#7 files of certificates.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anchorhold_formats::fuzzing::p7b(bytes));
