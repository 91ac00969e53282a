//! Files exchanged with the real programs: they read ours, and we read theirs.

mod gnutls;
mod keytool;
mod nss;
mod openssl;
mod pyca;
mod rewritten;

use super::*;
use crate::pem;
use crate::workshop::{Workshop, skip};

const PASSWORD: &str = "changeit";
const RANDOM: Randomness = Randomness {
    salt: *b"the first salt..",
    iv: *b"a first block...",
    mac_salt: *b"the second salt.",
};

fn opened(bytes: Vec<u8>) -> Archive {
    read(bytes, &mut Password::new(PASSWORD)).unwrap()
}

/// A workshop with a certificate, `Anchor.pem` and `Anchor.key`.
fn bench(programs: &[&str]) -> Option<(Workshop, Vec<u8>)> {
    let workshop = Workshop::open(&[&["openssl"], programs].concat())?;
    let der = workshop.certificate("Anchor");
    Some((workshop, der))
}

/// The same, with a Python that has the library of pyca.
fn bench_with_pyca(programs: &[&str]) -> Option<(Workshop, Vec<u8>)> {
    let (workshop, der) = bench(&[&["python3"], programs].concat())?;
    let words = ["-c", "import cryptography"];
    if !workshop.outcome("python3", &words).status.success() {
        skip("the library cryptography of python3 is not installed");
        return None;
    }
    Some((workshop, der))
}

/// Writes `ours.p12`, with the certificate under each of the labels.
fn write_ours(workshop: &Workshop, labels: &[&str], der: &[u8]) {
    let entries: Vec<_> = labels.iter().map(|label| Entry { label, der }).collect();
    let bytes = write(&entries, &mut Password::new(PASSWORD), &RANDOM).unwrap();
    workshop.write("ours.p12", &bytes);
}

/// A file `x.p12` that openssl makes of `Anchor.pem`.
fn export(workshop: &Workshop, words: &[&str]) -> Vec<u8> {
    let fixed = ["pkcs12", "-export", "-in", "Anchor.pem", "-out", "x.p12"];
    let password = ["-passout", "pass:changeit"];
    workshop.run("openssl", &[&fixed, &password[..], words].concat());
    workshop.read("x.p12")
}

/// What keytool prints about `keystore`, in English.
fn keytool(workshop: &Workshop, keystore: &str, words: &[&str]) -> String {
    let fixed = ["-J-Duser.language=en", "-J-XX:TieredStopAtLevel=1"];
    let (options, command) = words.split_at(words.iter().take_while(|w| is_option(w)).count());
    let store = ["-keystore", keystore, "-storepass", PASSWORD];
    let printed = workshop.run("keytool", &[&fixed, options, command, &store].concat());
    String::from_utf8_lossy(&printed).into_owned()
}

/// Whether it is meant for the machine that keytool runs on.
fn is_option(word: &str) -> bool {
    word.starts_with("-J")
}

/// The certificates in what a program prints.
fn certificates_in(printed: &[u8]) -> Vec<Vec<u8>> {
    pem::certificates(printed).unwrap()
}
