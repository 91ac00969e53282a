//! What a file holds: certificates in armour or bare, and what it holds instead.

mod container;

use anchorhold_formats::der::{INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};
use anchorhold_formats::pem::{self, PemError};

use crate::certificate::Facts;
use crate::import::{Certificate, ImportError};
use crate::outline::Outline;

use container::Container;

/// Every certificate of a file, each once, in order; none at all is an error, and so is a private
/// key.
pub fn detect(bytes: &[u8]) -> Result<Vec<Certificate>, ImportError> {
    if let Some(container) = Container::by_magic(bytes) {
        return Err(container.refusal());
    }
    let ders = match bytes.first() {
        None => return Err(ImportError::input("the file is empty", OTHER_FILE)),
        Some(&SEQUENCE) => bare(bytes)?,
        Some(_) => armoured(bytes)?,
    };
    let mut certificates: Vec<Certificate> = Vec::new();
    for der in ders {
        let facts = Facts::read(&der).map_err(|error| {
            ImportError::input(format!("the file holds what is {error}"), OTHER_FILE)
        })?;
        if !certificates
            .iter()
            .any(|known| known.facts.fingerprint == facts.fingerprint)
        {
            certificates.push(Certificate { der, facts });
        }
    }
    Ok(certificates)
}

fn armoured(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ImportError> {
    pem::certificates(bytes).map_err(|error| {
        let container = match &error {
            PemError::NoCertificate { others } => Container::by_labels(others),
            _ => None,
        };
        if let Some(container) = container {
            return container.refusal();
        }
        let remedy = match error {
            PemError::PrivateKey { .. } => KEY_ADVICE,
            _ => OTHER_FILE,
        };
        ImportError::input(format!("the file cannot be used: {error}"), remedy)
    })
}

/// One certificate after the other, without armour.
fn bare(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ImportError> {
    let mut found = Vec::new();
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let Ok(element) = reader.expect(SEQUENCE) else {
            // White space at the end is what some tools leave.
            let rest = bytes
                .get(found.iter().map(Vec::len).sum()..)
                .unwrap_or_default();
            if !found.is_empty() && rest.iter().all(u8::is_ascii_whitespace) {
                break;
            }
            return Err(ImportError::input(
                "the file looks like DER and is cut short or followed by something else",
                OTHER_FILE,
            ));
        };
        if let Err(why) = Outline::read(element.whole) {
            return Err(instead(element.contents).unwrap_or_else(|| {
                ImportError::input(
                    format!("the file is DER but no certificate: {}", why.0),
                    OTHER_FILE,
                )
            }));
        }
        found.push(element.whole.to_vec());
    }
    Ok(found)
}

/// What a SEQUENCE that is no certificate is instead.
fn instead(contents: &[u8]) -> Option<ImportError> {
    let mut fields = Reader::new(contents);
    if let Ok(oid) = fields.clone().oid() {
        return SIGNED_DATA.eq(oid).then(|| Container::Pkcs7.refusal());
    }
    let first = fields.expect(INTEGER).ok()?.contents;
    let second = fields.any().ok()?;
    let key = match second.tag {
        // PKCS#1, and EC keys of RFC 5915.
        INTEGER | OCTET_STRING => true,
        // PKCS#8; a PKCS#12 file starts with version 3 and a content type of its own.
        SEQUENCE if first != [3] => second.reader().expect(OID).is_ok(),
        _ => false,
    };
    if key {
        return Some(ImportError::input(
            "the file holds a private key",
            KEY_ADVICE,
        ));
    }
    (second.tag == SEQUENCE && first == [3]).then(|| Container::Pkcs12.refusal())
}

const OTHER_FILE: &str = "give a file with the server's certificate in PEM (also called ARM) or DER, such as the \
     server's cert256.arm";

const KEY_ADVICE: &str = "a private key has no business here: keep it where it was made, use a file that holds the \
     certificate alone, and if the key was sent to you, have it replaced";

/// pkcs7-signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

#[cfg(test)]
mod tests;
