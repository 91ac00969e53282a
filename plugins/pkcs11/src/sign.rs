//! Signatures as TLS carries them, made by a key that stays on its token.

use std::cell::OnceCell;

use anchorhold_sdk::{Call, Error, Scheme};
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismInfo, MechanismType};
use cryptoki::slot::Slot;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::der;
use crate::error::failed;
use crate::holding::Key;
use crate::login;

/// What a key can do, as its public half tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Ecdsa(Hash),
    Ed25519,
    Rsa,
}

/// The hashes of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A scheme, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Ecdsa(Hash),
    Ed25519,
    Pkcs1(Hash),
    Pss(Hash),
}

/// What a token is asked to do for a way to sign.
struct Plan {
    mechanism: Mechanism<'static>,
    /// Whether the token hashes; else what it signs is the hash.
    hashes: bool,
}

/// The mechanisms of a token that can be of use here. They are asked for once, when the first key
/// of the token is used: for a token across a network each question takes its time.
#[derive(Default)]
pub(crate) struct Mechanisms(OnceCell<Vec<(MechanismType, Option<MechanismInfo>)>>);

/// The schemes in which a key signs on its token, best first.
pub(crate) fn schemes(module: &Pkcs11, key: &Key<'_>) -> Result<Vec<Scheme>, Error> {
    let public = &key.entry.der;
    let offered = key.mechanisms.for_key(module, key)?;
    let Some(family) = family(public) else {
        return Ok(Vec::new());
    };
    let possible = ALL.iter().filter(|(_, way)| way.is_of(family));
    Ok(possible
        .filter(|(_, way)| way.plan(&offered).is_some() && way.has_room(public))
        .map(|(scheme, _)| *scheme)
        .collect())
}

/// Signs a message.
pub(crate) fn sign(
    module: &Pkcs11,
    key: &Key<'_>,
    call: &Call<'_>,
    scheme: Scheme,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let offered = key.mechanisms.for_key(module, key)?;
    sign_with(module, key, call, (scheme, &offered), message)
}

/// Signs a message by one of the mechanisms that are offered.
pub(crate) fn sign_with(
    module: &Pkcs11,
    key: &Key<'_>,
    call: &Call<'_>,
    (scheme, offered): (Scheme, &[MechanismType]),
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let unsupported = || {
        Error::unsupported(format!(
            "the key \"{}\" on {} does not sign in the scheme {:#06x}",
            key.entry.label,
            key.access.name(),
            scheme.0
        ))
    };
    let family = family(&key.entry.der).ok_or_else(unsupported)?;
    let (_, way) = ALL
        .iter()
        .find(|(known, way)| *known == scheme && way.is_of(family))
        .filter(|(_, way)| way.has_room(&key.entry.der))
        .ok_or_else(unsupported)?;
    let plan = way.plan(offered).ok_or_else(unsupported)?;
    let raw = if key.entry.asks_each_use {
        sign_asking(module, key, call, way, &plan, message)?
    } else {
        let input = way.input(&plan, message);
        key.access
            .session
            .sign(&plan.mechanism, key.handle, &input)
            .map_err(|error| key.access.failed(&error))?
    };
    way.carried(raw)
}

/// The PIN has to be said between the beginning of the signature and its end.
fn sign_asking(
    module: &Pkcs11,
    key: &Key<'_>,
    call: &Call<'_>,
    way: &Way,
    plan: &Plan,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let name = key.access.name();
    if !call.may_prompt() {
        return Err(Error::locked(format!(
            "the key \"{}\" on {name} wants its PIN for every signature, and nobody can be asked \
             in this call",
            key.entry.label
        )));
    }
    let fault = |error: cryptoki::error::Error| key.access.failed(&error);
    // In a session of its own: what a refused PIN leaves half done ends with it.
    let session = module
        .open_ro_session(key.access.token.slot)
        .map_err(fault)?;
    session
        .sign_init(&plan.mechanism, key.handle)
        .map_err(fault)?;
    login::for_one_use(&session, key.access.token, call)?;
    let input = way.input(plan, message);
    key.access.calls.sign_begun(&session, &input).map_err(fault)
}

impl Mechanisms {
    /// Those that sign with a key of its size.
    fn for_key(&self, module: &Pkcs11, key: &Key<'_>) -> Result<Vec<MechanismType>, Error> {
        let all = match self.0.get() {
            Some(all) => all,
            None => {
                let asked = Self::ask(module, key.access.token.slot)?;
                self.0.get_or_init(|| asked)
            }
        };
        let bits = der::rsa_bits(&key.entry.der);
        // What a token says no more of is taken at its word.
        let signing = all
            .iter()
            .filter(|(_, info)| info.is_none_or(|info| does_sign(&info, bits)));
        Ok(signing.map(|(kind, _)| *kind).collect())
    }

