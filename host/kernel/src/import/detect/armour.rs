//! Certificates in armour, and PKCS#7 files in armour, in one text.

use anchorhold_formats::p7b;
use anchorhold_formats::pem::{self, Content, PemError};

use super::container::Container;
use super::held::Held;
use super::{KEY_ADVICE, OTHER_FILE};
use crate::import::ImportError;

pub(super) fn read(bytes: &[u8]) -> Result<Held, ImportError> {
    let contents = pem::contents(bytes).map_err(|error| {
        let remedy = match error {
            PemError::PrivateKey { .. } => KEY_ADVICE,
            _ => OTHER_FILE,
        };
        ImportError::input(format!("the file cannot be used: {error}"), remedy)
    })?;
    let mut found = Vec::new();
    for content in contents {
        match content {
            Content::Certificate(der) => found.push(der),
            Content::Pkcs7(file) => {
                let ders = p7b::certificates(&file);
                found.extend(ders.map_err(|error| Container::Pkcs7.refusal(&error))?);
            }
            // What is told apart one day holds no certificate that is known today.
            _ => {}
        }
    }
    Ok(Held::certificates(found))
}
