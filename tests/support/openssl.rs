//! The `openssl` program, as a maker of certificates that owes nothing to this project.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Outcome, Watched, here, sha256};

/// A certificate and its private key, as files.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The certificate, PEM.
    pub(crate) certificate: PathBuf,
    /// Its private key, PEM.
    pub(crate) key: PathBuf,
}

impl Identity {
    /// The SHA-256 of the certificate.
    pub(crate) fn sha256(&self) -> String {
        fingerprint(&self.certificate)
    }

    /// The text of the certificate's file.
    pub(crate) fn pem(&self) -> String {
        std::fs::read_to_string(&self.certificate).expect("the certificate is there")
    }

    /// The certificate itself.
    pub(crate) fn der(&self) -> Vec<u8> {
        der_of(&self.certificate)
    }
}

/// The `openssl` program at work in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Openssl {
    directory: PathBuf,
}

impl Openssl {
    /// The program, where it is installed; else the test is skipped.
    pub(crate) fn find(directory: &Path) -> Option<Self> {
        let directory = directory.to_owned();
        here("openssl").then_some(Self { directory })
    }

    /// Runs it, and it succeeds.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        self.outcome(words).exits(0)
    }

    /// Runs it.
    pub(crate) fn outcome(&self, words: &[&str]) -> Outcome {
        let mut command = Command::new("openssl");
        command.current_dir(&self.directory).args(words);
        Watched::output(&mut command, b"", Duration::from_secs(60))
    }

    /// Where one of its files is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A certificate as servers of the vendor make it for themselves: it names no host.
    pub(crate) fn stock(&self, name: &str) -> Identity {
        self.self_signed(name, STOCK, &[])
    }

    /// A self-signed certificate with a key of its own; `more` are options of `openssl req`,
    /// which makes a key on a curve where they do not say otherwise.
    pub(crate) fn self_signed(&self, name: &str, subject: &str, more: &[&str]) -> Identity {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        let mut words = vec!["req", "-x509", "-nodes"];
        if !more.contains(&"-newkey") {
            words.extend(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        }
        if !more.contains(&"-days") {
            words.extend(["-days", "3650"]);
        }
        words.extend(["-subj", subject, "-keyout", &key, "-out", &certificate]);
        words.extend(more);
        self.run(&words);
        Identity {
            certificate: self.path(&certificate),
            key: self.path(&key),
        }
    }
}

/// The subject of the certificate that every server of the vendor makes for itself.
const STOCK: &str = "/C=US/O=TSM/OU=TSM Network/CN=TSM Self-Signed Certificate";

/// The SHA-256 of the one certificate in a PEM file.
fn fingerprint(path: &Path) -> String {
    sha256(&der_of(path))
}

fn der_of(path: &Path) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let certificate = CertificateDer::from_pem_file(path).expect("one certificate");
    certificate.to_vec()
}
