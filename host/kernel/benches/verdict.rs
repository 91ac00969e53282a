//! Verdicts and snapshots beside plain rustls-webpki, in one run on one machine.
//!
//! `webpki-all` hands rustls-webpki every anchor, as a client does that knows no better; `webpki-one`
//! hands it the only one that fits. Both parse the end entity, validate the path and check the name,
//! which is less than a verdict does. Only ratios between lines of one run mean anything.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up says so and ends"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use anchorhold_boundary::Plugin;
use anchorhold_boundary::item::Item;
use anchorhold_kernel::certificate::fingerprint;
use anchorhold_kernel::plan::{StorePlan, StoreScope};
use anchorhold_kernel::{
    CertificateKind, Checks, Kernel, KernelOptions, NameCheck, Question, Registry, ScopeRow,
    ScopeTable, ServerName, Servers, Snapshot, View,
};
use anchorhold_sdk::testing::{Contents, Held, PLUGIN};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SignatureAlgorithm, date_time_ymd,
};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

const SIZES: [usize; 3] = [150, 10_000, 100_000];
const NAME: &str = "db1.example";

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500))
        .without_plots();
    targets = paths, rsa, pins, snapshots
}
criterion_main!(benches);

/// Chains of two and of three certificates, ECDSA P-256.
fn paths(criterion: &mut Criterion) {
    let pki = Pki::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    for size in SIZES {
        let anchors = pki.anchors(size);
        let view = view_of_store(&anchors, &pki.root, size);
        compare(
            criterion,
            "2-certificates",
            size,
            &pki,
            &anchors,
            &view,
            &[&pki.direct],
        );
        let three: [&[u8]; 2] = [&pki.leaf, &pki.middle];
        compare(
            criterion,
            "3-certificates",
            size,
            &pki,
            &anchors,
            &view,
            &three,
        );
    }
}

/// A chain of three certificates, RSA 2048.
fn rsa(criterion: &mut Criterion) {
    let pki = Pki::new(&rcgen::PKCS_RSA_SHA256);
    let anchors = pki.anchors(SIZES[0]);
    let view = view_of_store(&anchors, &pki.root, SIZES[0]);
    let three: [&[u8]; 2] = [&pki.leaf, &pki.middle];
    compare(
        criterion,
        "3-certificates-rsa",
        SIZES[0],
        &pki,
        &anchors,
        &view,
        &three,
    );
}

/// A pinned certificate among others, all of which have a row in the scope table.
fn pins(criterion: &mut Criterion) {
    let pki = Pki::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    let mut group = criterion.benchmark_group("pin");
    for size in SIZES {
        let anchors = pki.anchors(size);
        let view = view_of_store(&anchors, &pki.direct, size);
        let chain = [CertificateDer::from(&pki.direct[..])];
        let question = question();
        assert!(view.judge(&chain, &question).trusted);
        group.bench_function(BenchmarkId::new("anchorhold", size), |bencher| {
            bencher.iter(|| black_box(view.judge(black_box(&chain), &question)));
        });
    }
}

/// What a listing costs before its first verdict.
fn snapshots(criterion: &mut Criterion) {
    let pki = Pki::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10);
    for size in SIZES {
        let anchors = pki.anchors(size);
        let items: Vec<Item> = anchors
            .iter()
            .map(|der| Item::certificate(der.clone(), "label".to_owned()))
            .collect();
        group.bench_function(BenchmarkId::new("anchorhold", size), |bencher| {
            bencher.iter_batched(
                || items.clone(),
                |items| Snapshot::new(1, items),
                criterion::BatchSize::PerIteration,
            );
        });
        let ders: Vec<CertificateDer<'_>> = anchors
            .iter()
            .map(|der| CertificateDer::from(&der[..]))
            .collect();
        group.bench_function(BenchmarkId::new("webpki-anchors", size), |bencher| {
            bencher.iter(|| {
                ders.iter()
                    .map(|der| anchor_from_trusted_cert(der).unwrap())
                    .collect::<Vec<_>>()
            });
        });
    }
}

/// One chain, judged by a view and by webpki with every anchor and with one.
fn compare(
    criterion: &mut Criterion,
    name: &str,
    size: usize,
    pki: &Pki,
    anchors: &[Vec<u8>],
    view: &View,
    presented: &[&[u8]],
) {
    let chain: Vec<CertificateDer<'_>> = presented
        .iter()
        .map(|der| CertificateDer::from(*der))
        .collect();
    let question = question();
    assert!(view.judge(&chain, &question).trusted);
    let mut group = criterion.benchmark_group(name);
    group.bench_function(BenchmarkId::new("anchorhold", size), |bencher| {
        bencher.iter(|| black_box(view.judge(black_box(&chain), &question)));
    });
    let ders: Vec<CertificateDer<'_>> = anchors
        .iter()
        .map(|der| CertificateDer::from(&der[..]))
        .collect();
    let all: Vec<TrustAnchor<'_>> = ders
        .iter()
        .map(|der| anchor_from_trusted_cert(der).unwrap())
        .collect();
    let root = CertificateDer::from(&pki.root[..]);
    let one = [anchor_from_trusted_cert(&root).unwrap()];
    for (peer, anchors) in [("webpki-all", &all[..]), ("webpki-one", &one[..])] {
        group.bench_function(BenchmarkId::new(peer, size), |bencher| {
            bencher.iter(|| plain(black_box(&chain), anchors));
        });
    }
}

