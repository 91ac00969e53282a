//! Certificates and stores for the tests of this crate.

mod gate;
mod hands;
mod whole;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anchorhold_boundary::Plugin;
use anchorhold_boundary::manifest::Value;
use anchorhold_sdk::testing::{Contents, PLUGIN};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, PublicKeyData, SignatureAlgorithm, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::certificate::fingerprint;
use crate::plan::StorePlan;
use crate::{
    CertificateKind, Checks, Fingerprint, Kernel, KernelOptions, NameCheck, Question, Registry,
    ScopeRow, ScopeTable, ServerName, Servers, Verdict, View,
};

/// The public half of an EC key, as one coordinate and a sign.
struct Compressed(Vec<u8>, &'static SignatureAlgorithm);

impl Compressed {
    fn of(key: &KeyPair) -> Self {
        let point = key.der_bytes();
        let odd = point[64] & 1;
        let bytes = [&[2 + odd], &point[1..33]].concat();
        Self(bytes, key.algorithm())
    }
}

impl PublicKeyData for Compressed {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.1
    }
}

/// A certificate and its key.
pub(crate) struct Authority {
    params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) der: Vec<u8>,
}

impl Authority {
    /// A root with this common name, valid from 2020 to 2040.
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    pub(crate) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = key();
        let mut params = ca(name);
        change(&mut params);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// An intermediate CA.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        self.intermediate_with(name, |_| {})
    }

    pub(crate) fn intermediate_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = key();
        let mut params = ca(name);
        change(&mut params);
        let der = params
            .signed_by(&key, &self.issuer())
            .unwrap()
            .der()
            .to_vec();
        Self { params, key, der }
    }

    /// This CA's name and key, signed by another: a cross certificate.
    pub(crate) fn cross_signed_by(&self, other: &Self) -> Vec<u8> {
        self.params
            .signed_by(&self.key, &other.issuer())
            .unwrap()
            .der()
            .to_vec()
    }

    /// The same once more, with the key in the compressed form.
    pub(crate) fn compressed_by(&self, other: &Self) -> Vec<u8> {
        self.params
            .signed_by(&Compressed::of(&self.key), &other.issuer())
            .unwrap()
            .der()
            .to_vec()
    }

    /// A server's certificate with these alternative names.
    pub(crate) fn leaf(&self, names: &[&str]) -> Vec<u8> {
        self.leaf_with(names, |_| {})
    }

    pub(crate) fn leaf_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Vec<u8> {
        self.leaf_and_key(names, change).0
    }

    pub(crate) fn leaf_and_key(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<u8>, KeyPair) {
        let key = key();
        let mut params = leaf(names);
        change(&mut params);
        let der = params
            .signed_by(&key, &self.issuer())
            .unwrap()
            .der()
            .to_vec();
        (der, key)
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// The stock certificate of a server: self-signed, naming no host.
pub(crate) fn stock() -> Vec<u8> {
    stock_and_key().0
}

pub(crate) fn stock_and_key() -> (Vec<u8>, KeyPair) {
    stock_with(|_| {})
}

pub(crate) fn stock_with(change: impl FnOnce(&mut CertificateParams)) -> (Vec<u8>, KeyPair) {
    let key = key();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CountryName, "US");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "TSM");
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, "TSM Network");
    params
        .distinguished_name
        .push(DnType::CommonName, "TSM Self-Signed Certificate");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    change(&mut params);
    (params.self_signed(&key).unwrap().der().to_vec(), key)
}

fn ca(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.not_before = date_time_ymd(2021, 1, 1);
    params.not_after = date_time_ymd(2035, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

/// A critical extension that nobody knows.
pub(crate) fn unknown_critical() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![0x05, 0x00]);
    extension.set_criticality(true);
    extension
}

/// 2030-01-01, when everything of this module is valid.
pub(crate) fn now() -> UnixTime {
    at(2030, 1, 1)
}

pub(crate) fn at(year: i32, month: u8, day: u8) -> UnixTime {
    let seconds = date_time_ymd(year, month, day).unix_timestamp();
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap()))
}

