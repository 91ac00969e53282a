//! Files of two certificates in every form, each made by the program that people make it with.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{Authority, Home, Identity, Layout, Leaf, Openssl, Program, sha256};

/// The password of every file.
pub(crate) const PASSWORD: &str = "Example-Pass-1";

/// A directory with two certificates of a CA, and a server's with its key.
pub(crate) struct Workshop {
    /// The directory.
    pub(crate) home: Home,
    openssl: Openssl,
    root: Identity,
    issuing: Identity,
}

/// How a file is made; none where a program is missing.
type Make = fn(&Workshop, &str) -> Option<()>;

/// A form of a file, and whether it keeps labels.
pub(crate) struct Origin {
    /// What it is called in a test that fails.
    pub(crate) what: &'static str,
    /// The labels that it gives to the root and to the CA below it.
    pub(crate) labels: Option<[&'static str; 2]>,
    /// Whether it has a password.
    pub(crate) locked: bool,
    make: Make,
}

impl Origin {
    /// Makes the file; false where a program is missing.
    pub(crate) fn make(&self, workshop: &Workshop, name: &str) -> bool {
        (self.make)(workshop, name).is_some()
    }
}

/// Every form.
pub(crate) const ORIGINS: &[Origin] = &[
    open("PEM", |w, out| w.put(out, w.pem())),
    open("PEM with CRLF", |w, out| {
        w.put(out, w.pem().replace('\n', "\r\n"))
    }),
    open("DER, one after the other", |w, out| {
        w.put(out, [w.root.der(), w.issuing.der()].concat())
    }),
    open("PKCS#7 in armour", |w, out| w.crl2pkcs7(out, "PEM")),
    open("PKCS#7 in DER", |w, out| w.crl2pkcs7(out, "DER")),
    open("PKCS#7 in BER", |w, out| {
        w.crl2pkcs7(out, "DER")?;
        let der = fs::read(w.home.path(out)).expect("made");
        w.put(out, indefinite(&der, 4))
    }),
    locked("openssl pkcs12 -nokeys", None, |w, out| {
        w.pkcs12(out, &["-nokeys"])
    }),
    locked("the same with names", Some(LABELS), |w, out| {
        let names = ["-nokeys", "-caname", LABELS[0], "-caname", LABELS[1]];
        w.pkcs12(out, &names)
    }),
    locked("openssl pkcs12 -nokeys -legacy", None, |w, out| {
        w.pkcs12(out, &["-nokeys", "-legacy"])
    }),
    locked("openssl pkcs12 -nokeys with MAC SHA-1", None, |w, out| {
        w.pkcs12(out, &["-nokeys", "-macalg", "sha1"])
    }),
    locked("openssl pkcs12 with a key", None, |w, out| {
        w.with_key(out, &[])
    }),
    locked("openssl pkcs12 -legacy with a key", None, |w, out| {
        w.with_key(out, &["-legacy"])
    }),
    locked("keytool, PKCS#12", Some(LABELS), |w, out| {
        w.keytool(out, "PKCS12")
    }),
    locked("keytool, PKCS#12 with a key", Some(LABELS), |w, out| {
        w.with_key("keyed.p12", &["-name", "own"])?;
        w.keytool(out, "PKCS12")?;
        w.add_key(out, "PKCS12")
    }),
    locked("keytool, JKS", Some(LABELS), |w, out| w.keytool(out, "JKS")),
    locked("keytool, JKS with a key", Some(LABELS), |w, out| {
        w.with_key("keyed.p12", &["-name", "own"])?;
        w.keytool(out, "JKS")?;
        w.add_key(out, "JKS")
    }),
    locked("NSS pk12util", None, Workshop::pk12util),
    locked("pyca, a trust store of Java", Some(LABELS), |w, out| {
        w.pyca(out, "pkcs12.serialize_java_truststore(named, best)")
    }),
    locked("pyca, without a key", None, |w, out| {
        w.pyca(
            out,
            "pkcs12.serialize_key_and_certificates(None, None, None, certificates, best)",
        )
    }),
    locked("GSKit's layout, version 4", Some(LABELS), |w, out| {
        w.key_database(out, 4)
    }),
    locked("GSKit's layout, version 6", Some(LABELS), |w, out| {
        w.key_database(out, 6)
    }),
    locked("GSKit's layout, version 3", Some(LABELS), |w, out| {
        w.key_database(out, 3)
    }),
];

/// A form without a password.
const fn open(what: &'static str, make: Make) -> Origin {
    Origin {
        what,
        labels: None,
        locked: false,
        make,
    }
}

/// A form with one.
const fn locked(what: &'static str, labels: Option<[&'static str; 2]>, make: Make) -> Origin {
    Origin {
        what,
        labels,
        locked: true,
        make,
    }
}

impl Workshop {
    /// The workshop; none where there is no openssl.
    pub(crate) fn set() -> Option<Self> {
        let home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        let authority = Authority::root(&openssl, "root");
        let below = authority.intermediate("issuing");
        below.sign(&Leaf::GOOD);
        let workshop = Self {
            root: authority.identity().clone(),
            issuing: below.identity().clone(),
            home,
            openssl,
        };
        workshop.put("chain.pem", workshop.pem());
        workshop.put("root.der", workshop.root.der());
        workshop.put("issuing.der", workshop.issuing.der());
        workshop.secret("password", PASSWORD);
        Some(workshop)
    }

    /// The two certificates, the root first, by their fingerprints.
    pub(crate) fn fingerprints(&self) -> [String; 2] {
        [&self.root, &self.issuing].map(|one| sha256(&one.der()))
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.home.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        path
    }

