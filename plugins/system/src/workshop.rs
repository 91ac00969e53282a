//! Certificates for tests, made by openssl.

use std::process::Command;

/// A new certificate of this common name, in PEM.
pub(crate) fn pem(name: &str) -> String {
    String::from_utf8(made(&format!("/O=Example/CN={name}"), "PEM")).expect("PEM is text")
}

/// A new certificate of this subject.
pub(crate) fn der(subject: &str) -> Vec<u8> {
    made(subject, "DER")
}

fn made(subject: &str, form: &str) -> Vec<u8> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"])
        .args(["-days", "30", "-utf8", "-subj", subject, "-outform", form])
        .output()
        .expect("openssl is needed: apt-get install openssl");
    assert!(made.status.success(), "{made:?}");
    made.stdout
}