/// A certificate that lies in this crate's folder of old ones.
pub(crate) fn old(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    std::fs::read(path).unwrap()
}

pub(crate) fn chain<'a>(ders: &[&'a [u8]]) -> Vec<CertificateDer<'a>> {
    ders.iter().map(|der| CertificateDer::from(*der)).collect()
}

/// Judges with every check at [`now`].
pub(crate) fn judge(view: &View, ders: &[&[u8]], name: &NameCheck) -> Verdict {
    judge_at(view, ders, name, now())
}

pub(crate) fn judge_at(view: &View, ders: &[&[u8]], name: &NameCheck, at: UnixTime) -> Verdict {
    view.judge(
        &chain(ders),
        &Question {
            name,
            at,
            checks: Checks::all(),
        },
    )
}

pub(crate) fn address(name: &str) -> NameCheck {
    NameCheck::Address(name.to_owned())
}

pub(crate) fn server() -> ServerName {
    ServerName::new("TSM1")
}

/// A scope table in which each certificate is of a kind, for the server of [`server`].
pub(crate) fn scope(rows: &[(&[u8], CertificateKind)]) -> ScopeTable {
    let rows = rows
        .iter()
        .map(|(der, kind)| (fingerprint(der), row(*kind, &["TSM1"])))
        .collect();
    ScopeTable { rows }
}

pub(crate) fn row(kind: CertificateKind, names: &[&str]) -> ScopeRow {
    let names: BTreeSet<_> = names.iter().map(|name| ServerName::new(*name)).collect();
    ScopeRow {
        kind,
        servers: Servers::Named(names),
    }
}

pub(crate) fn for_any(kind: CertificateKind) -> ScopeRow {
    ScopeRow {
        kind,
        servers: Servers::Any,
    }
}

/// Stores in memory, each with contents that no other test has.
pub(crate) struct Stores {
    pub(crate) kernel: Kernel,
    pub(crate) names: Vec<String>,
    pub(crate) contents: Vec<Arc<Contents>>,
}

impl Stores {
    /// Stores of these names with every default.
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::with(names, |_, plan| plan)
    }

    /// Stores whose plans are changed.
    pub(crate) fn with(names: &[&str], change: impl Fn(&str, StorePlan) -> StorePlan) -> Self {
        Self::with_clock(names, change, &crate::Clock::monotonic())
    }

    pub(crate) fn with_clock(
        names: &[&str],
        change: impl Fn(&str, StorePlan) -> StorePlan,
        clock: &crate::Clock,
    ) -> Self {
        let options = KernelOptions::default().with_clock(clock.clone());
        Self::with_options(names, change, options)
    }

    pub(crate) fn with_options(
        names: &[&str],
        change: impl Fn(&str, StorePlan) -> StorePlan,
        options: KernelOptions,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let plugins = [&PLUGIN, &whole::PLUGIN, &gate::PLUGIN].map(|plugin| plugin.builtin());
        let registry = Registry::of(plugins.map(|plugin| Plugin::builtin(plugin).unwrap()));
        let mut contents = Vec::new();
        let plans = names
            .iter()
            .map(|name| {
                let unique = format!("kernel-test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
                contents.push(Contents::named(&unique));
                let plan = StorePlan::new(*name, MEMORY, Path::new("/"))
                    .with_setting("contents", Value::String(unique));
                change(name, plan)
            })
            .collect();
        Self {
            kernel: Kernel::open(plans, &registry, options),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            contents,
        }
    }

    /// What they hold for the server of [`server`].
    pub(crate) fn view(&self, scope: ScopeTable) -> View {
        self.kernel.view(&server(), &self.names, scope)
    }
}

pub(crate) fn digest(der: &[u8]) -> Fingerprint {
    fingerprint(der)
}

pub(crate) use gate::{GATED, Gate};
pub(crate) use hands::Hands;
pub(crate) use whole::WHOLE;

pub(crate) const MEMORY: &str = "anchorhold.testing.memory";
