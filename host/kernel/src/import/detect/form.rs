//! Which form a file has, by its first bytes and never by its name.

use anchorhold_formats::der::SEQUENCE;

use super::container::Container;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text with certificates in armour, or text without.
    Armour,
    /// DER, one element after the other.
    Bare,
    /// A file that keeps certificates among other things.
    Container(Container),
    /// There is not one byte.
    Nothing,
}

impl Form {
    /// The form that a file has, if it has one that is known.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if let Some(container) = by_magic(bytes) {
            return Self::Container(container);
        }
        match bytes.first() {
            None => Self::Nothing,
            Some(&SEQUENCE) => by_content(bytes),
            Some(_) => Self::Armour,
        }
    }
}

/// A form that is neither armour nor DER.
fn by_magic(bytes: &[u8]) -> Option<Container> {
    // After its own two bytes, its version and a zero it says which kind of list it is.
    if bytes.starts_with(b"\x37\x48") && bytes.get(8..12) == Some(b"X509") {
        return Some(Container::Gskit);
    }
    match bytes.get(..4)? {
        b"\xfe\xed\xfe\xed" => Some(Container::Jks),
        b"\xce\xce\xce\xce" => Some(Container::Jceks),
        _ => None,
    }
}

/// A container that is DER, or BER, tells itself by what its SEQUENCE begins with.
fn by_content(bytes: &[u8]) -> Form {
    let header = match bytes.get(1) {
        Some(long @ 0x81..=0x88) => 2 + usize::from(long & 0x7f),
        _ => 2,
    };
    let contents = bytes.get(header..).unwrap_or_default();
    if contents.starts_with(VERSION_3) {
        Form::Container(Container::Pkcs12)
    } else if contents.starts_with(PKCS7) {
        Form::Container(Container::Pkcs7)
    } else {
        Form::Bare
    }
}

/// The version of PKCS#12, and the SEQUENCE that follows it.
const VERSION_3: &[u8] = &[0x02, 0x01, 0x03, SEQUENCE];

/// The beginning of every content type of PKCS#7.
const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
