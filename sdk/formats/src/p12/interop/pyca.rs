//! Files exchanged with the library cryptography of Python.

use super::*;

/// Makes files of `Anchor.pem`: with its key, and with several certificates, of each kind of
/// encryption that the library knows.
const MAKE: &str = r#"
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
cert = x509.load_pem_x509_certificate(open("Anchor.pem", "rb").read())
key = serialization.load_pem_private_key(open("Anchor.key", "rb").read(), None)
format = serialization.PrivateFormat.PKCS12
kinds = {"best": serialization.BestAvailableEncryption(b"changeit")}
for scheme in ["PBESv1SHA1And3KeyTripleDESCBC", "PBESv2SHA256AndAES256CBC"]:
    for hash in [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()]:
        builder = format.encryption_builder().kdf_rounds(50).hmac_hash(hash)
        builder = builder.key_cert_algorithm(getattr(pkcs12.PBES, scheme))
        kinds[scheme + hash.name] = builder.build(b"changeit")
for kind, encryption in kinds.items():
    cas = [pkcs12.PKCS12Certificate(cert, b"ca")]
    made = pkcs12.serialize_key_and_certificates(b"own", key, cert, cas, encryption)
    open(kind + ".p12", "wb").write(made)
    made = pkcs12.serialize_key_and_certificates(None, None, None, cas, encryption)
    open(kind + "-certificates.p12", "wb").write(made)
print(" ".join(kinds))
"#;

/// Prints the certificates of `ours.p12`, one a line: name and SHA-256.
const LIST: &str = r#"
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12
store = pkcs12.load_pkcs12(open("ours.p12", "rb").read(), b"changeit")
assert store.key is None and store.cert is None
for found in store.additional_certs:
    print(found.certificate.fingerprint(hashes.SHA256()).hex(), found.friendly_name.decode())
"#;

#[test]
fn what_pyca_writes_is_read() {
    let Some((workshop, der)) = bench_with_pyca(&[]) else {
        return;
    };
    let kinds = workshop.run("python3", &["-c", MAKE]);
    let kinds = String::from_utf8(kinds).unwrap();
    assert_eq!(kinds.split_whitespace().count(), 7);
    for kind in kinds.split_whitespace() {
        let archive = opened(workshop.read(&format!("{kind}.p12")));
        assert_eq!((archive.keys(), archive.len()), (1, 2), "{kind}");
        let found: Vec<_> = archive
            .certificates()
            .map(|c| (c.label, c.of_key))
            .collect();
        assert_eq!(found, [("own", true), ("ca", false)], "{kind}");
        let archive = opened(workshop.read(&format!("{kind}-certificates.p12")));
        assert_eq!((archive.keys(), archive.len()), (0, 1), "{kind}");
        let found = archive.get(0).unwrap();
        assert_eq!((found.label, found.der), ("ca", &der[..]), "{kind}");
    }
}

#[test]
fn pyca_reads_what_is_written() {
    use sha2::{Digest, Sha256};

    let Some((workshop, der)) = bench_with_pyca(&[]) else {
        return;
    };
    write_ours(&workshop, &["one", "zwölf"], &der);
    let listed = workshop.run("python3", &["-c", LIST]);
    let print = data_encoding::HEXLOWER.encode(&Sha256::digest(&der));
    let expected = format!("{print} one\n{print} zwölf\n");
    assert_eq!(String::from_utf8_lossy(&listed), expected);
    write_ours(&workshop, &[], &der);
    assert_eq!(workshop.run("python3", &["-c", LIST]), b"");
}
