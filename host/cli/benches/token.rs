//! A token behind a runner beside the same token called directly, in one run: listings, signatures,
//! and what a client's key on it adds to a TLS handshake.
//!
//! The token is one of SoftHSM, which signs in software: the differences are what this program
//! costs, and a device costs more. Only the ratios of one run count: a shared machine is noisy.
//!
//! `cargo bench -p anchorhold --bench token`

#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::Program;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::plan::{SecretSource, StorePlan};
use anchorhold_kernel::{Kernel, KernelOptions, KeyPair as Pair, Registry, Unlocking};
use anchorhold_pkcs11 as _;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    ServerConnection, SignatureAlgorithm, SignatureScheme,
};
use sha2::{Digest, Sha256};

const MODULES: [&str; 2] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];
/// ECDSA on P-256 with SHA-256.
const SCHEME: u16 = 0x0403;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, home] = &arguments[..]
        && word == "measure"
    {
        measure(Path::new(home));
        return;
    }
    let Some(module) = MODULES.iter().find(|module| Path::new(module).is_file()) else {
        println!("SoftHSM is not installed: nothing is measured");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::create_dir(path("tokens")).unwrap();
    let text = format!("directories.tokendir = {}\n", path("tokens").display());
    fs::write(path("softhsm2.conf"), text).unwrap();
    fs::write(path("module"), module).unwrap();
    fs::write(path("pin"), "1234").unwrap();
    fs::set_permissions(path("pin"), fs::Permissions::from_mode(0o600)).unwrap();
    let words = "--init-token --free --label bench --so-pin 12345678 --pin 1234";
    let run = |command: &mut Command| {
        command.env("SOFTHSM2_CONF", path("softhsm2.conf"));
        assert!(command.status().unwrap().success());
    };
    run(Command::new("softhsm2-util").args(words.split(' ')));
    // The module reads its environment at its start, which this process has behind it.
    run(Command::new(std::env::current_exe().unwrap())
        .arg("measure")
        .arg(home.path()));
}

fn measure(home: &Path) {
    let module = fs::read_to_string(home.join("module")).unwrap();
    let direct = Direct::new(&module);
    let kernel = kernel(home, &module);
    let store = kernel.store("hsm").unwrap();
    for size in [10, 1000] {
        direct.fill(size);
        assert_eq!(store.fresh_snapshot().unwrap().items().len(), size);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..30 {
            ours.push(timed(|| drop(store.fresh_snapshot().unwrap())));
            theirs.push(timed(|| assert_eq!(direct.list(), size)));
        }
        tell(&format!("list {size} certificates"), ours, theirs);
    }
    direct.clear();
    let certificate = direct.make_key();
    let pair = store.key_pair("client", Unlocking::Stored).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        ours.push(timed(|| {
            store
                .sign(&pair.key, SCHEME, b"a message")
                .map(drop)
                .unwrap();
        }));
        theirs.push(timed(|| direct.sign(b"a message")));
    }
    tell("sign, ECDSA P-256", ours, theirs);
    handshakes(&Arc::new(kernel), &pair, &certificate);
}

