//! Distinguished names, alternative names and purposes as text.

use std::net::{Ipv4Addr, Ipv6Addr};

use anchorhold_formats::der::{OID, Reader, SEQUENCE, SET, dotted};

use super::text::{decode, push_shown, shown};
use crate::outline::only;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

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
pub(super) fn alternatives(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(found)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    found.value.general_names.iter().map(general_name).collect()
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(text) => format!("DNS:{}", shown(text)),
        GeneralName::DirectoryName(name) => {
            format!(
                "directory:{}",
                dn(only(name.as_raw(), SEQUENCE).unwrap_or_default())
            )
        }
        GeneralName::IPAddress(bytes) => address(bytes),
        GeneralName::RFC822Name(text) => format!("email:{}", shown(text)),
        GeneralName::URI(text) => format!("URI:{}", shown(text)),
        GeneralName::Invalid(tag, bytes) => {
            format!(
                "other:[{}]#{}",
                tag.0,
                data_encoding::HEXLOWER.encode(bytes)
            )
        }
        GeneralName::OtherName(..) => "other:[0]".to_owned(),
        GeneralName::X400Address(_) => "other:[3]".to_owned(),
        GeneralName::EDIPartyName(_) => "other:[5]".to_owned(),
        GeneralName::RegisteredID(oid) => format!("OID:{}", oid.to_id_string()),
    }
}

/// The extended key usages, by name or number.
pub(super) fn purposes(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(found)) = certificate.extended_key_usage() else {
        return Vec::new();
    };
    let usage = found.value;
    let known = [
        (usage.any, "any"),
        (usage.server_auth, "server"),
        (usage.client_auth, "client"),
        (usage.code_signing, "code"),
        (usage.email_protection, "email"),
        (usage.time_stamping, "timestamp"),
        (usage.ocsp_signing, "OCSP"),
    ];
    let named = known
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| (*name).to_owned());
    named
        .chain(usage.other.iter().map(|oid| oid.to_id_string()))
        .collect()
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
