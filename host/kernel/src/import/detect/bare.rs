//! Certificates without armour, one after the other.

use anchorhold_formats::der::{INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};

use super::held::Held;
use super::{KEY_ADVICE, OTHER_FILE};
use crate::import::ImportError;
use crate::outline::Outline;

pub(super) fn read(bytes: &[u8]) -> Result<Held, ImportError> {
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
            return Err(key(element.contents).unwrap_or_else(|| {
                ImportError::input(
                    format!("the file is DER but no certificate: {}", why.0),
                    OTHER_FILE,
                )
            }));
        }
        found.push(element.whole.to_vec());
    }
    Ok(Held::certificates(found))
}

/// Why a SEQUENCE is refused that is a private key.
fn key(contents: &[u8]) -> Option<ImportError> {
    let mut fields = Reader::new(contents);
    fields.expect(INTEGER).ok()?;
    let second = fields.any().ok()?;
    let key = match second.tag {
        // PKCS#1, and EC keys of RFC 5915.
        INTEGER | OCTET_STRING => true,
        // PKCS#8.
        SEQUENCE => second.reader().expect(OID).is_ok(),
        _ => false,
    };
    key.then(|| ImportError::input("the file holds a private key", KEY_ADVICE))
}
