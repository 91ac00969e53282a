//! Files exchanged with the real programs: openssl and keytool read ours, and we read theirs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::*;
use crate::pem;

const PASSWORD: &str = "changeit";
const RANDOM: Randomness = Randomness {
    salt: *b"the first salt..",
    iv: *b"a first block...",
    mac_salt: *b"the second salt.",
};

/// A directory with a certificate and its key, made by openssl.
struct Bench {
    directory: TempDir,
    der: Vec<u8>,
}

impl Bench {
    /// None, and a line that says so, where a program that is needed is not installed.
    fn new(programs: &[&str]) -> Option<Self> {
        for program in programs {
            if Command::new(program).arg("-help").output().is_err() {
                // Not captured by the test harness, so that it is seen and can be counted.
                let _ = writeln!(io::stderr(), "skipped: {program} is not installed");
                return None;
            }
        }
        let directory = TempDir::new().unwrap();
        let bench = Self {
            der: Vec::new(),
            directory,
        };
        bench.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "3650",
            "-subj",
            "/C=US/O=TSM/CN=Anchor",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ]);
        let text = std::fs::read(bench.path("cert.pem")).unwrap();
        let der = pem::certificates(&text).unwrap().remove(0);
        Some(Self { der, ..bench })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(&self.directory)
            .output()
            .unwrap()
    }

    fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        checked(self.run("openssl", arguments))
    }

    fn keytool(&self, arguments: &[&str]) -> Vec<u8> {
        checked(self.run("keytool", &[&["-J-Duser.language=en"], arguments].concat()))
    }

    fn export(&self, arguments: &[&str]) -> Vec<u8> {
        let fixed = [
            "pkcs12",
            "-export",
            "-in",
            "cert.pem",
            "-out",
            "x.p12",
            "-passout",
            "pass:changeit",
        ];
        self.openssl(&[&fixed, arguments].concat());
        std::fs::read(self.path("x.p12")).unwrap()
    }

    fn write(&self, entries: &[Entry<'_>]) {
        let bytes = write(entries, &mut Password::new(PASSWORD), &RANDOM).unwrap();
        std::fs::write(self.path("ours.p12"), bytes).unwrap();
    }
}

fn checked(output: Output) -> Vec<u8> {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn opened(bytes: Vec<u8>) -> Archive {
    read(bytes, &mut Password::new(PASSWORD)).unwrap()
}

fn opened_file(path: &Path) -> Archive {
    opened(std::fs::read(path).unwrap())
}

#[test]
fn openssl_reads_what_is_written() {
    let Some(bench) = Bench::new(&["openssl"]) else {
        return;
    };
    for count in [1, 2, 150] {
        let labels: Vec<_> = (0..count).map(|n| format!("Schlüssel {n}")).collect();
        let entries: Vec<_> = labels
            .iter()
            .map(|label| Entry {
                label,
                der: &bench.der,
            })
            .collect();
        bench.write(&entries);
        let listed = bench.openssl(&["pkcs12", "-in", "ours.p12", "-passin", "pass:changeit"]);
        let found = pem::certificates(&listed).unwrap();
        assert_eq!(found, vec![bench.der.clone(); count]);
        let text = String::from_utf8_lossy(&listed);
        assert_eq!(text.matches("friendlyName: ").count(), count);
        assert_eq!(text.matches("2.16.840.1.113894.746875.1.1").count(), count);
    }
}

#[test]
fn keytool_reads_what_is_written() {
    let Some(bench) = Bench::new(&["openssl", "keytool"]) else {
        return;
    };
    let labels = [
        "plain",
        "TSM server TSM1 self-signed key (2)",
        "東京 \u{1f511}",
    ];
    bench.write(&labels.map(|label| Entry {
        label,
        der: &bench.der,
    }));
    let list = ["-list", "-keystore", "ours.p12", "-storepass", PASSWORD];
    let text = bench.keytool(&[&list[..], &["-rfc"]].concat());
    assert_eq!(
        pem::certificates(&text).unwrap(),
        vec![bench.der.clone(); labels.len()]
    );
    let text = bench.keytool(&list);
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("contains 3 entries"), "{text}");
    assert_eq!(text.matches("trustedCertEntry").count(), 3, "{text}");
    assert!(
        text.contains("tsm server tsm1 self-signed key (2)"),
        "{text}"
    );
}

#[test]
fn an_empty_file_is_read_by_both() {
    let Some(bench) = Bench::new(&["openssl", "keytool"]) else {
        return;
    };
    bench.write(&[]);
    let listed = bench.openssl(&["pkcs12", "-in", "ours.p12", "-passin", "pass:changeit"]);
    assert_eq!(listed, b"");
    let listed = bench.keytool(&["-list", "-keystore", "ours.p12", "-storepass", PASSWORD]);
    assert!(String::from_utf8_lossy(&listed).contains("contains 0 entries"));
}

#[test]
fn what_keytool_adds_to_our_file_is_read_beside_ours() {
    let Some(bench) = Bench::new(&["openssl", "keytool"]) else {
        return;
    };
    bench.write(&[Entry {
        label: "ours",
        der: &bench.der,
    }]);
    bench.keytool(&[
        "-importcert",
        "-noprompt",
        "-keystore",
        "ours.p12",
        "-storepass",
        PASSWORD,
        "-alias",
        "theirs",
        "-file",
        "cert.pem",
    ]);
    let archive = opened_file(&bench.path("ours.p12"));
    let mut labels: Vec<_> = archive.certificates().map(|c| c.label).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["ours", "theirs"]);
    assert!(
        archive
            .certificates()
            .all(|c| c.trusted && c.der == bench.der)
    );
}