    fn ask(
        module: &Pkcs11,
        slot: Slot,
    ) -> Result<Vec<(MechanismType, Option<MechanismInfo>)>, Error> {
        let mut offered = module
            .get_mechanism_list(slot)
            .map_err(|error| failed("what the token can do", &error))?;
        let wanted: Vec<_> = ALL.iter().flat_map(|(_, way)| way.candidates()).collect();
        offered.retain(|kind| {
            let mut wanted = wanted.iter();
            wanted.any(|(known, _)| known.mechanism_type() == *kind)
        });
        let told = offered
            .into_iter()
            .map(|kind| (kind, module.get_mechanism_info(slot, kind).ok()));
        Ok(told.collect())
    }
}

/// Whether a mechanism signs, and not only verifies, with an RSA key of so many bits.
fn does_sign(info: &MechanismInfo, bits: Option<usize>) -> bool {
    let (least, most) = (info.min_key_size(), info.max_key_size());
    // Some modules say nothing there, or count bytes.
    let is_known = most >= 512 && least <= most;
    let fits = bits.is_none_or(|bits| !is_known || (least..=most).contains(&bits));
    (info.sign() || !info.verify()) && fits
}

/// By the algorithm of the public key, and the curve in it.
fn family(public: &[u8]) -> Option<Family> {
    use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
    let (_, key) = SubjectPublicKeyInfo::from_der(public).ok()?;
    let algorithm = key.algorithm.algorithm.to_id_string();
    let curve = || {
        let parameters = key.algorithm.parameters.as_ref()?;
        Some(parameters.as_oid().ok()?.to_id_string())
    };
    match algorithm.as_str() {
        "1.2.840.113549.1.1.1" => Some(Family::Rsa),
        "1.3.101.112" => Some(Family::Ed25519),
        "1.2.840.10045.2.1" => match curve()?.as_str() {
            "1.2.840.10045.3.1.7" => Some(Family::Ecdsa(Hash::Sha256)),
            "1.3.132.0.34" => Some(Family::Ecdsa(Hash::Sha384)),
            "1.3.132.0.35" => Some(Family::Ecdsa(Hash::Sha512)),
            _ => None,
        },
        _ => None,
    }
}

impl Way {
    /// Each curve has its hash, as TLS 1.3 has it and TLS 1.2 is offered it.
    fn is_of(self, family: Family) -> bool {
        match (self, family) {
            (Self::Ecdsa(hash), Family::Ecdsa(of)) => hash == of,
            (Self::Ed25519, Family::Ed25519) | (Self::Pkcs1(_) | Self::Pss(_), Family::Rsa) => true,
            _ => false,
        }
    }

    /// Whether an RSA key is long enough: PSS has the hash and as much salt in it (RFC 8017, 9.1).
    fn has_room(self, public: &[u8]) -> bool {
        match self {
            Self::Pss(hash) => {
                let least = 8 * (2 * hash.length() + 1) + 1;
                der::rsa_bits(public).is_some_and(|bits| bits > least)
            }
            _ => true,
        }
    }

    /// What the token may be asked, and whether it hashes then.
    fn candidates(self) -> Vec<(Mechanism<'static>, bool)> {
        match self {
            Self::Ecdsa(hash) => vec![(hash.ecdsa(), true), (Mechanism::Ecdsa, false)],
            Self::Ed25519 => {
                let pure = EddsaParams::new(EddsaSignatureScheme::Pure);
                vec![(Mechanism::Eddsa(pure), true)]
            }
            Self::Pkcs1(hash) => vec![(hash.pkcs1(), true), (Mechanism::RsaPkcs, false)],
            Self::Pss(hash) => vec![
                (hash.pss(), true),
                (Mechanism::RsaPkcsPss(hash.pss_parameters()), false),
            ],
        }
    }

    /// What the token is asked; it hashes itself where it can.
    fn plan(self, offered: &[MechanismType]) -> Option<Plan> {
        let mut candidates = self.candidates().into_iter();
        let (mechanism, hashes) =
            candidates.find(|(mechanism, _)| offered.contains(&mechanism.mechanism_type()))?;
        Some(Plan { mechanism, hashes })
    }

    /// The token's signature as TLS carries it.
    fn carried(self, raw: Vec<u8>) -> Result<Vec<u8>, Error> {
        match self {
            Self::Ecdsa(hash) => der::ecdsa_signature(&raw, hash.coordinate()),
            Self::Ed25519 if raw.len() != 64 => Err(Error::internal(format!(
                "the token gave an Ed25519 signature of {} bytes",
                raw.len()
            ))),
            _ => Ok(raw),
        }
    }

