//! The files that fuzzing begins with, made by the programs whose formats they are.

use std::fs;
use std::path::Path;
use std::process::Command;

use anchorhold_formats::der::{NULL, OCTET_STRING, OID, Reader, SEQUENCE, wrap};
use anchorhold_formats::{fuzzing, sth};
use data_encoding::HEXLOWER;
use tempfile::TempDir;

/// Makes all files of one target, in a folder where they replace those of the last time.
pub(crate) fn make(target: &str, folder: &Path) {
    let maker = Maker::new(folder);
    match target {
        "ber" => maker.ber(),
        "der" => maker.der(),
        "jks" => maker.jks(),
        "kdb" => maker.kdb(),
        "p12" => maker.p12(),
        "p7b" => maker.p7b(),
        "pem" => maker.pem(),
        "sth" => maker.sth(),
        other => panic!("no fuzz target {other}"),
    }
}

/// Programs at work in a directory.
struct Maker<'a> {
    folder: &'a Path,
    work: TempDir,
}

impl<'a> Maker<'a> {
    fn new(folder: &'a Path) -> Self {
        fs::create_dir_all(folder).expect("made");
        let work = TempDir::new().expect("a directory");
        let maker = Self { folder, work };
        maker.write("letter", b"a letter\n");
        for name in ["a", "b"] {
            maker.shell(&format!(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
                 -subj /CN={name} -keyout {name}.key -out {name}.pem && \
                 openssl x509 -in {name}.pem -outform DER -out {name}.der"
            ));
        }
        maker
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.work.path().join(name), bytes).expect("written");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.work.path().join(name)).expect("readable")
    }

    /// Runs a line of shell, and takes what it prints.
    fn shell(&self, line: &str) -> Vec<u8> {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(&self.work);
        let output = shell.output().expect("a shell");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{complaint}");
        output.stdout
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() <= 4096, "{name} is longer than what is fuzzed");
        fs::write(self.folder.join(format!("seed-{name}")), bytes).expect("written");
    }

    fn keep_all<'n>(&self, lines: impl IntoIterator<Item = (&'n str, &'n str)>) {
        for (name, line) in lines {
            self.keep(name, &self.shell(line));
        }
    }

    fn ber(&self) {
        self.keep_all([
            ("signed", SIGNED_BER),
            ("encrypted", ENCRYPTED_BER),
            ("nss", NSS),
            ("certificate", "cat a.der"),
        ]);
        let pieces = [0x24, 0x80, 4, 1, 7, 0x24, 3, 4, 1, 8, 0, 0];
        self.keep("octets", &pieces);
        self.keep("bits", &[0x23, 0x80, 3, 2, 0, 7, 3, 2, 3, 8, 0, 0]);
        self.keep("lengths", &[0x30, 0x84, 0, 0, 0, 5, 4, 0x83, 0, 0, 0]);
    }

    fn der(&self) {
        self.keep_all([
            ("certificate", "cat a.der"),
            ("key", "openssl pkey -in a.key -outform DER"),
            (
                "request",
                "openssl req -new -key a.key -subj /CN=a -outform DER",
            ),
            ("signed", SIGNED),
            (
                "pkcs12",
                "openssl pkcs12 -export -nokeys -in a.pem -passout pass:changeit",
            ),
        ]);
    }

    fn p7b(&self) {
        self.keep_all([
            (
                "collected",
                "openssl crl2pkcs7 -nocrl -certfile a.pem -certfile b.pem -outform DER",
            ),
            ("signed", SIGNED),
            ("signed-ber", SIGNED_BER),
            ("nss", NSS),
            ("encrypted", ENCRYPTED_BER),
        ]);
    }

    fn pem(&self) {
        self.keep_all([
            ("certificate", "cat a.pem"),
            ("two", "cat a.pem b.pem"),
            ("text", "openssl x509 -in a.pem -text"),
            (
                "trusted",
                "openssl x509 -in a.pem -trustout -addtrust serverAuth",
            ),
            ("collected", "openssl crl2pkcs7 -nocrl -certfile a.pem"),
            (
                "key",
                "cat a.pem; printf -- '-----BEGIN PRIVATE KEY-----\\nMAA=\\n-----END PRIVATE KEY-----\\n'",
            ),
            (
                "windows",
                "printf '\\357\\273\\277'; sed 's/$/\\r/;s/^/  /' a.pem",
            ),
        ]);
    }

    fn p12(&self) {
        let export = "openssl pkcs12 -export -passout pass:changeit -iter 1 -in a.pem";
        for (name, more) in [
            ("usual", "-inkey a.key -name a"),
            ("only", "-nokeys -caname a"),
            ("legacy", "-legacy -inkey a.key -name a"),
            ("legacy-only", "-legacy -nokeys -macalg sha1"),
            ("des", "-nokeys -certpbe PBE-SHA1-3DES"),
            ("aes128", "-nokeys -certpbe AES-128-CBC -macalg sha384"),
            (
                "clear",
                "-inkey a.key -keypbe NONE -certpbe NONE -macalg sha512",
            ),
            ("without-mac", "-nokeys -nomac"),
        ] {
            self.keep(name, &self.shell(&format!("{export} {more}")));
        }
        // What NSS and GnuTLS write asks for more rounds than a fuzzer has time for; only the BER of
        // NSS is like this.
        let usual = self.shell(&format!("{export} -inkey a.key -name a"));
        self.keep("ber", &indefinite(&usual));
        self.shell(
            "keytool -J-Dkeystore.pkcs12.certPbeIterationCount=1 \
             -J-Dkeystore.pkcs12.macIterationCount=1 -importcert -noprompt -alias a -file a.pem \
             -keystore a.p12 -storetype PKCS12 -storepass changeit",
        );
        self.keep("java", &self.read("a.p12"));
        // What a fuzzer can change without the authenticator: the parts, and the bags of one.
        let clear = self.shell(&format!(
            "{export} -nokeys -caname a -keypbe NONE -certpbe NONE"
        ));
        let parts = data(&inside(&clear, &[1]));
        self.keep("parts", &parts);
        self.keep("bags", &data(&inside(&parts, &[0])));
        let sealed = self.shell(&format!("{export} -nokeys"));
        self.keep("sealed-parts", &data(&inside(&sealed, &[1])));
        let key = self.shell(&format!("{export} -inkey a.key -keypbe NONE -certpbe NONE"));
        let parts = data(&inside(&key, &[1]));
        self.keep("key-parts", &parts);
        self.keep("key-bags", &data(&inside(&parts, &[1])));
    }

    fn jks(&self) {
        let store = "-keystore a.jks -storetype JKS -storepass changeit";
        self.shell(&format!(
            "keytool -importcert -noprompt -alias a -file a.pem {store}"
        ));
        self.keep("trusted", &self.read("a.jks"));
        let body = |bytes: &[u8]| bytes.get(8..bytes.len() - 20).expect("longer").to_vec();
        self.keep("trusted-entries", &body(&self.read("a.jks")));
        self.shell(&format!(
            "keytool -genkeypair -keyalg EC -alias own -dname CN=own -keypass changeit {store}"
        ));
        self.keep("key", &self.read("a.jks"));
        self.keep("key-entries", &body(&self.read("a.jks")));
        let second = [
            0, 0, 0, 1, 0, 0, 0, 2, 0, 2, 0xc3, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
        ];
        self.keep(
            "alias",
            &[&second[..], b"X.509", &[0, 0, 0, 2, 0x30, 0]].concat(),
        );
        self.shell("keytool -importcert -noprompt -alias a -file a.pem -keystore c -storetype JCEKS -storepass changeit");
        self.keep("jceks", &self.read("c"));
    }

    fn sth(&self) {
        let filler = &[0x55; sth::MAX_PASSWORD];
        let password = fuzzing::PASSWORD.as_bytes();
        let v1 = sth::write_v1(password, filler).expect("a stash");
        self.keep("v1", &v1);
        let v2 = sth::write_v2(password, &[7; 32], filler).expect("a stash");
        self.keep("v2", &v2);
        let longest = [b'x'; sth::MAX_PASSWORD];
        let v2 = sth::write_v2(&longest, &[9; 32], filler).expect("a stash");
        self.keep("longest", &v2);
        self.keep("empty", &[0xf5; 129]);
        self.keep("short", v1.get(..128).expect("longer"));
    }

    fn kdb(&self) {
        let certificate =
            |name| format!("{{\"label\": \"{name}\", \"certificate\": \"{name}.der\"}}");
        let (a, b, key, request) = (
            certificate("a"),
            certificate("b"),
            self.key(),
            self.request(),
        );
        for (name, version, records) in [
            ("v3", 3, &[&a][..]),
            ("v4", 4, &[&a]),
            ("v6", 6, &[&a, &b]),
            ("empty", 6, &[]),
            ("key", 4, &[&key]),
            ("request", 4, &[&request]),
            ("mixed", 6, &[&a, &key, &b]),
        ] {
            let records: Vec<&str> = records.iter().map(|record| record.as_str()).collect();
            let description = [
                format!("{{\"version\": {version}, \"slot_size\": 700"),
                format!("\"password\": \"{}\"", fuzzing::PASSWORD),
                format!("\"salt\": \"{}\"", "07".repeat(23)),
                // That of version 3 is not known, and not looked at.
                format!(
                    "\"{}\": \"{}\"",
                    if version == 3 { "integrity" } else { "x" },
                    "00".repeat(16)
                ),
                format!("\"records\": [{}]}}", records.join(", ")),
            ];
            self.write("description", description.join(", ").as_bytes());
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats/kdb.py");
            self.shell(&format!(
                "python3 {} write description out",
                program.display()
            ));
            self.keep(name, &self.read("out"));
        }
    }

    /// The record of a private key: its certificate, and something that passes for the key.
    fn key(&self) -> String {
        record("key", &[&self.read("a.der"), &sealed_key()])
    }

    /// The record of a request: that, and something that passes for the key.
    fn request(&self) -> String {
        let request = self.shell("openssl req -new -key a.key -subj /CN=a -outform DER");
        record("request", &[&request, &sealed_key()])
    }
}

