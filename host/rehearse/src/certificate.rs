//! The certificates that the servers of the rehearsal present.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// A chain, end entity first, and the key of its first certificate.
#[derive(Clone)]
pub struct Credential {
    /// What is presented.
    pub chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// The end entity's certificate.
    pub fn end_entity(&self) -> &[u8] {
        self.chain.first().map_or(&[], |certificate| certificate)
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: OffsetDateTime,
    /// The last moment.
    pub until: OffsetDateTime,
}

impl Validity {
    /// Valid since yesterday and for ten years, as servers make theirs.
    pub fn current(now: OffsetDateTime) -> Self {
        Self {
            from: now - Duration::DAY,
            until: now + Duration::DAY * 3_652,
        }
    }

    /// Valid until yesterday.
    pub fn expired(now: OffsetDateTime) -> Self {
        Self {
            from: now - Duration::DAY * 3_653,
            until: now - Duration::DAY,
        }
    }
}

/// The self-signed certificate that a server makes for itself: it names no host, and it is the
/// same on every server but for its key.
pub fn stock(validity: Validity) -> Result<Credential, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&[
        (DnType::CountryName, "US"),
        (DnType::OrganizationName, "TSM"),
        (DnType::OrganizationalUnitName, "TSM Network"),
        (DnType::CommonName, "TSM Self-Signed Certificate"),
    ]);
    valid(&mut params, validity);
    let certificate = params.self_signed(&key)?;
    Ok(credential(certificate.into(), key))
}

/// What a leaf of the authority says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// Its subject alternative name: an address or a host name.
    pub name: &'a str,
    /// Whether it is for servers, as it has to be, or for clients only.
    pub for_servers: bool,
    /// Its dates.
    pub validity: Validity,
}

/// A certification authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// A new root.
    pub fn new(common_name: &str, validity: Validity) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&[
            (DnType::OrganizationName, "Rehearsal"),
            (DnType::CommonName, common_name),
        ]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, validity);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// The root's certificate.
    pub fn root(&self) -> &[u8] {
        self.issuer.der()
    }

    /// A new leaf with a new key; it is presented alone, because the client holds the root.
    pub fn issue(&self, leaf: &Leaf<'_>) -> Result<Credential, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![leaf.name.to_owned()])?;
        params.distinguished_name = name(&[
            (DnType::OrganizationName, "Rehearsal"),
            (DnType::CommonName, "Storage server"),
        ]);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![if leaf.for_servers {
            ExtendedKeyUsagePurpose::ServerAuth
        } else {
            ExtendedKeyUsagePurpose::ClientAuth
        }];
        valid(&mut params, leaf.validity);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(credential(certificate.into(), key))
    }
}

fn credential(certificate: CertificateDer<'static>, key: KeyPair) -> Credential {
    Credential {
        chain: vec![certificate],
        key: Arc::new(key.into()),
    }
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}

fn valid(params: &mut CertificateParams, validity: Validity) {
    params.not_before = validity.from;
    params.not_after = validity.until;
}
