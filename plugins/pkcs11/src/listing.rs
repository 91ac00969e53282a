//! Reading a token: its certificates, its keys, and what it distrusts.

use anchorhold_sdk::{Call, Error, Kind};
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};

use crate::access::Access;
use crate::der::Certificate;
use crate::entry::{Entry, Found, Standing};
use crate::key;
use crate::raw::VALUE_MAX;
use crate::settings::Trust;
use crate::trust;

/// The most bytes of a label.
const LABEL_MAX: usize = 1024;

/// Adds to `found` what is on the token, as far as the session may see it.
pub(crate) fn read(
    access: &Access<'_>,
    trust: Trust,
    call: &Call<'_>,
    found: &mut Found,
) -> Result<(), Error> {
    let mut certificates = Vec::new();
    for handle in access.find(&[Attribute::Class(ObjectClass::CERTIFICATE)])? {
        call.check()?;
        certificates.extend(certificate(access, trust, handle, found)?);
    }
    trust::add_distrust(access, call, found)?;
    for handle in access.find(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])? {
        call.check()?;
        key::add(access, handle, &certificates, found)?;
    }
    for certificate in certificates {
        found.add(certificate.entry);
    }
    Ok(())
}

/// A certificate, and the identifier that it shares with its key.
pub(crate) struct Read {
    pub(crate) entry: Entry,
    pub(crate) id: Vec<u8>,
}

fn certificate(
    access: &Access<'_>,
    trust: Trust,
    handle: ObjectHandle,
    found: &mut Found,
) -> Result<Option<Read>, Error> {
    let wanted: &[AttributeType] = match trust {
        Trust::Held => &WANTED,
        Trust::Marked => &WANTED_MARKED,
    };
    let attributes = access.attributes(handle, wanted)?;
    let (mut value, mut label, mut id) = (None, String::new(), Vec::new());
    let (mut is_marked, mut is_x509) = (false, true);
    let is_distrusted = attributes.iter().any(trust::is_mark);
    for attribute in attributes {
        match attribute {
            Attribute::CertificateType(kind) => is_x509 = kind == CertificateType::X_509,
            Attribute::Id(bytes) => id = bytes,
            Attribute::Label(bytes) => label = text(&bytes),
            Attribute::Trusted(flag) => is_marked = flag,
            Attribute::Value(bytes) => value = Some(bytes),
            _ => {}
        }
    }
    let name = || format!("{}: \"{label}\"", access.name());
    if !is_x509 {
        found.skip(|| format!("{} is a certificate of another kind than X.509", name()));
        return Ok(None);
    }
    let Some(value) = value else {
        found.skip(|| {
            format!(
                "{} is a certificate that shows no bytes, or more than {VALUE_MAX}",
                name()
            )
        });
        return Ok(None);
    };
    if value.is_empty() {
        found.skip(|| format!("{} is a certificate without bytes", name()));
        return Ok(None);
    }
    if Certificate::read(&value).is_none() {
        found.skip(|| format!("{} is no certificate that can be read", name()));
        return Ok(None);
    }
    let standing = match trust {
        _ if is_distrusted => Standing::Distrusted,
        Trust::Marked if !is_marked => Standing::Neutral,
        _ => Standing::Anchor,
    };
    let entry = Entry {
        kind: Kind::Certificate,
        der: value,
        label,
        standing,
        read_only: access.token.info.write_protected(),
        asks_each_use: false,
        places: vec![(access.token.slot, handle)],
    };
    Ok(Some(Read { entry, id }))
}

/// A label as people can read it: UTF-8, without what a terminal would obey.
pub(crate) fn text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..LABEL_MAX).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let shown = text.chars().filter(|next| !next.is_control());
    shown.collect::<String>().trim_end().to_owned()
}

const WANTED: [AttributeType; 5] = [
    AttributeType::Value,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::CertificateType,
    trust::MARK,
];
const WANTED_MARKED: [AttributeType; 6] = [
    AttributeType::Value,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::CertificateType,
    trust::MARK,
    AttributeType::Trusted,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_fit_to_be_shown() {
        assert_eq!(text(b"plain  "), "plain");
        assert_eq!(text(b"a\x1b[31mb\0\n"), "a[31mb");
        assert_eq!(text(b"\xff"), "\u{fffd}");
        assert_eq!(text(&[b'a'; 5000]).len(), LABEL_MAX);
    }
}