fn tell(what: &str, ours: Vec<Duration>, theirs: Vec<Duration>) {
    let (ours, theirs) = (middle(ours), middle(theirs));
    println!(
        "{what}: {ours:.2?} through the runner, {theirs:.2?} called directly, ratio {:.2}, \
         {:.0} a second",
        ours.as_secs_f64() / theirs.as_secs_f64(),
        1.0 / ours.as_secs_f64()
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn kernel(home: &Path, module: &str) -> Kernel {
    let path = |name: &str| home.join(name).display().to_string();
    let mut plan = StorePlan::new("hsm", "anchorhold.pkcs11", home)
        .with_setting("module", Value::String(module.to_owned()))
        .with_setting("token", Value::String("bench".to_owned()));
    plan.env = [("SOFTHSM2_CONF".to_owned(), path("softhsm2.conf"))].into();
    plan.grants = [
        format!("read:{}", path("softhsm2.conf")),
        format!("write:{}", path("tokens")),
    ]
    .iter()
    .map(|grant| Grant::parse(grant).unwrap())
    .collect();
    let pin = SecretSource::File(PathBuf::from(path("pin")));
    plan.secrets = [("pin".to_owned(), pin)].into();
    let program = Program {
        path: env!("CARGO_BIN_EXE_anchorhold").into(),
        arguments: vec!["runner".into()],
    };
    let options = KernelOptions::default().with_program(program);
    Kernel::open(vec![plan], &Registry::builtin(), options)
}

/// The same token, called through its C interface in this process.
struct Direct {
    session: Session,
}

impl Direct {
    fn new(module: &str) -> Self {
        let module = Pkcs11::new(module).unwrap();
        let flags = CInitializeFlags::OS_LOCKING_OK;
        module.initialize(CInitializeArgs::new(flags)).unwrap();
        let slot = module.get_slots_with_initialized_token().unwrap()[0];
        let session = module.open_rw_session(slot).unwrap();
        session
            .login(UserType::User, Some(&AuthPin::new("1234".into())))
            .unwrap();
        Self { session }
    }

    fn clear(&self) {
        let all = [Attribute::Class(ObjectClass::CERTIFICATE)];
        for handle in self.session.find_objects(&all).unwrap() {
            self.session.destroy_object(handle).unwrap();
        }
    }

    /// Puts so many certificates on the token, and nothing else.
    fn fill(&self, size: usize) {
        self.clear();
        let key = KeyPair::generate().unwrap();
        for number in 0..size {
            let mut params = CertificateParams::default();
            let name = format!("CA {number}");
            params.distinguished_name.push(DnType::CommonName, &*name);
            let der = params.self_signed(&key).unwrap().der().to_vec();
            self.put(&der, &name, b"\x01");
        }
    }

    fn put(&self, der: &[u8], label: &str, id: &[u8]) {
        let object = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Subject(b"0\0".to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Id(id.to_vec()),
            Attribute::Value(der.to_vec()),
        ];
        self.session.create_object(&object).unwrap();
    }

    /// What a program reads that lists the certificates: their bytes, labels and identifiers.
    fn list(&self) -> usize {
        let all = [Attribute::Class(ObjectClass::CERTIFICATE)];
        let wanted = [
            AttributeType::Value,
            AttributeType::Label,
            AttributeType::Id,
            AttributeType::CertificateType,
        ];
        let handles = self.session.find_objects(&all).unwrap();
        for handle in &handles {
            assert_eq!(
                self.session.get_attributes(*handle, &wanted).unwrap().len(),
                4
            );
        }
        handles.len()
    }

    /// Makes a key, and a certificate of it beside it.
    fn make_key(&self) -> CertificateDer<'static> {
        let p256 = vec![6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let named = |token| {
            [
                Attribute::Token(token),
                Attribute::Label(b"client".to_vec()),
                Attribute::Id(b"\x02".to_vec()),
            ]
        };
        let mut public = named(true).to_vec();
        public.push(Attribute::EcParams(p256));
        let mut private = named(true).to_vec();
        private.push(Attribute::Sign(true));
        let (public, _) = self
            .session
            .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
            .unwrap();
        let point = self
            .session
            .get_attributes(public, &[AttributeType::EcPoint]);
        let Some(Attribute::EcPoint(point)) = point.unwrap().into_iter().next() else {
            panic!("a key has a point");
        };
        let ca = KeyPair::generate().unwrap();
        let params = CertificateParams::default();
        let issuer = rcgen::Issuer::from_params(&params, &ca);
        let key = OnToken(point[2..].to_vec());
        let certificate = CertificateParams::default()
            .signed_by(&key, &issuer)
            .unwrap();
        self.put(certificate.der(), "client", b"\x02");
        certificate.der().clone()
    }

    fn sign(&self, message: &[u8]) {
        let wanted = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Id(b"\x02".to_vec()),
        ];
        let key = self.session.find_objects(&wanted).unwrap()[0];
        let hash = Sha256::digest(message);
        let signature = self.session.sign(&Mechanism::Ecdsa, key, &hash).unwrap();
        assert_eq!(signature.len(), 64, "{}", MechanismType::ECDSA);
    }
}

/// The public half of a key on the token.
struct OnToken(Vec<u8>);

impl PublicKeyData for OnToken {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// What a client's key on the token adds to a handshake, beside one in memory.
fn handshakes(kernel: &Arc<Kernel>, pair: &Pair, certificate: &CertificateDer<'static>) {
    let file = KeyPair::generate().unwrap();
    let own = CertificateParams::default().self_signed(&file).unwrap();
    let der = PrivateKeyDer::try_from(file.serialize_der()).unwrap();
    let in_memory = aws_lc_rs::sign::any_ecdsa_type(&der).unwrap();
    let in_memory = CertifiedKey::new(vec![own.der().clone()], in_memory);
    let on_token = Arc::new(TokenKey(Arc::clone(kernel), pair.clone()));
    let on_token = CertifiedKey::new(vec![certificate.clone()], on_token);
    let server = server();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        for (key, times) in [(&on_token, &mut ours), (&in_memory, &mut theirs)] {
            let client = client(key);
            times.push(timed(|| shake(client, &server)));
        }
    }
    let (ours, theirs) = (middle(ours), middle(theirs));
    println!(
        "TLS 1.3 handshake, both ends: {ours:.2?} with the client's key on the token, \
         {theirs:.2?} with it in memory, {:.2?} more",
        ours.saturating_sub(theirs)
    );
}

fn client(key: &CertifiedKey) -> ClientConnection {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(key.clone()));
    let name = ServerName::try_from("server").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

fn server() -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::default().self_signed(&key).unwrap();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Anybody))
        .with_single_cert(vec![own.der().clone()], der)
        .unwrap();
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

fn shake(mut client: ClientConnection, config: &Arc<ServerConfig>) {
    let mut server = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut wire = Vec::new();
    while client.is_handshaking() || server.is_handshaking() {
        wire.clear();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut sent = wire.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).unwrap();
            server.process_new_packets().unwrap();
        }
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut sent = wire.as_slice();
        while !sent.is_empty() {
            client.read_tls(&mut sent).unwrap();
            client.process_new_packets().unwrap();
        }
    }
}

/// A key on the token, as TLS uses it.
struct TokenKey(Arc<Kernel>, Pair);

impl SigningKey for TokenKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
        let signer = Self(Arc::clone(&self.0), self.1.clone());
        let signer: Box<dyn Signer> = Box::new(signer);
        offered.contains(&scheme).then_some(signer)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for TokenKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let store = self.0.store("hsm").unwrap();
        let signed = store.sign(&self.1.key, SCHEME, message);
        signed.map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

/// Believes everybody whose signature is right: here only time counts.
#[derive(Debug)]
struct Anybody;

impl Anybody {
    fn verify(
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn schemes() -> Vec<SignatureScheme> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::verify(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        Self::schemes()
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::verify(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        Self::schemes()
    }
}