    /// What the token gets to see.
    fn input(self, plan: &Plan, message: &[u8]) -> Vec<u8> {
        if plan.hashes {
            return message.to_vec();
        }
        match self {
            Self::Ed25519 => message.to_vec(),
            Self::Ecdsa(hash) | Self::Pss(hash) => hash.digest(message),
            Self::Pkcs1(hash) => [hash.digest_info(), &hash.digest(message)].concat(),
        }
    }
}

impl Hash {
    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// What stands before the digest in DigestInfo (RFC 8017, 9.2).
    fn digest_info(self) -> &'static [u8] {
        match self {
            Self::Sha256 => &[
                0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                0x01, 0x05, 0x00, 0x04, 0x20,
            ],
            Self::Sha384 => &[
                0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                0x02, 0x05, 0x00, 0x04, 0x30,
            ],
            Self::Sha512 => &[
                0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                0x03, 0x05, 0x00, 0x04, 0x40,
            ],
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// How many bytes a number has on the curve of this hash.
    fn coordinate(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 66,
        }
    }

    fn ecdsa(self) -> Mechanism<'static> {
        match self {
            Self::Sha256 => Mechanism::EcdsaSha256,
            Self::Sha384 => Mechanism::EcdsaSha384,
            Self::Sha512 => Mechanism::EcdsaSha512,
        }
    }

    fn pkcs1(self) -> Mechanism<'static> {
        match self {
            Self::Sha256 => Mechanism::Sha256RsaPkcs,
            Self::Sha384 => Mechanism::Sha384RsaPkcs,
            Self::Sha512 => Mechanism::Sha512RsaPkcs,
        }
    }

    fn pss(self) -> Mechanism<'static> {
        let parameters = self.pss_parameters();
        match self {
            Self::Sha256 => Mechanism::Sha256RsaPkcsPss(parameters),
            Self::Sha384 => Mechanism::Sha384RsaPkcsPss(parameters),
            Self::Sha512 => Mechanism::Sha512RsaPkcsPss(parameters),
        }
    }

    /// The same hash inside and out, and a salt of its length, as TLS demands.
    fn pss_parameters(self) -> PkcsPssParams {
        let (hash_alg, mgf, length) = match self {
            Self::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32),
            Self::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
            Self::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64),
        };
        PkcsPssParams {
            hash_alg,
            mgf,
            s_len: cryptoki::types::Ulong::from(length),
        }
    }
}

/// Every scheme that is made here, best first.
const ALL: &[(Scheme, Way)] = &[
    (Scheme::ED25519, Way::Ed25519),
    (Scheme::ECDSA_SECP256R1_SHA256, Way::Ecdsa(Hash::Sha256)),
    (Scheme::ECDSA_SECP384R1_SHA384, Way::Ecdsa(Hash::Sha384)),
    (Scheme::ECDSA_SECP521R1_SHA512, Way::Ecdsa(Hash::Sha512)),
    (Scheme::RSA_PSS_RSAE_SHA256, Way::Pss(Hash::Sha256)),
    (Scheme::RSA_PSS_RSAE_SHA384, Way::Pss(Hash::Sha384)),
    (Scheme::RSA_PSS_RSAE_SHA512, Way::Pss(Hash::Sha512)),
    (Scheme::RSA_PKCS1_SHA256, Way::Pkcs1(Hash::Sha256)),
    (Scheme::RSA_PKCS1_SHA384, Way::Pkcs1(Hash::Sha384)),
    (Scheme::RSA_PKCS1_SHA512, Way::Pkcs1(Hash::Sha512)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki_sys as ck;

    #[test]
    fn mechanism_signs_only_with_keys_of_its_sizes() {
        let info = |flags, least, most| {
            let mut info = ck::CK_MECHANISM_INFO::default();
            (info.flags, info.ulMinKeySize, info.ulMaxKeySize) = (flags, least, most);
            MechanismInfo::from(info)
        };
        let both = ck::CKF_SIGN | ck::CKF_VERIFY;
        assert!(does_sign(&info(both, 2048, 4096), Some(2048)));
        assert!(!does_sign(&info(both, 2048, 4096), Some(1024)));
        assert!(!does_sign(&info(both, 1024, 2048), Some(4096)));
        assert!(does_sign(&info(both, 2048, 4096), None));
        assert!(!does_sign(&info(ck::CKF_VERIFY, 0, 0), None));
        // What is not said, or said in bytes, rules nothing out.
        assert!(does_sign(&info(0, 0, 0), Some(2048)));
        assert!(does_sign(&info(both, 64, 256), Some(2048)));
    }
}
