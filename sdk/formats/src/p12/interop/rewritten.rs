//! Files with private keys that other programs made, rewritten here, and read by all of them.

use std::collections::BTreeMap;

use super::*;
use crate::edit::{Edit, Edits};

/// Programs that make and read such files.
const PROGRAMS: [&str; 5] = ["keytool", "certtool", "certutil", "pk12util", "python3"];

/// Prints the public half of the key of `after.p12` and how many other certificates there are.
const LIST: &str = r#"
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.serialization import pkcs12
store = pkcs12.load_pkcs12(open("after.p12", "rb").read(), b"changeit")
print(len(store.additional_certs))
form = s.PublicFormat.SubjectPublicKeyInfo
print(store.key.public_key().public_bytes(s.Encoding.DER, form).hex())
"#;

/// A workshop with two certificates, `Anchor` whose key is in the files, and `Added`.
struct Judges {
    workshop: Workshop,
    added: Vec<u8>,
    public: Vec<u8>,
}

impl Judges {
    fn new() -> Option<Self> {
        let (workshop, _) = bench_with_pyca(&PROGRAMS)?;
        let added = workshop.certificate("Added");
        workshop.certificate("Other");
        let words = ["pkey", "-in", "Anchor.key", "-pubout", "-outform", "DER"];
        let public = workshop.run("openssl", &words);
        Some(Self {
            workshop,
            added,
            public,
        })
    }

    /// Makes edits of every kind in a file with a key and its certificate, and has the results
    /// judged.
    fn judge(&self, file: &[u8]) {
        let before = opened(file.to_vec());
        assert_eq!(before.keys(), 1);
        let key = before.key_records().next().unwrap();
        assert_eq!(key.public, Some(&self.public[..]));
        let added = vec![
            Entry {
                label: "Added",
                der: &self.added,
            },
            Entry {
                label: "Added too",
                der: &self.added,
            },
        ];
        let mut edits = Edits {
            changes: BTreeMap::new(),
            added,
        };
        let after = self.rewritten(file, &edits);
        self.read_by_all(&after, before.len() + 2);
        // All of these are in one part by now, with certificates of whoever made it or not.
        let place = opened(after.clone()).len() - 1;
        edits.added.clear();
        edits.changes.insert(place, Edit::Remove);
        edits.changes.insert(place - 1, Edit::Label("Added"));
        for (index, other) in before.certificates().enumerate() {
            if !other.of_key {
                edits.changes.insert(index, Edit::Label("Renamed"));
            }
        }
        let after = self.rewritten(&after, &edits);
        self.read_by_all(&after, before.len() + 1);
        let labels = opened(after.clone());
        let labels = labels.certificates().filter(|c| c.label == "Renamed");
        assert_eq!(labels.count(), before.len() - 1);
        edits.changes.remove(&place);
        for edit in edits.changes.values_mut() {
            *edit = Edit::Remove;
        }
        let after = self.rewritten(&after, &edits);
        self.key_is_read_by_openssl(&after, 1);
    }

    fn rewritten(&self, file: &[u8], edits: &Edits<'_>) -> Vec<u8> {
        let mut password = Password::new(PASSWORD);
        let after = rewrite(file.to_vec(), edits, &mut password, &RANDOM).unwrap();
        self.workshop.write("after.p12", &after);
        after
    }

    /// One certificate is that of the key, and `Added` is another.
    fn read_by_all(&self, file: &[u8], certificates: usize) {
        self.key_is_read_by_openssl(file, certificates);
        let workshop = &self.workshop;

        let listed = keytool(workshop, "after.p12", &["-list"]);
        assert!(listed.contains("PrivateKeyEntry"), "{listed}");
        assert!(listed.contains("added, "), "{listed}");
        assert!(listed.contains("trustedCertEntry"), "{listed}");
        // Only whoever can decrypt the key can sign with it.
        let request = keytool(workshop, "after.p12", &["-certreq", "-alias", "own"]);
        workshop.write("own.csr", request.as_bytes());
        let words = ["req", "-in", "own.csr", "-verify", "-noout", "-pubkey"];
        let public = workshop.run("openssl", &words);
        workshop.write("public.pem", &public);
        let words = ["pkey", "-pubin", "-in", "public.pem", "-outform", "DER"];
        assert_eq!(workshop.run("openssl", &words), self.public);

        let words = ["--p12-info", "--inder", "--infile", "after.p12"];
        let listed = workshop.run(
            "certtool",
            &[&words[..], &["--password", PASSWORD]].concat(),
        );
        assert_eq!(certificates_in_public(&listed).len(), certificates);
        let listed = String::from_utf8_lossy(&listed);
        assert!(listed.contains("PRIVATE KEY-----"), "{listed}");

        let _ = std::fs::remove_dir_all(workshop.path("db"));
        std::fs::create_dir(workshop.path("db")).unwrap();
        workshop.run("certutil", &["-N", "-d", "sql:db", "--empty-password"]);
        let words = ["-i", "after.p12", "-d", "sql:db", "-W", PASSWORD];
        workshop.run("pk12util", &words);
        let listed = workshop.run("certutil", &["-K", "-d", "sql:db"]);
        assert!(String::from_utf8_lossy(&listed).contains("< 0>"));
        let listed = workshop.run("certutil", &["-L", "-d", "sql:db"]);
        assert!(String::from_utf8_lossy(&listed).contains("Added"));

        let listed = workshop.run("python3", &["-c", LIST]);
        let public = data_encoding::HEXLOWER.encode(&self.public);
        let expected = format!("{}\n{public}\n", certificates - 1);
        assert_eq!(String::from_utf8_lossy(&listed), expected);
    }

