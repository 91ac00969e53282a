//! Private keys on a token: the public half is what is shown of them.

use anchorhold_sdk::{Error, Kind};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};

use crate::access::Access;
use crate::der;
use crate::entry::{Entry, Found, Standing};
use crate::listing::{Read, text};

/// Adds a private key, if its public half can be told.
pub(crate) fn add(
    access: &Access<'_>,
    handle: ObjectHandle,
    certificates: &[Read],
    found: &mut Found,
) -> Result<(), Error> {
    let key = read(access, handle, &PRIVATE)?;
    if key.is_sign == Some(false) {
        return Ok(());
    }
    let Some(public) = public(access, &key, certificates)? else {
        found.skip(|| {
            format!(
                "{}: the public half of the key \"{}\" cannot be told: put its public key or its \
                 certificate, with the same CKA_ID, beside it",
                access.name(),
                key.label
            )
        });
        return Ok(());
    };
    found.add(Entry {
        kind: Kind::PrivateKey,
        der: public,
        label: key.label,
        standing: Standing::Neutral,
        read_only: true,
        asks_each_use: key.asks_each_use,
        places: vec![(access.token.slot, handle)],
    });
    Ok(())
}

/// What one key object says.
#[derive(Default)]
struct Parts {
    label: String,
    id: Vec<u8>,
    kind: Option<KeyType>,
    spki: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    parameters: Vec<u8>,
    point: Vec<u8>,
    is_sign: Option<bool>,
    asks_each_use: bool,
}

impl Parts {
    /// The SubjectPublicKeyInfo, as far as this object alone tells it.
    fn public(&self) -> Option<Vec<u8>> {
        if der::is_public_key(&self.spki) {
            return Some(self.spki.clone());
        }
        match self.kind {
            Some(KeyType::RSA) => der::rsa_public(&self.modulus, &self.exponent),
            Some(KeyType::EC) if !self.point.is_empty() => {
                der::ec_public(&self.parameters, &self.point)
            }
            Some(KeyType::EC_EDWARDS) if !self.point.is_empty() => der::ed25519_public(&self.point),
            _ => None,
        }
    }
}

/// By the key itself, else the public key beside it, else the certificate beside it.
fn public(
    access: &Access<'_>,
    key: &Parts,
    certificates: &[Read],
) -> Result<Option<Vec<u8>>, Error> {
    if let Some(public) = key.public() {
        return Ok(Some(public));
    }
    if key.id.is_empty() {
        return Ok(None);
    }
    let template = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::Id(key.id.clone()),
    ];
    let beside = access
        .calls
        .find(access.session, &template, BESIDE_MAX)
        .map_err(|error| access.failed(&error))?;
    for handle in beside {
        let beside = read(access, handle, &PUBLIC)?;
        let is_same_curve = key.parameters.is_empty() || beside.parameters == key.parameters;
        if beside.kind == key.kind
            && is_same_curve
            && let Some(public) = beside.public()
        {
            return Ok(Some(public));
        }
    }
    // One identifier may be that of keys of several kinds.
    let mut beside = certificates
        .iter()
        .filter(|read| read.id == key.id)
        .filter_map(|read| der::Certificate::read(&read.entry.der));
    let certificate = beside.find(|read| {
        let kind = der::key_type(read.public);
        kind.is_some() && kind == key.kind
    });
    Ok(certificate.map(|certificate| certificate.public.to_vec()))
}

fn read(
    access: &Access<'_>,
    handle: ObjectHandle,
    wanted: &[AttributeType],
) -> Result<Parts, Error> {
    let attributes = access.attributes(handle, wanted)?;
    let mut parts = Parts::default();
    for attribute in attributes {
        match attribute {
            Attribute::AlwaysAuthenticate(flag) => parts.asks_each_use = flag,
            Attribute::EcParams(bytes) => parts.parameters = bytes,
            Attribute::EcPoint(bytes) => parts.point = bytes,
            Attribute::Id(bytes) => parts.id = bytes,
            Attribute::KeyType(kind) => parts.kind = Some(kind),
            Attribute::Label(bytes) => parts.label = text(&bytes),
            Attribute::Modulus(bytes) => parts.modulus = bytes,
            Attribute::PublicExponent(bytes) => parts.exponent = bytes,
            Attribute::PublicKeyInfo(bytes) => parts.spki = bytes,
            Attribute::Sign(flag) => parts.is_sign = Some(flag),
            _ => {}
        }
    }
    Ok(parts)
}

const PRIVATE: [AttributeType; 9] = [
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::KeyType,
    AttributeType::Sign,
    AttributeType::AlwaysAuthenticate,
    AttributeType::PublicKeyInfo,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
];
const PUBLIC: [AttributeType; 6] = [
    AttributeType::KeyType,
    AttributeType::PublicKeyInfo,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
    AttributeType::EcPoint,
];
/// Public keys of one identifier; more than one is odd already.
const BESIDE_MAX: usize = 16;
