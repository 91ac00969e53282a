//! Reading a token: its certificates, its keys, and what it distrusts.

use anchorhold_sdk::{Call, Error, Kind};
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::der::Certificate;
use crate::entry::{Entry, Found, Standing};
use crate::error::failed;
use crate::key;
use crate::settings::Trust;
use crate::token::Token;
use crate::trust;

/// The most objects of one kind that are read of a token.
pub(crate) const OBJECTS_MAX: usize = 200_000;
/// In bytes, as the contract has it.
const CERTIFICATE_MAX: usize = 256 << 10;
/// The most bytes of a label.
const LABEL_MAX: usize = 1024;

/// A token that is being read.
pub(crate) struct Listed<'a> {
    pub(crate) session: &'a Session,
    pub(crate) token: &'a Token,
    pub(crate) trust: Trust,
}

/// Adds to `found` what is on the token, as far as the session may see it.
pub(crate) fn read(listed: &Listed<'_>, call: &Call<'_>, found: &mut Found) -> Result<(), Error> {
    let mut certificates = Vec::new();
    for handle in find(listed, ObjectClass::CERTIFICATE)? {
        call.check()?;
        certificates.extend(certificate(listed, handle, found)?);
    }
    trust::add_distrust(listed, call, found)?;
    for handle in find(listed, ObjectClass::PRIVATE_KEY)? {
        call.check()?;
        key::add(listed, handle, &certificates, found)?;
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

fn find(listed: &Listed<'_>, class: ObjectClass) -> Result<Vec<ObjectHandle>, Error> {
    let template = [Attribute::Class(class)];
    let objects = listed
        .session
        .iter_objects_with_cache_size(&template, AT_ONCE)
        .map_err(|error| failed(&listed.token.name(), &error))?;
    let mut handles = Vec::new();
    for object in objects {
        handles.push(object.map_err(|error| failed(&listed.token.name(), &error))?);
        if handles.len() > OBJECTS_MAX {
            return Err(Error::new(
                anchorhold_sdk::ErrorKind::Limit,
                format!(
                    "{} has more than {OBJECTS_MAX} objects of one kind",
                    listed.token.name()
                ),
            ));
        }
    }
    Ok(handles)
}

fn certificate(
    listed: &Listed<'_>,
    handle: ObjectHandle,
    found: &mut Found,
) -> Result<Option<Read>, Error> {
    let wanted: &[AttributeType] = match listed.trust {
        Trust::Held => &WANTED,
        Trust::Marked => &WANTED_MARKED,
    };
    let attributes = listed
        .session
        .get_attributes(handle, wanted)
        .map_err(|error| failed(&listed.token.name(), &error))?;
    let (mut value, mut label, mut id) = (Vec::new(), String::new(), Vec::new());
    let (mut is_marked, mut is_x509, mut modifiable) = (false, true, true);
    let is_distrusted = attributes.iter().any(trust::is_mark);
    for attribute in attributes {
        match attribute {
            Attribute::CertificateType(kind) => is_x509 = kind == CertificateType::X_509,
            Attribute::Id(bytes) => id = bytes,
            Attribute::Label(bytes) => label = text(&bytes),
            Attribute::Modifiable(flag) => modifiable = flag,
            Attribute::Trusted(flag) => is_marked = flag,
            Attribute::Value(bytes) => value = bytes,
            _ => {}
        }
    }
    let name = || format!("{}: \"{label}\"", listed.token.name());
    if !is_x509 {
        found.skip(|| format!("{} is a certificate of another kind than X.509", name()));
        return Ok(None);
    }
    if value.is_empty() {
        found.skip(|| format!("{} is a certificate without bytes", name()));
        return Ok(None);
    }
    if value.len() > CERTIFICATE_MAX || Certificate::read(&value).is_none() {
        found.skip(|| format!("{} is no certificate that can be read", name()));
        return Ok(None);
    }
    let standing = match listed.trust {
        _ if is_distrusted => Standing::Distrusted,
        Trust::Marked if !is_marked => Standing::Neutral,
        _ => Standing::Anchor,
    };
    let entry = Entry {
        kind: Kind::Certificate,
        der: value,
        label,
        standing,
        read_only: !modifiable && listed.token.info.write_protected(),
        asks_each_use: false,
        places: vec![(listed.token.slot, handle)],
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

const WANTED: [AttributeType; 6] = [
    AttributeType::Value,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::CertificateType,
    AttributeType::Modifiable,
    trust::MARK,
];
const WANTED_MARKED: [AttributeType; 7] = [
    AttributeType::Value,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::CertificateType,
    AttributeType::Modifiable,
    trust::MARK,
    AttributeType::Trusted,
];
/// How many objects a module is asked for at a time.
const AT_ONCE: std::num::NonZeroUsize = std::num::NonZeroUsize::new(256).unwrap();

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
