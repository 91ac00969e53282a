//! Distinguished names, alternative names and purposes as text.

use std::net::{Ipv4Addr, Ipv6Addr};

use anchorhold_formats::der::{OID, Reader, SEQUENCE, SET, dotted};

use super::text::{decode, push_shown, shown};
use crate::outline::{Outline, only};

/// A Name (without tag and length) as RFC 4514 writes it: the last part first.
pub(crate) fn dn(name: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut sets = Reader::new(name);
    while let Ok(set) = sets.expect(SET) {
        let mut attributes = set.reader();
        let mut part = String::new();
        while let Ok(attribute) = attributes.expect(SEQUENCE) {
            if !part.is_empty() {
                part.push('+');
            }
            push_attribute(&mut part, attribute.reader());
        }
        parts.push(part);
    }
    parts.reverse();
    parts.join(",")
}

/// The last common name of a Name, or else its last organisation.
pub(crate) fn common_name(name: &[u8]) -> Option<String> {
    let find = |wanted: &[u8]| {
        let mut found = None;
        let mut sets = Reader::new(name);
        while let Ok(set) = sets.expect(SET) {
            let mut attributes = set.reader();
            while let Ok(attribute) = attributes.expect(SEQUENCE) {
                let mut fields = attribute.reader();
                if fields.oid().is_ok_and(|oid| oid == wanted)
                    && let Ok(value) = fields.any()
                {
                    found = decode(value.tag, value.contents);
                }
            }
        }
        found
            .map(|text| shown(text.trim()))
            .filter(|text| !text.is_empty())
    };
    find(COMMON_NAME).or_else(|| find(ORGANISATION))
}

/// The subject alternative names, each with its kind.
pub(super) fn alternatives(outline: &Outline<'_>) -> Vec<String> {
    let Some(value) = outline
        .extensions()
        .find(|found| found.oid == ALTERNATIVE_NAMES)
    else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut reader = Reader::new(only(value.value, SEQUENCE).unwrap_or_default());
    while let Ok(name) = reader.any() {
        let text = || shown(&String::from_utf8_lossy(name.contents));
        names.push(match name.tag {
            EMAIL => format!("email:{}", text()),
            DNS => format!("DNS:{}", text()),
            URI => format!("URI:{}", text()),
            ADDRESS => address(name.contents),
            DIRECTORY => {
                format!(
                    "directory:{}",
                    dn(only(name.contents, SEQUENCE).unwrap_or_default())
                )
            }
            tag => format!("other:[{}]", tag & 0x1f),
        });
    }
    names
}

/// The extended key usages, by name or number.
pub(super) fn purposes(outline: &Outline<'_>) -> Vec<String> {
    let Some(value) = outline.extensions().find(|found| found.oid == PURPOSES) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut reader = Reader::new(only(value.value, SEQUENCE).unwrap_or_default());
    while let Ok(oid) = reader.oid() {
        let known = match oid {
            [0x2b, 6, 1, 5, 5, 7, 3, 1] => Some("server"),
            [0x2b, 6, 1, 5, 5, 7, 3, 2] => Some("client"),
            [0x2b, 6, 1, 5, 5, 7, 3, 3] => Some("code"),
            [0x2b, 6, 1, 5, 5, 7, 3, 4] => Some("email"),
            [0x2b, 6, 1, 5, 5, 7, 3, 8] => Some("timestamp"),
            [0x2b, 6, 1, 5, 5, 7, 3, 9] => Some("OCSP"),
            [0x55, 0x1d, 0x25, 0] => Some("any"),
            _ => None,
        };
        names.push(known.map_or_else(|| dotted(oid), str::to_owned));
    }
    names
}

fn push_attribute(out: &mut String, mut fields: Reader<'_>) {
    let oid = fields
        .expect(OID)
        .map(|element| element.contents)
        .unwrap_or_default();
    let Ok(value) = fields.any() else { return };
    let short = ATTRIBUTES
        .iter()
        .find(|(known, _)| *known == oid)
        .map(|(_, short)| *short);
    match short {
        Some(short) => out.push_str(short),
        None => out.push_str(&dotted(oid)),
    }
    out.push('=');
    match decode(value.tag, value.contents) {
        Some(text) => push_escaped(out, &text),
        None => {
            out.push('#');
            out.push_str(&data_encoding::HEXLOWER.encode(value.whole));
        }
    }
}

/// Escapes as RFC 4514, section 2.4, and what deceives the eye as well.
fn push_escaped(out: &mut String, text: &str) {
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        let special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';')
            || (index == 0 && matches!(character, ' ' | '#'))
            || (index == last && character == ' ');
        if special {
            out.push('\\');
            out.push(character);
        } else {
            push_shown(out, character);
        }
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return format!("IP:{}", Ipv4Addr::from(four));
    }
    match <[u8; 16]>::try_from(bytes) {
        Ok(sixteen) => format!("IP:{}", Ipv6Addr::from(sixteen)),
        Err(_) => format!("IP:#{}", data_encoding::HEXLOWER.encode(bytes)),
    }
}

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;

const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
const PURPOSES: &[u8] = &[0x55, 0x1d, 37];

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];

/// Attribute types: OID, and the short name of RFC 4514 or of common use.
const ATTRIBUTES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (ORGANISATION, "O"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 46], "dnQualifier"),
    (&[0x55, 4, 97], "organizationIdentifier"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
        "UID",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        "DC",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
        "emailAddress",
    ),
];
