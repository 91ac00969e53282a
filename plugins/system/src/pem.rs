//! The certificates of one file, and all that is wrong with it.

use std::fs;
use std::io;
use std::path::Path;

use rustls_native_certs::{CertificateResult, Error, ErrorKind};
use rustls_pki_types::pem;

use crate::certificate::Certificate;
use crate::roots::Gathered;

/// The most bytes of one file.
const FILE_MAX: u64 = 16 << 20;
/// The most characters of a reason that comes from elsewhere.
const REASON_MAX: usize = 200;
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Reads a file; what of it cannot be read is noted. An error says that all of it cannot be.
pub(crate) fn read(path: &Path, into: &mut Gathered) -> Result<(), io::Error> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if found.len() > FILE_MAX {
        let what = format!("it has more than {} MiB", FILE_MAX >> 20);
        return Err(io::Error::other(what));
    }
    // What is no certificate by its armour is passed over below, and is told by this.
    let text = fs::read(path)?;
    // This call, unlike the one that finds the places by itself, never looks at the environment.
    let read = rustls_native_certs::load_certs_from_paths(Some(path), None);
    take(&read, &path.display().to_string(), into);
    for (what, count) in passed_over(&text) {
        into.faults(count, || format!("{}: {what} is not read", path.display()));
    }
    Ok(())
}

/// Takes what was read of a place, and what was not.
pub(crate) fn take(read: &CertificateResult, place: &str, into: &mut Gathered) {
    for der in &read.certs {
        match Certificate::read(der) {
            Ok(certificate) => into.certificate(certificate),
            Err(why) => into.faults(1, || format!("{place}: {why}")),
        }
    }
    for error in &read.errors {
        into.faults(1, || format!("{place}: {}", reason(error)));
    }
}

/// Why something was not read, without the place, which is known.
fn reason(error: &Error) -> String {
    let why = match &error.kind {
        ErrorKind::Io { inner, .. } => inner.to_string(),
        ErrorKind::Pem(pem::Error::Base64Decode(_)) => "a certificate is no base64".to_owned(),
        ErrorKind::Pem(pem::Error::IllegalSectionStart { .. }) => {
            "a line that begins a certificate is damaged".to_owned()
        }
        ErrorKind::Pem(pem::Error::MissingSectionEnd { .. }) => {
            "a certificate is cut off before its end".to_owned()
        }
        _ => error.to_string(),
    };
    why.chars().take(REASON_MAX).collect()
}

/// The lines that begin a certificate for others and not here, each kind with how many there are.
fn passed_over(text: &[u8]) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if kinds.len() > KINDS_MAX || !begins_certificate(line) || line.starts_with(BEGIN) {
            continue;
        }
        let shown = String::from_utf8_lossy(line);
        let shown: String = shown.trim().chars().take(REASON_MAX).collect();
        match kinds.iter_mut().find(|(kind, _)| *kind == shown) {
            Some((_, count)) => *count += 1,
            None => kinds.push((shown, 1)),
        }
    }
    kinds
}

/// Whether it looks like such a line, however it is written.
fn begins_certificate(line: &[u8]) -> bool {
    let has = |word: &[u8]| line.windows(word.len()).any(|part| part == word);
    line.len() <= LINE_MAX && has(b"BEGIN ") && has(b"CERTIFICATE-")
}

/// The most kinds of lines that are told apart.
const KINDS_MAX: usize = 8;
/// The most bytes of a line that could begin anything.
const LINE_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_read_and_this_does_not_is_told_once_a_kind() {
        let text = b"-----BEGIN CERTIFICATE-----\r\n-----BEGIN TRUSTED CERTIFICATE-----\n\
                     -----BEGIN TRUSTED CERTIFICATE-----\n -----BEGIN CERTIFICATE-----\n\
                     -----BEGIN CERTIFICATE REQUEST-----\n-----BEGIN X509 CRL-----\n\
                     # BEGIN and CERTIFICATE are words";
        let expected = [
            ("-----BEGIN TRUSTED CERTIFICATE-----".to_owned(), 2),
            ("-----BEGIN CERTIFICATE-----".to_owned(), 1),
        ];
        assert_eq!(passed_over(text), expected);
    }
}
