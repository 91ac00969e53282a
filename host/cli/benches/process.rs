//! Whole processes beside each other in one run: a cold start to one verdict, doing nothing, and
//! verdicts beside a runner.
//!
//! The peer is rustls-webpki over a PEM file of the same anchors that is parsed at start, run as
//! a process of its own. Only the ratios of one run count: a shared machine is noisy.
//!
//! `cargo bench -p anchorhold --bench process`

#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use anchorhold_boundary::link::Program;
use anchorhold_boundary::manifest::Value;
use anchorhold_formats::{p12, pem, sth};
use anchorhold_kernel::plan::{Isolation, StorePlan, StoreScope};
use anchorhold_kernel::{
    Checks, Kernel, KernelOptions, NameCheck, Question, Registry, ScopeTable, ServerName,
};
use anchorhold_keydb as _;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [150, 10_000, 100_000];
const ROUNDS: usize = 15;
const PASSWORD: &str = "a password of a bench, and no secret";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, anchors, chain] = &arguments[..]
        && word == "peer"
    {
        peer(Path::new(anchors), Path::new(chain));
        return;
    }
    if let [_, word] = &arguments[..]
        && word == "derivation"
    {
        println!("{}", derivation().as_secs_f64());
        return;
    }
    idle();
    let derivation = derivation();
    println!("key derivation of an empty key database: {derivation:.2?}, not counted below");
    for size in SIZES {
        cold_start(size, derivation);
    }
    runner_beside_verdicts(150);
}

/// `--version`, and `list` on an empty home: wall and processor time.
fn idle() {
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("home");
    let version = [Path::new("--version")];
    let list = [Path::new("--home"), &empty, Path::new("list")];
    for (what, arguments) in [("--version", &version[..]), ("list, empty home", &list)] {
        let before = processor_time();
        let wall = median(200, || run(&program(), arguments));
        let cpu = (processor_time() - before) / 200;
        println!("{what}: {wall:.2?} wall, {cpu:.2?} processor");
    }
}

fn cold_start(size: usize, derivation: Duration) {
    let home = Home::with(size);
    let chain = home.path("chain.pem");
    let us = [
        Path::new("--home"),
        home.directory.path(),
        Path::new("verify"),
        &chain,
        Path::new("--server"),
        Path::new("bench"),
    ];
    let anchors = home.path("anchors.pem");
    let them = [Path::new("peer"), &anchors, &chain];
    let itself = std::env::current_exe().unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(run(&program(), &us).saturating_sub(derivation));
        theirs.push(run(&itself, &them));
    }
    let (ours, theirs) = (middle(ours), middle(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "cold start, {size} anchors: {ours:.2?}, rustls-webpki from PEM {theirs:.2?}, \
         ratio {ratio:.2}"
    );
}

