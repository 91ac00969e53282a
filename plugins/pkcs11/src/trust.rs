//! What a module distrusts: objects that PKCS#11 itself, NSS and p11-kit have for that.

use anchorhold_sdk::{Call, Error, Kind};
use cryptoki::error::RvError;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki_sys as ck;

use crate::access::Access;
use crate::der;
use crate::entry::{Entry, Found, Standing};
use crate::error::answer;

/// Vendor NSS: CKM_VENDOR_DEFINED and "NSCP", as its pkcs11n.h has them.
const NSS: ck::CK_ULONG = 0x8000_0000 | 0x4e53_4350;
const CKO_NSS_TRUST: ck::CK_ULONG = NSS + 3;
const CKA_NSS_TRUST_SERVER_AUTH: ck::CK_ULONG = NSS + 0x2000 + 8;
const CKT_NSS_NOT_TRUSTED: ck::CK_ULONG = NSS + 10;
/// Vendor p11-kit: CKA_VENDOR_DEFINED and "XDG", as its pkcs11x.h has them.
const CKA_X_DISTRUSTED: ck::CK_ULONG = (0x8000_0000 | 0x5844_4700) + 100;
const CKA_CLASS: ck::CK_ULONG = ck::CKA_CLASS;

/// What marks a certificate as distrusted whatever it is used for; most modules do not know it.
pub(crate) const MARK: AttributeType = AttributeType::VendorDefined(CKA_X_DISTRUSTED);

/// Whether an attribute is that mark, and set.
pub(crate) fn is_mark(attribute: &Attribute) -> bool {
    let Attribute::VendorDefined((MARK, value)) = attribute else {
        return false;
    };
    // Whatever is not false is true in C.
    value.iter().any(|byte| *byte != 0)
}

/// Adds what is distrusted for servers, by issuer and serial number.
pub(crate) fn add_distrust(
    access: &Access<'_>,
    call: &Call<'_>,
    found: &mut Found,
) -> Result<(), Error> {
    for handle in of_class(access, CKO_NSS_TRUST)? {
        call.check()?;
        add_one(access, handle, Some(CKT_NSS_NOT_TRUSTED), found)?;
    }
    // Of these the value cannot be read, so that it is searched for; a module that has none of them
    // may not even know the attribute.
    if of_class(access, ck::CKO_TRUST)?.is_empty() {
        return Ok(());
    }
    let template = [
        number(CKA_CLASS, ck::CKO_TRUST),
        number(
            ck::CKA_TRUST_SERVER_AUTH,
            ck::CK_ULONG::from(ck::CKT_NOT_TRUSTED),
        ),
    ];
    // One too many is an error: what is left out would be trusted.
    for handle in access.find(&template)? {
        call.check()?;
        add_one(access, handle, None, found)?;
    }
    Ok(())
}

/// The objects of a class that the module need not know.
fn of_class(access: &Access<'_>, class: ck::CK_OBJECT_CLASS) -> Result<Vec<ObjectHandle>, Error> {
    match access.try_find(&[number(CKA_CLASS, class)]) {
        Ok(handles) => handles,
        // Only what is not known at all means that there is none.
        Err(error) if is_unknown(answer(&error)) => Ok(Vec::new()),
        Err(error) => Err(access.failed(&error)),
    }
}

/// Adds what one object distrusts; where a value is given, only if it has that.
fn add_one(
    access: &Access<'_>,
    handle: ObjectHandle,
    distrusting: Option<ck::CK_ULONG>,
    found: &mut Found,
) -> Result<(), Error> {
    let mut wanted = vec![AttributeType::Issuer, AttributeType::SerialNumber];
    if distrusting.is_some() {
        wanted.push(AttributeType::VendorDefined(CKA_NSS_TRUST_SERVER_AUTH));
    }
    let attributes = access.attributes(handle, &wanted)?;
    let (mut issuer, mut serial) = (Vec::new(), Vec::new());
    let mut says = None;
    for attribute in attributes {
        match attribute {
            Attribute::Issuer(value) => issuer = value,
            Attribute::SerialNumber(value) => serial = value,
            Attribute::VendorDefined((_, value)) => says = Some(value),
            _ => {}
        }
    }
    if distrusting.is_some_and(|value| says != Some(value.to_ne_bytes().to_vec())) {
        return Ok(());
    }
    if issuer.is_empty() || serial.is_empty() {
        found.skip(|| format!("{}: a trust object that names nobody", access.name()));
        return Ok(());
    }
    found.add(Entry {
        kind: Kind::IssuerSerial,
        der: der::issuer_serial(&issuer, &der::whole_integer(&serial)),
        label: String::new(),
        standing: Standing::DistrustedForServers,
        read_only: true,
        asks_each_use: false,
        places: vec![(access.token.slot, handle)],
    });
    Ok(())
}

fn is_unknown(code: Option<RvError>) -> bool {
    matches!(
        code,
        Some(
            RvError::AttributeTypeInvalid
                | RvError::AttributeValueInvalid
                | RvError::TemplateInconsistent
        )
    )
}

fn number(of: ck::CK_ULONG, value: ck::CK_ULONG) -> Attribute {
    bytes(of, value.to_ne_bytes().to_vec())
}

/// An attribute that the crate has no name for, or whose value it has none for.
fn bytes(of: ck::CK_ULONG, value: Vec<u8>) -> Attribute {
    Attribute::VendorDefined((AttributeType::VendorDefined(of), value))
}
