//! Files that hold certificates in a form that is not read here, and what takes them out.

use crate::import::ImportError;

/// A form that certificates come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// A key database of GSKit, and its lists of requests and revocations.
    Gskit,
    /// A keystore of Java, in either of its own two forms.
    Java,
    /// PKCS#12, as in .p12 and .pfx.
    Pkcs12,
    /// PKCS#7 without armour, as in .p7b.
    Pkcs7,
    /// PKCS#7 in armour.
    Pkcs7Armoured,
}

impl Container {
    /// Recognises a form by how a file starts, where it is neither armour nor DER.
    pub(super) fn by_magic(bytes: &[u8]) -> Option<Self> {
        // After its own two bytes, its version and a zero it says which kind of list it is.
        if bytes.starts_with(b"\x37\x48") && bytes.get(8..12) == Some(b"X509") {
            return Some(Self::Gskit);
        }
        MAGIC
            .iter()
            .find(|(magic, _)| bytes.starts_with(magic))
            .map(|(_, container)| *container)
    }

    /// Recognises a form by what the blocks of a file are called.
    pub(super) fn by_labels(labels: &[String]) -> Option<Self> {
        labels
            .iter()
            .any(|label| matches!(label.as_str(), "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS"))
            .then_some(Self::Pkcs7Armoured)
    }

    /// Says what the file is, and how to get at what it holds.
    pub(super) fn refusal(self) -> ImportError {
        let (name, command) = match self {
            Self::Gskit => (
                "a GSKit key database (.kdb)",
                "gsk8capicmd_64 -cert -extract -db FILE -stashed -label LABEL -target \
                 certificate.arm -format ascii",
            ),
            Self::Java => (
                "a Java keystore (.jks)",
                "keytool -exportcert -rfc -keystore FILE -alias ALIAS -file certificate.pem",
            ),
            Self::Pkcs12 => (
                "a PKCS#12 file (.p12, .pfx)",
                "openssl pkcs12 -in FILE -nokeys -out certificates.pem",
            ),
            Self::Pkcs7 => (
                "a PKCS#7 file (.p7b)",
                "openssl pkcs7 -inform DER -in FILE -print_certs -out certificates.pem",
            ),
            Self::Pkcs7Armoured => (
                "a PKCS#7 file (.p7b)",
                "openssl pkcs7 -in FILE -print_certs -out certificates.pem",
            ),
        };
        ImportError::input(
            format!("the file is {name}, which this release does not read"),
            format!("take the certificates out of it and use those: {command}"),
        )
    }
}

const MAGIC: &[(&[u8], Container)] = &[
    (&[0xfe, 0xed, 0xfe, 0xed], Container::Java),
    (&[0xce, 0xce, 0xce, 0xce], Container::Java),
    // In BER, whose length is open.
    (b"\x30\x80\x02\x01\x03", Container::Pkcs12),
    (
        b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
        Container::Pkcs7,
    ),
];
