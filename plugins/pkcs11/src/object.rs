//! Certificates as objects of a token: made whole, read back, or taken away again.

use std::collections::BTreeSet;

use anchorhold_sdk::Error;
use cryptoki::object::{
    Attribute, AttributeInfo, AttributeType, CertificateType, ObjectClass, ObjectHandle,
};
use cryptoki_sys::CK_OBJECT_HANDLE;

use crate::access::Access;
use crate::der::Certificate;
use crate::raw::VALUE_MAX;

/// A certificate that is to be on a token.
#[derive(Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) label: &'a str,
    /// Whether the security officer marks it as trusted.
    pub(crate) marked: bool,
    /// What ties it to its key, where that is known.
    pub(crate) id: Option<Vec<u8>>,
}

/// Makes the object, and reads back what was made. Where that fails nothing of it stays.
pub(crate) fn create(access: &Access<'_>, wanted: &Wanted<'_>) -> Result<(), Error> {
    let certificate = Certificate::read(wanted.der)
        .ok_or_else(|| Error::malformed("these bytes are not one certificate"))?;
    let id = wanted.id.clone();
    let id = id.unwrap_or_else(|| key_id(access, &certificate));
    // Some tokens leave an empty object behind where they refuse one of its attributes.
    let before: BTreeSet<CK_OBJECT_HANDLE> = alike(access)?
        .iter()
        .map(|handle| handle.handle())
        .collect();
    let made = access
        .session
        .create_object(&template(wanted, &certificate, &id))
        .map_err(|error| access.failed(&error))
        .and_then(|handle| {
            let read = read_back(access, handle, wanted);
            // What this very object has for bytes does not matter then.
            read.or_else(|error| destroy(access, handle).and(Err(error)))
        });
    made.map_err(|error| match take_back(access, wanted.der, &before) {
        Ok(()) => error,
        Err(kept) => Error::new(
            error.kind(),
            format!(
                "{}; what was half made stays there: {kept}",
                error.message()
            ),
        ),
    })
}

/// Destroys the certificates that were not there before, but for those of other bytes: another
/// program may have put them there in this very moment.
pub(crate) fn take_back(
    access: &Access<'_>,
    der: &[u8],
    before: &BTreeSet<CK_OBJECT_HANDLE>,
) -> Result<(), Error> {
    for handle in alike(access)? {
        if before.contains(&handle.handle()) {
            continue;
        }
        let value = access.attributes(handle, &[AttributeType::Value])?;
        let is_other = match &value[..] {
            [] => is_too_long(access, handle)?,
            held => held
                .iter()
                .any(|one| matches!(one, Attribute::Value(of) if !of.is_empty() && of != der)),
        };
        if !is_other {
            destroy(access, handle)?;
        }
    }
    Ok(())
}

/// Whether an object that shows no bytes has more than are ever read, and so is not half made.
fn is_too_long(access: &Access<'_>, handle: ObjectHandle) -> Result<bool, Error> {
    let said = access
        .session
        .get_attribute_info(handle, &[AttributeType::Value])
        .map_err(|error| access.failed(&error))?;
    Ok(matches!(said[..], [AttributeInfo::Available(length)] if length > VALUE_MAX))
}

fn template(wanted: &Wanted<'_>, certificate: &Certificate<'_>, id: &[u8]) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Subject(certificate.subject.to_vec()),
        Attribute::Issuer(certificate.issuer.to_vec()),
        Attribute::SerialNumber(certificate.serial_number()),
        Attribute::Value(wanted.der.to_vec()),
        Attribute::Label(wanted.label.as_bytes().to_vec()),
        Attribute::Id(id.to_vec()),
    ];
    if wanted.marked {
        template.push(Attribute::Trusted(true));
    }
    template
}

fn read_back(access: &Access<'_>, handle: ObjectHandle, wanted: &Wanted<'_>) -> Result<(), Error> {
    let attributes = [AttributeType::Value, AttributeType::Trusted];
    let attributes = access.attributes(handle, &attributes)?;
    let is_whole = attributes
        .iter()
        .any(|attribute| matches!(attribute, Attribute::Value(value) if value == wanted.der));
    let is_marked = attributes
        .iter()
        .any(|attribute| matches!(attribute, Attribute::Trusted(true)));
    if is_whole && (is_marked || !wanted.marked) {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{} says that it holds the certificate, and holds another than was given to it",
        access.name()
    )))
}

/// Every certificate object, since one that is half made may lack whatever else it is known by.
fn alike(access: &Access<'_>) -> Result<Vec<ObjectHandle>, Error> {
    access.find(&[Attribute::Class(ObjectClass::CERTIFICATE)])
}

/// The objects on the token that hold exactly this certificate.
pub(crate) fn holding(access: &Access<'_>, der: &[u8]) -> Result<Vec<ObjectHandle>, Error> {
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::Value(der.to_vec()),
    ];
    access.find(&template)
}

/// Gives an object another label.
pub(crate) fn rename(access: &Access<'_>, handle: ObjectHandle, label: &str) -> Result<(), Error> {
    let wanted = Attribute::Label(label.as_bytes().to_vec());
    access
        .session
        .update_attributes(handle, std::slice::from_ref(&wanted))
        .map_err(|error| access.failed(&error))?;
    let read = access.attributes(handle, &[AttributeType::Label])?;
    match read.contains(&wanted) {
        true => Ok(()),
        false => Err(Error::internal(format!(
            "{} says that it changed the label, and shows another",
            access.name()
        ))),
    }
}

/// Takes an object away.
pub(crate) fn destroy(access: &Access<'_>, handle: ObjectHandle) -> Result<(), Error> {
    access
        .session
        .destroy_object(handle)
        .map_err(|error| access.failed(&error))
}

/// What ties a certificate to its key: the identifier of the key that is on the token already, else
/// the SHA-1 of the key's bits, as most programs have it.
fn key_id(access: &Access<'_>, certificate: &Certificate<'_>) -> Vec<u8> {
    use sha1::{Digest, Sha1};
    let beside = certificate.key_attributes().into_iter().flat_map(|known| {
        let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), known];
        // Who cannot look for a key has none.
        access.find(&template).unwrap_or_default()
    });
    let mut ids = beside.filter_map(|handle| id_of(access, handle));
    ids.next()
        .unwrap_or_else(|| Sha1::digest(certificate.key_bits).to_vec())
}

/// What an object is tied to others by, if it is.
pub(crate) fn id_of(access: &Access<'_>, handle: ObjectHandle) -> Option<Vec<u8>> {
    let read = access.attributes(handle, &[AttributeType::Id]).ok()?;
    read.into_iter().find_map(|attribute| match attribute {
        Attribute::Id(id) if !id.is_empty() && id.len() <= ID_MAX => Some(id),
        _ => None,
    })
}

/// The most bytes of an identifier.
const ID_MAX: usize = 256;
