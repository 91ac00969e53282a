//! The containers that certificates come in, and how they are called and emptied by others.

use std::fmt;

use anchorhold_formats::kdb::Content;

use crate::import::ImportError;

/// A file that keeps certificates among other things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// A key database of GSKit, and its lists of requests and revocations.
    Gskit,
    /// A keystore of Java in the form with the stronger encryption of keys.
    Jceks,
    /// A keystore of Java.
    Jks,
    /// PKCS#7, as in .p7b.
    Pkcs7,
    /// PKCS#12, as in .p12 and .pfx.
    Pkcs12,
}

impl Container {
    /// What people call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Gskit => "a GSKit key database (.kdb)",
            Self::Jceks => "a Java keystore of type JCEKS",
            Self::Jks => "a Java keystore (.jks)",
            Self::Pkcs7 => "a PKCS#7 file (.p7b)",
            Self::Pkcs12 => "a PKCS#12 file (.p12, .pfx)",
        }
    }

    /// A command of somebody else's that takes one certificate, or all of them, out of it.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Gskit => {
                "gsk8capicmd_64 -cert -extract -db FILE -stashed -label LABEL -target \
                 certificate.arm -format ascii"
            }
            Self::Jceks | Self::Jks => {
                "keytool -exportcert -rfc -keystore FILE -alias ALIAS -file certificate.pem"
            }
            Self::Pkcs7 => "openssl pkcs7 -inform DER -in FILE -print_certs -out certificates.pem",
            Self::Pkcs12 => "openssl pkcs12 -in FILE -nokeys -out certificates.pem",
        }
    }

    /// It is known, and not read.
    pub(super) fn unread(self) -> ImportError {
        ImportError::input(
            format!("the file is {}, which is not read", self.name()),
            format!(
                "take the certificates out of it and use those: {}; or all of them at once: \
                 keytool -importkeystore -srckeystore FILE -srcstoretype JCEKS -destkeystore \
                 new.p12 -deststoretype PKCS12",
                self.command()
            ),
        )
    }

    /// It is read, but not this one.
    pub(super) fn refusal(self, why: &dyn fmt::Display) -> ImportError {
        ImportError::input(
            format!("the file, {}, cannot be used: {why}", self.name()),
            format!(
                "bring the file over once more, whole; if it is as its program made it, take the \
                 certificates out of it with that program and use those: {}",
                self.command()
            ),
        )
    }

    /// No password was given for it.
    pub(super) const fn locked(self) -> ImportError {
        ImportError::Locked {
            container: self.name(),
            tried: false,
        }
    }

    /// The password that was given does not open it.
    pub(super) const fn not_opened(self) -> ImportError {
        ImportError::Locked {
            container: self.name(),
            tried: true,
        }
    }
}

/// What looks like a key database of GSKit and lists something else.
pub(super) fn no_key_database(content: Content) -> ImportError {
    let what = match content {
        Content::Requests => "requests for certificates (.rdb)",
        Content::Revocations => "revocation lists (.crl)",
        _ => "something else than certificates",
    };
    ImportError::input(
        format!("the file is a GSKit database of {what}, and holds no certificate"),
        "give the key database itself, the .kdb beside it",
    )
}
