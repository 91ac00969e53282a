//! The name that a certificate must carry: addresses against addresses, names against names.

use std::net::IpAddr;

use rustls_pki_types::{DnsName, ServerName};
use webpki::EndEntityCert;

use crate::certificate::Facts;
use crate::verdict::trouble::Trouble;
use crate::verdict::{Code, NameCheck};

/// What is wrong with the names of a certificate, if anything is.
///
/// An address is compared with iPAddress names only and a name with dNSName names only; the
/// common name is never looked at.
pub(crate) fn name_trouble(certificate: &EndEntityCert<'_>, check: &NameCheck) -> Option<Trouble> {
    let (NameCheck::Address(expected) | NameCheck::Name(expected)) = check else {
        return None;
    };
    let matches = reference(expected)
        .is_some_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok());
    if matches {
        return None;
    }
    let names = Facts::read(&certificate.der())
        .map(|facts| facts.names)
        .unwrap_or_default();
    let carried = if names.is_empty() {
        "it carries no alternative name at all (the common name never counts)".to_owned()
    } else {
        format!("it is for {}", listed(&names))
    };
    Some(Trouble::new(
        Code::NameMismatch,
        format!("the presented certificate is not for \"{expected}\": {carried}"),
        "have the certificate issued for that name, reach the server by a name that it carries, \
         or say which name to expect with name_check in the server's policy",
    ))
}

/// A name or an address as a certificate would carry it.
pub(crate) fn reference(expected: &str) -> Option<ServerName<'static>> {
    if let Some(address) = address(expected) {
        return Some(ServerName::IpAddress(address.into()));
    }
    let name = expected.strip_suffix('.').unwrap_or(expected);
    DnsName::try_from(name.to_owned())
        .ok()
        .map(ServerName::DnsName)
}

/// An IP literal, in brackets and with a zone or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let (literal, zone) = bare.split_once('%').unwrap_or((bare, ""));
    let address: IpAddr = literal.parse().ok()?;
    (zone.is_empty() || address.is_ipv6()).then_some(address)
}

/// The first few of a list, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown = names.get(..SHOWN).unwrap_or(names).join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

const SHOWN: usize = 8;