/// What rustls is given by its provider.
static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> = LazyLock::new(|| {
    rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms
});

/// What rustls does without us.
fn plain(chain: &[CertificateDer<'_>], anchors: &[TrustAnchor<'_>]) {
    let end_entity = EndEntityCert::try_from(&chain[0]).unwrap();
    let usage = KeyUsage::server_auth();
    end_entity
        .verify_for_usage(
            ALGORITHMS.all,
            anchors,
            &chain[1..],
            now(),
            usage,
            None,
            None,
        )
        .unwrap();
    let name = rustls_pki_types::ServerName::try_from(NAME).unwrap();
    end_entity.verify_is_valid_for_subject_name(&name).unwrap();
}

/// A view of one store behind the contract, in which `held` vouches for one server and everything
/// else for another.
fn view_of_store(anchors: &[Vec<u8>], held: &[u8], size: usize) -> View {
    let contents = Contents::named(&format!("bench-{size}"));
    let items = anchors.iter().map(|der| Held::anchor(der.clone(), "label"));
    let pin = anchors.iter().all(|der| der != held);
    contents.replace(
        items
            .chain(pin.then(|| Held::anchor(held, "label")))
            .collect(),
    );
    let mut plan = StorePlan::new(
        format!("bench-{size}"),
        "anchorhold.testing.memory",
        Path::new("/"),
    );
    plan.scope = StoreScope::Imported;
    plan.timeout = Duration::from_secs(60);
    let registry = Registry::of([Plugin::builtin(PLUGIN.builtin()).unwrap()]);
    let kernel = Kernel::open(vec![plan], &registry, KernelOptions::default());
    let row = |kind, name: &str| ScopeRow {
        kind,
        servers: Servers::Named(BTreeSet::from([ServerName::new(name)])),
    };
    let mut rows: BTreeMap<_, _> = anchors
        .iter()
        .map(|der| (fingerprint(der), row(CertificateKind::Anchor, "TSM2")))
        .collect();
    let kind = if pin {
        CertificateKind::Pin
    } else {
        CertificateKind::Anchor
    };
    rows.insert(fingerprint(held), row(kind, "TSM1"));
    kernel.view(
        &ServerName::new("TSM1"),
        &[format!("bench-{size}")],
        ScopeTable { rows },
    )
}

/// A root, an intermediate and two leaves.
struct Pki {
    root: Vec<u8>,
    middle: Vec<u8>,
    leaf: Vec<u8>,
    direct: Vec<u8>,
    template: Vec<u8>,
}

impl Pki {
    fn new(algorithm: &'static SignatureAlgorithm) -> Self {
        let key = || KeyPair::generate_for(algorithm).unwrap();
        let (root_key, middle_key, leaf_key) = (key(), key(), key());
        let root_params = ca("Root");
        let root = root_params.self_signed(&root_key).unwrap().der().to_vec();
        let root_issuer = Issuer::from_params(&root_params, &root_key);
        let middle_params = ca("Middle");
        let middle = middle_params
            .signed_by(&middle_key, &root_issuer)
            .unwrap()
            .der()
            .to_vec();
        let middle_issuer = Issuer::from_params(&middle_params, &middle_key);
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "leaf");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(2021, 1, 1);
        params.not_after = date_time_ymd(2035, 1, 1);
        Self {
            leaf: params
                .signed_by(&leaf_key, &middle_issuer)
                .unwrap()
                .der()
                .to_vec(),
            direct: params
                .signed_by(&leaf_key, &root_issuer)
                .unwrap()
                .der()
                .to_vec(),
            template: ca(PLACE).self_signed(&root_key).unwrap().der().to_vec(),
            root,
            middle,
        }
    }

    /// Anchors that need not verify, with the root in their midst.
    fn anchors(&self, size: usize) -> Vec<Vec<u8>> {
        let mut anchors: Vec<Vec<u8>> = (0..size)
            .map(|number| patched(&self.template, number))
            .collect();
        anchors[size / 2] = self.root.clone();
        anchors
    }
}

/// The template under another name.
fn patched(template: &[u8], number: usize) -> Vec<u8> {
    let mut der = template.to_vec();
    let name = format!("Anchor {number:013}");
    let places: Vec<usize> = der
        .windows(PLACE.len())
        .enumerate()
        .filter(|(_, window)| *window == PLACE.as_bytes())
        .map(|(place, _)| place)
        .collect();
    for place in places {
        der[place..place + name.len()].copy_from_slice(name.as_bytes());
    }
    der
}

/// As long as a patched name.
const PLACE: &str = "Anchor XXXXXXXXXXXXX";

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Anchorhold");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

fn question() -> Question<'static> {
    static CHECK: LazyLock<NameCheck> = LazyLock::new(|| NameCheck::Address(NAME.to_owned()));
    Question {
        name: &CHECK,
        at: now(),
        checks: Checks::all(),
    }
}

/// 2030-01-01.
fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_893_456_000))
}
