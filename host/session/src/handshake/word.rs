//! What the TLS library says of a peer, in words for people.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};
use std::fmt;

/// The alert that a peer sent, as the standard calls it.
pub(super) fn alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => {
            format!("the server answered with the unknown alert {number}")
        }
        known => format!("the server answered with the alert {}", parted(&known, "_")),
    }
}

/// Why there is no common ground.
pub(super) fn incompatible(why: &PeerIncompatible) -> String {
    let text = match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "the server speaks neither TLS 1.2 nor TLS 1.3"
        }
        PeerIncompatible::NoCipherSuitesInCommon => "the server has no cipher suite in common",
        PeerIncompatible::NoKxGroupsInCommon => {
            "the server has no group for the key exchange in common"
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "the server has no signature scheme in common"
        }
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => {
            "the server lacks the extended master secret, which TLS 1.2 needs to be safe"
        }
        other => return format!("the server lacks what is needed: {}", parted(other, " ")),
    };
    text.to_owned()
}

/// Why a handshake broke off.
pub(super) fn broken(fault: &Error) -> String {
    let text = match fault {
        Error::AlertReceived(received) => return alert(*received),
        Error::PeerMisbehaved(how) => {
            return format!("the server broke the rules of TLS: {}", parted(how, " "));
        }
        Error::InvalidMessage(how) => {
            let how = parted(how, " ");
            return format!("the server sent a message that cannot be read: {how}");
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent a message that has no place there"
        }
        Error::DecryptError => "what the server sent was altered on its way",
        Error::PeerSentOversizedRecord => "the server sent a record that is too long",
        Error::NoCertificatesPresented => "the server presented no certificate",
        Error::FailedToGetCurrentTime => "the clock here tells no time that can be true",
        Error::FailedToGetRandomBytes => "this machine gives no random bytes",
        other => return other.to_string(),
    };
    text.to_owned()
}

/// What is wrong with a certificate.
pub(super) fn certificate(why: &CertificateError) -> String {
    let text = match why {
        CertificateError::BadEncoding => "it cannot be read",
        CertificateError::UnhandledCriticalExtension => {
            "it has a critical extension that is not known here"
        }
        CertificateError::Other(other) => {
            let why = parted(&format_args!("{}", other.0), " ");
            return format!("it is not acceptable: {why}");
        }
        _ => "it cannot be read, or asks for what is not known here",
    };
    text.to_owned()
}

/// Why a peer is left that refuses an offer where there was none.
pub(super) fn no_protocol() -> String {
    alert(AlertDescription::NoApplicationProtocol)
}

/// The words of a variant's name, in small letters, without what it carries.
fn parted(variant: &dyn fmt::Debug, between: &str) -> String {
    let shown = format!("{variant:?}");
    let name = shown.split(|c: char| !c.is_ascii_alphanumeric()).next();
    let mut words = String::new();
    let mut before = None;
    let mut letters = name.unwrap_or_default().chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before: char| {
                // Of capitals in a row, the last begins a word where a small letter follows.
                let within = before.is_ascii_uppercase();
                !within || letters.peek().is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            words.push_str(between);
        }
        words.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, PeerMisbehaved};

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        let check = |description, expected: &str| assert_eq!(alert(description), expected);
        check(
            AlertDescription::HandshakeFailure,
            "the server answered with the alert handshake_failure",
        );
        check(
            AlertDescription::ProtocolVersion,
            "the server answered with the alert protocol_version",
        );
        check(
            AlertDescription::UnknownCA,
            "the server answered with the alert unknown_ca",
        );
        check(
            AlertDescription::UnknownPSKIdentity,
            "the server answered with the alert unknown_psk_identity",
        );
        check(
            AlertDescription::from(0xEE),
            "the server answered with the unknown alert 238",
        );
    }

    #[test]
    fn nothing_is_shown_as_programs_write_it() {
        let texts = [
            incompatible(&PeerIncompatible::ServerDoesNotSupportTls12Or13),
            incompatible(&PeerIncompatible::NoCipherSuitesInCommon),
            incompatible(&PeerIncompatible::NullCompressionRequired),
            incompatible(&PeerIncompatible::ServerRejectedEncryptedClientHello(None)),
            broken(&PeerMisbehaved::SelectedUnofferedKxGroup.into()),
            broken(&InvalidMessage::MissingData("Random").into()),
            broken(&InvalidMessage::UnsupportedCurveType.into()),
            broken(&Error::AlertReceived(AlertDescription::DecryptError)),
            broken(&Error::DecryptError),
            certificate(&CertificateError::UnhandledCriticalExtension),
            certificate(&CertificateError::BadEncoding),
        ];
        for text in texts {
            let words = text.replace("TLS", "");
            let shows = |sign: char| sign.is_ascii_uppercase() || "\"{}()[]".contains(sign);
            assert!(!words.contains(shows), "{text}");
        }
    }

    #[test]
    fn a_fault_of_the_peer_keeps_what_the_library_knows_of_it() {
        assert_eq!(
            broken(&PeerMisbehaved::SelectedUnofferedCipherSuite.into()),
            "the server broke the rules of TLS: selected unoffered cipher suite"
        );
        assert_eq!(
            broken(&InvalidMessage::MissingData("Random").into()),
            "the server sent a message that cannot be read: missing data"
        );
    }
}