/// What a runner costs a warm verdict: the same key database in this process and in a runner, each
/// looked at and judged by in turns.
fn runner_beside_verdicts(size: usize) {
    let home = Home::with(size);
    let path = Value::String("stores/anchorhold.p12".to_owned());
    let open = |isolation| {
        let mut plan = StorePlan::new("keydb", "anchorhold.keydb", home.directory.path())
            .with_setting("path", path.clone());
        plan.isolation = Some(isolation);
        plan.scope = StoreScope::Any;
        let runner = Program {
            path: program(),
            arguments: vec!["runner".into()],
        };
        let options = KernelOptions::default().with_program(runner);
        Kernel::open(vec![plan], &Registry::builtin(), options)
    };
    let kernels = [Isolation::InProcess, Isolation::Runner].map(open);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(home.path("chain.pem"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let name = NameCheck::Address("127.0.0.1".to_owned());
    let (server, stores) = (ServerName::new("bench"), ["keydb".to_owned()]);
    let judge = |kernel: &Kernel| {
        let started = Instant::now();
        let view = kernel.view(&server, &stores, ScopeTable::default());
        let question = Question {
            name: &name,
            at: UnixTime::now(),
            checks: Checks::all(),
        };
        let verdict = view.judge(&chain, &question);
        assert!(verdict.trusted, "{}", verdict.message);
        started.elapsed()
    };
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..20_000 {
        for (kernel, times) in kernels.iter().zip(&mut times) {
            times.push(judge(kernel));
        }
    }
    let [here, there] = times.map(middle);
    println!(
        "warm verdict, {size} anchors: {here:.2?} with the store in this process, {there:.2?} \
         with it in a runner, ratio {:.2}",
        there.as_secs_f64() / here.as_secs_f64()
    );
}

/// A home whose key database holds one anchor that matters among many that do not.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn with(size: usize) -> Self {
        let home = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let (anchor, chain) = chain();
        let mut anchors = vec![anchor.clone()];
        anchors.extend((1..size).map(|number| decoy(&anchor, number)));
        let text: String = anchors.iter().map(|anchor| pem::write(anchor)).collect();
        fs::write(home.path("anchors.pem"), text).unwrap();
        let text: String = chain.iter().map(|link| pem::write(link)).collect();
        fs::write(home.path("chain.pem"), text).unwrap();
        home.write_database(&anchors);
        home.write_configuration();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write_database(&self, anchors: &[Vec<u8>]) {
        let stores = self.path("stores");
        fs::create_dir(&stores).unwrap();
        private(&stores, 0o700);
        let labels: Vec<String> = (0..anchors.len())
            .map(|number| number.to_string())
            .collect();
        let entries: Vec<_> = anchors
            .iter()
            .zip(&labels)
            .map(|(der, label)| p12::Entry { label, der })
            .collect();
        let random = p12::Randomness {
            salt: [1; 16],
            iv: [2; 16],
            mac_salt: [3; 16],
        };
        let bytes = p12::write(&entries, &mut p12::Password::new(PASSWORD), &random).unwrap();
        let filler = [5; sth::MAX_PASSWORD];
        let stash = sth::write_v2(PASSWORD.as_bytes(), &[4; 32], &filler)
            .unwrap()
            .to_vec();
        for (name, bytes) in [("anchorhold.p12", bytes), ("anchorhold.sth", stash)] {
            fs::write(stores.join(name), bytes).unwrap();
            private(&stores.join(name), 0o600);
        }
    }

    fn write_configuration(&self) {
        let text = "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\nscope = \"any\"\n\
                    settings = { path = \"stores/anchorhold.p12\" }\n\
                    [server.bench]\naddress = \"127.0.0.1:1500\"\n";
        fs::write(self.path("anchorhold.toml"), text).unwrap();
        private(&self.path("anchorhold.toml"), 0o600);
    }
}

/// A root, an intermediate and a leaf for 127.0.0.1; the root, and what a server presents.
fn chain() -> (Vec<u8>, Vec<Vec<u8>>) {
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let (root_key, middle_key, leaf_key) = (
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
    );
    let root_params = ca("Bench Root 0000000 of many");
    let root = root_params.self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(root_params, root_key);
    let middle_params = ca("Bench Intermediate");
    let middle = middle_params.signed_by(&middle_key, &root_issuer).unwrap();
    let middle_issuer = Issuer::new(middle_params, middle_key);
    let mut params = CertificateParams::default();
    params
        .subject_alt_names
        .push(SanType::IpAddress("127.0.0.1".parse().unwrap()));
    params
        .extended_key_usages
        .push(ExtendedKeyUsagePurpose::ServerAuth);
    let leaf = params.signed_by(&leaf_key, &middle_issuer).unwrap();
    (
        root.der().to_vec(),
        vec![leaf.der().to_vec(), middle.der().to_vec()],
    )
}

/// The root under another name; nobody looks at its signature. Behind the number stands more
/// text, because a zero is also the byte that begins a SEQUENCE.
fn decoy(root: &[u8], number: usize) -> Vec<u8> {
    let mut der = root.to_vec();
    let name = format!("{number:07}");
    let places: Vec<usize> = der
        .windows(name.len())
        .enumerate()
        .filter_map(|(at, window)| (window == b"0000000").then_some(at))
        .collect();
    for at in places {
        der[at..at + name.len()].copy_from_slice(name.as_bytes());
    }
    der
}

/// The same question to rustls-webpki, as a program would that reads a PEM file at start.
fn peer(anchors: &Path, chain: &Path) {
    let anchors: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(anchors)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let anchors: Vec<_> = anchors
        .iter()
        .map(|anchor| webpki::anchor_from_trusted_cert(anchor).unwrap())
        .collect();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let (leaf, rest) = chain.split_first().unwrap();
    let leaf = webpki::EndEntityCert::try_from(leaf).unwrap();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        rest,
        UnixTime::now(),
        webpki::KeyUsage::server_auth(),
        None,
        None,
    )
    .unwrap();
    let name = rustls_pki_types::ServerName::try_from("127.0.0.1").unwrap();
    leaf.verify_is_valid_for_subject_name(&name).unwrap();
    println!("trusted");
}

/// Twice the derivation of one key, as a key database needs it: to authenticate and to decrypt.
fn derivation() -> Duration {
    let random = p12::Randomness {
        salt: [1; 16],
        iv: [2; 16],
        mac_salt: [3; 16],
    };
    let (anchor, _) = chain();
    let entries = [p12::Entry {
        label: "anchor",
        der: &anchor,
    }];
    let bytes = p12::write(&entries, &mut p12::Password::new(PASSWORD), &random).unwrap();
    median(20, || {
        let begun = Instant::now();
        p12::read(bytes.clone(), &mut p12::Password::new(PASSWORD)).unwrap();
        begun.elapsed()
    })
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_anchorhold"))
}

fn run(program: &Path, arguments: &[&Path]) -> Duration {
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let took = begun.elapsed();
    assert!(
        status.success(),
        "{} {arguments:?}: {status}",
        program.display()
    );
    took
}

fn median(rounds: usize, mut one: impl FnMut() -> Duration) -> Duration {
    middle((0..rounds).map(|_| one()).collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The processor time of all children so far, by the kernel's clock of 100 ticks a second.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(|t| t.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