    fn pem(&self) -> String {
        self.root.pem() + &self.issuing.pem()
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "as those whose program may be missing"
    )]
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> Option<()> {
        self.home.write(name, content);
        Some(())
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "as those whose program may be missing"
    )]
    fn crl2pkcs7(&self, out: &str, form: &str) -> Option<()> {
        let words = ["crl2pkcs7", "-nocrl", "-certfile", "chain.pem"];
        let form = ["-outform", form, "-out", out];
        self.openssl.run(&[&words[..], &form].concat());
        Some(())
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "as those whose program may be missing"
    )]
    fn pkcs12(&self, out: &str, more: &[&str]) -> Option<()> {
        let words = ["pkcs12", "-export", "-in", "chain.pem", "-out", out];
        let password = ["-passout", "pass:Example-Pass-1"];
        self.openssl.run(&[&words[..], &password, more].concat());
        Some(())
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "as those whose program may be missing"
    )]
    fn with_key(&self, out: &str, more: &[&str]) -> Option<()> {
        let words = ["pkcs12", "-export", "-in", "leaf.pem", "-inkey", "leaf.key"];
        let rest = ["-certfile", "chain.pem", "-out", out];
        let password = ["-passout", "pass:Example-Pass-1"];
        self.openssl
            .run(&[&words[..], &rest, &password, more].concat());
        Some(())
    }

    fn keytool(&self, out: &str, kind: &str) -> Option<()> {
        let keytool = Program::find("keytool", self.home.directory())?;
        for (file, label) in ["root.pem", "issuing.pem"].iter().zip(LABELS) {
            let words = ["-importcert", "-noprompt", "-file", file, "-alias", label];
            let store = ["-storetype", kind, "-keystore", out];
            let password = ["-storepass", PASSWORD];
            keytool.run(&[&words[..], &store, &password].concat());
        }
        Some(())
    }

    fn add_key(&self, out: &str, kind: &str) -> Option<()> {
        let keytool = Program::find("keytool", self.home.directory())?;
        keytool.run(&[
            "-importkeystore",
            "-noprompt",
            "-srckeystore",
            "keyed.p12",
            "-srcalias",
            "own",
            "-destkeystore",
            out,
            "-deststoretype",
            kind,
            "-srcstorepass",
            PASSWORD,
            "-deststorepass",
            PASSWORD,
        ]);
        Some(())
    }

    /// NSS exports what has a key, with all that signed it.
    fn pk12util(&self, out: &str) -> Option<()> {
        let certutil = Program::find("certutil", self.home.directory())?;
        let pk12util = Program::find("pk12util", self.home.directory())?;
        self.with_key("keyed.p12", &["-name", "own"])?;
        fs::create_dir(self.home.path("nss")).expect("made");
        certutil.run(&["-N", "-d", "sql:nss", "--empty-password"]);
        pk12util.run(&["-i", "keyed.p12", "-d", "sql:nss", "-W", PASSWORD]);
        pk12util.run(&["-o", out, "-n", "own", "-d", "sql:nss", "-W", PASSWORD]);
        let bytes = fs::read(self.home.path(out)).expect("made");
        assert!(bytes.starts_with(b"\x30\x80"), "NSS writes BER");
        Some(())
    }

    fn pyca(&self, out: &str, expression: &str) -> Option<()> {
        let python = Program::pyca(self.home.directory())?;
        let script = format!(
            "from cryptography import x509\n\
             from cryptography.hazmat.primitives import serialization\n\
             from cryptography.hazmat.primitives.serialization import pkcs12\n\
             certificates = x509.load_pem_x509_certificates(open('chain.pem', 'rb').read())\n\
             labels = [{:?}, {:?}]\n\
             named = [pkcs12.PKCS12Certificate(c, l.encode()) for c, l in \
             zip(certificates, labels)]\n\
             best = serialization.BestAvailableEncryption(b'{PASSWORD}')\n\
             open({out:?}, 'wb').write({expression})\n",
            LABELS[0], LABELS[1]
        );
        python.run(&["-c", &script]);
        Some(())
    }

    fn key_database(&self, out: &str, version: u8) -> Option<()> {
        let layout = Layout::find(self.home.directory())?;
        let mut description = json!({
            "version": version,
            "password": PASSWORD,
            "salt": "5a".repeat(23),
            "records": [
                {"certificate": "root.der", "label": LABELS[0]},
                {"certificate": "issuing.der", "label": LABELS[1]},
            ],
        });
        if version == 3 {
            description["integrity"] = "00".repeat(16).into();
        }
        layout.write(out, &description);
        Some(())
    }
}

/// The same in BER whose lengths are open, so many levels deep.
pub(crate) fn indefinite(der: &[u8], levels: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = der;
    while let [tag, first, ..] = *rest {
        let size = usize::from(first & 0x7f);
        let (header, length) = match first {
            0..0x80 => (2, usize::from(first)),
            _ => {
                let bytes = &rest[2..2 + size];
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (2 + size, length)
            }
        };
        let (whole, after) = rest.split_at(header + length);
        if tag & 0x20 != 0 && levels > 0 && length > 0 {
            out.extend([tag, 0x80]);
            out.extend(indefinite(&whole[header..], levels - 1));
            out.extend([0, 0]);
        } else {
            out.extend(whole);
        }
        rest = after;
    }
    out
}

/// Java lower-cases its labels.
const LABELS: [&str; 2] = ["corp root", "corp issuing 7"];