    fn key_is_read_by_openssl(&self, file: &[u8], certificates: usize) {
        assert_eq!(opened(file.to_vec()).len(), certificates);
        let words = ["pkcs12", "-in", "after.p12", "-passin", "pass:changeit"];
        let more = ["-nodes", "-legacy"];
        let listed = self.workshop.run("openssl", &[&words[..], &more].concat());
        assert_eq!(certificates_in_public(&listed).len(), certificates);
        self.workshop.write("listed.pem", &listed);
        let words = ["pkey", "-in", "listed.pem", "-pubout", "-outform", "DER"];
        assert_eq!(self.workshop.run("openssl", &words), self.public);
    }
}

/// The certificates in what a program prints beside a key.
fn certificates_in_public(printed: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(printed);
    let blocks: Vec<_> = text
        .split_inclusive("-----END CERTIFICATE-----")
        .filter_map(|block| Some(&block[block.find("-----BEGIN CERTIFICATE-----")?..]))
        .collect();
    certificates_in(blocks.join("\n").as_bytes())
}

#[test]
fn files_of_openssl_are_read_by_all_after_a_rewrite() {
    let Some(judges) = Judges::new() else { return };
    let own = ["-inkey", "Anchor.key", "-name", "Own"];
    let other = ["-certfile", "Other.pem", "-caname", "Other"];
    for more in [&[][..], &["-legacy"], &["-certpbe", "NONE"]] {
        let file = export(&judges.workshop, &[&own[..], &other, more].concat());
        judges.judge(&file);
    }
}

#[test]
fn files_of_keytool_are_read_by_all_after_a_rewrite() {
    let Some(judges) = Judges::new() else { return };
    // The key is one that is known here; keytool makes a keystore of its own of it.
    export(&judges.workshop, &["-inkey", "Anchor.key", "-name", "own"]);
    let from = ["-importkeystore", "-noprompt", "-srckeystore", "x.p12"];
    let words = ["-srcstorepass", PASSWORD, "-destkeystore", "k.p12"];
    let more = ["-deststorepass", PASSWORD, "-deststoretype", "PKCS12"];
    let words = [&from[..], &words, &more].concat();
    judges.workshop.run("keytool", &words);
    let words = [
        "-importcert",
        "-noprompt",
        "-alias",
        "other",
        "-file",
        "Other.pem",
    ];
    keytool(&judges.workshop, "k.p12", &words);
    judges.judge(&judges.workshop.read("k.p12"));
}

#[test]
fn files_of_nss_are_read_by_all_after_a_rewrite() {
    let Some(judges) = Judges::new() else { return };
    let workshop = &judges.workshop;
    export(workshop, &["-inkey", "Anchor.key", "-name", "Own"]);
    std::fs::create_dir(workshop.path("nss")).unwrap();
    workshop.run("certutil", &["-N", "-d", "sql:nss", "--empty-password"]);
    let words = ["-i", "x.p12", "-d", "sql:nss", "-W", PASSWORD];
    workshop.run("pk12util", &words);
    let words = [
        "-o", "nss.p12", "-n", "Own", "-d", "sql:nss", "-W", PASSWORD,
    ];
    workshop.run("pk12util", &words);
    judges.judge(&workshop.read("nss.p12"));
}

#[test]
fn files_of_certtool_are_read_by_all_after_a_rewrite() {
    let Some(judges) = Judges::new() else { return };
    let words = [
        "--to-p12",
        "--outder",
        "--p12-name",
        "Own",
        "--password",
        PASSWORD,
    ];
    let files = [
        "--load-certificate",
        "Anchor.pem",
        "--load-privkey",
        "Anchor.key",
    ];
    let file = judges
        .workshop
        .run("certtool", &[&words[..], &files].concat());
    judges.judge(&file);
}