#[test]
fn what_openssl_writes_is_read() {
    let Some(bench) = Bench::new(&["openssl"]) else {
        return;
    };
    let only = ["-nokeys", "-caname", "Anchor", "-certfile", "cert.pem"];
    for more in [
        &[][..],
        &["-certpbe", "AES-128-CBC"],
        &["-certpbe", "AES-192-CBC", "-macalg", "sha1"],
        &["-certpbe", "AES-256-CBC", "-macalg", "sha384"],
        &["-certpbe", "NONE", "-macalg", "sha512"],
        &["-iter", "1"],
        &["-iter", "300000"],
    ] {
        let archive = opened(bench.export(&[&only, more].concat()));
        assert_eq!((archive.keys(), archive.others()), (0, 0), "{more:?}");
        assert!(!archive.is_empty(), "{more:?}");
        for found in archive.certificates() {
            assert_eq!(found.der, bench.der, "{more:?}");
            assert!(!found.trusted && !found.of_key, "{more:?}");
        }
    }
}

#[test]
fn keys_that_openssl_writes_are_counted_and_paired() {
    let Some(bench) = Bench::new(&["openssl"]) else {
        return;
    };
    for more in [&[][..], &["-keypbe", "NONE", "-certpbe", "NONE"]] {
        let archive =
            opened(bench.export(&[&["-inkey", "key.pem", "-name", "Own"], more].concat()));
        assert_eq!((archive.keys(), archive.len()), (1, 1), "{more:?}");
        let found = archive.get(0).unwrap();
        assert_eq!((found.label, found.of_key), ("Own", true), "{more:?}");
    }
}

#[test]
fn what_openssl_writes_without_safety_is_refused() {
    let Some(bench) = Bench::new(&["openssl"]) else {
        return;
    };
    let password = &mut Password::new(PASSWORD);
    let no_mac = bench.export(&["-nokeys", "-nomac"]);
    assert_eq!(read(no_mac, password).unwrap_err(), P12Error::NoMac);
    let old = bench.export(&["-nokeys", "-certpbe", "PBE-SHA1-3DES"]);
    let error = P12Error::UnknownAlgorithm {
        part: "encryption",
        oid: "1.2.840.113549.1.12.1.3".into(),
    };
    assert_eq!(read(old.clone(), password).unwrap_err(), error);
    assert_eq!(read(old, &mut Password::new("other")).unwrap_err(), error);
    let good = bench.export(&["-nokeys"]);
    let wrong = read(good, &mut Password::new("other"));
    assert_eq!(wrong.unwrap_err(), P12Error::WrongPassword);
}

#[test]
fn passwords_beyond_ascii_are_those_of_openssl() {
    let Some(bench) = Bench::new(&["openssl"]) else {
        return;
    };
    let text = "Schlüssel-\u{1f511}";
    let passout = format!("pass:{text}");
    let bytes = bench.export(&["-nokeys", "-passout", &passout]);
    let archive = read(bytes, &mut Password::new(text)).unwrap();
    assert_eq!(archive.get(0).unwrap().der, bench.der);
}

#[test]
fn what_keytool_writes_is_read() {
    let Some(bench) = Bench::new(&["openssl", "keytool"]) else {
        return;
    };
    for (algorithm, mac) in [
        ("PBEWithHmacSHA256AndAES_256", "HmacPBESHA256"),
        ("PBEWithHmacSHA1AndAES_128", "HmacPBESHA1"),
        ("PBEWithHmacSHA384AndAES_256", "HmacPBESHA384"),
        ("PBEWithHmacSHA512AndAES_128", "HmacPBESHA512"),
        ("NONE", "HmacPBESHA256"),
    ] {
        let name = format!("{algorithm}.p12");
        bench.keytool(&[
            &format!("-J-Dkeystore.pkcs12.certProtectionAlgorithm={algorithm}"),
            &format!("-J-Dkeystore.pkcs12.macAlgorithm={mac}"),
            "-importcert",
            "-noprompt",
            "-keystore",
            &name,
            "-storetype",
            "PKCS12",
            "-storepass",
            PASSWORD,
            "-alias",
            "Anchor",
            "-file",
            "cert.pem",
        ]);
        let archive = opened_file(&bench.path(&name));
        assert_eq!(archive.len(), 1, "{algorithm}");
        let found = archive.get(0).unwrap();
        assert_eq!(
            (found.label, found.der),
            ("Anchor", &bench.der[..]),
            "{algorithm}"
        );
        assert!(found.trusted, "{algorithm}");
    }
}

#[test]
fn keys_that_keytool_makes_are_counted_and_paired() {
    let Some(bench) = Bench::new(&["openssl", "keytool"]) else {
        return;
    };
    bench.keytool(&[
        "-genkeypair",
        "-keyalg",
        "EC",
        "-dname",
        "CN=own",
        "-keystore",
        "k.p12",
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD,
        "-alias",
        "own",
    ]);
    bench.keytool(&[
        "-importcert",
        "-noprompt",
        "-keystore",
        "k.p12",
        "-storepass",
        PASSWORD,
        "-alias",
        "anchor",
        "-file",
        "cert.pem",
    ]);
    let archive = opened_file(&bench.path("k.p12"));
    assert_eq!((archive.keys(), archive.len(), archive.others()), (1, 2, 0));
    for found in archive.certificates() {
        assert_eq!(found.of_key, found.label == "own");
        assert_eq!(found.trusted, found.label == "anchor");
    }
}