/// The description of a record that is no certificate.
fn record(kind: &str, held: &[&[u8]]) -> String {
    let held: Vec<_> = held
        .iter()
        .map(|part| format!("\"{}\"", HEXLOWER.encode(part)))
        .collect();
    let held = held.join(", ");
    format!("{{\"record\": {{\"kind\": \"{kind}\", \"label\": \"own\", \"held\": [{held}]}}}}")
}

/// Something that passes for an encrypted private key.
fn sealed_key() -> Vec<u8> {
    let algorithm = wrap(SEQUENCE, &[&wrap(OID, &[&[42, 3]]), &wrap(NULL, &[])]);
    wrap(SEQUENCE, &[&algorithm, &wrap(OCTET_STRING, &[&[9; 32]])])
}

/// The element at a place in nested ones, counted from 0.
fn inside(der: &[u8], places: &[usize]) -> Vec<u8> {
    let mut found = der.to_vec();
    for place in places {
        let mut reader = Reader::new(&found).any().expect("an element").reader();
        for _ in 0..*place {
            reader.any().expect("an element");
        }
        found = reader.any().expect("an element").whole.to_vec();
    }
    found
}

/// The same bytes with an end mark for every length of what is constructed.
fn indefinite(der: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(der);
    let mut out = Vec::new();
    while let Ok(element) = reader.any() {
        if element.tag & 0x20 == 0 {
            out.extend_from_slice(element.whole);
        } else {
            out.extend_from_slice(&[element.tag, 0x80]);
            out.extend(indefinite(element.contents));
            out.extend_from_slice(&[0, 0]);
        }
    }
    out
}

/// The octets of content of PKCS#7.
fn data(content: &[u8]) -> Vec<u8> {
    let explicit = inside(content, &[1, 0]);
    let octets = Reader::new(&explicit).expect(OCTET_STRING);
    octets.expect("octets").contents.to_vec()
}

const SIGNED: &str = "openssl cms -sign -nodetach -binary -outform DER -in letter -signer a.pem \
                      -inkey a.key -certfile b.pem";
const SIGNED_BER: &str = "openssl cms -sign -nodetach -binary -stream -outform DER -in letter \
                          -signer a.pem -inkey a.key";
const ENCRYPTED_BER: &str = "openssl cms -EncryptedData_encrypt -aes128 -secretkey \
                             00112233445566778899aabbccddeeff -stream -outform DER -in letter";
const NSS: &str = "certutil -N -d sql:. --empty-password && \
                   certutil -A -d sql:. -n a -t ,, -a -i a.pem && cmsutil -O -d sql:. -r a";
