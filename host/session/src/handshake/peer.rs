//! Peers on 127.0.0.1 for tests: TLS servers, honest and not, and some that speak no TLS.

use rcgen::{CertificateParams, CustomExtension, KeyPair, PublicKeyData};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion, version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Both versions of TLS.
pub(crate) static BOTH: &[&SupportedProtocolVersion] = &[&version::TLS12, &version::TLS13];
/// TLS 1.2.
pub(crate) static TLS_1_2: &[&SupportedProtocolVersion] = &[&version::TLS12];
/// TLS 1.3.
pub(crate) static TLS_1_3: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// A server that lives as long as this does.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Peer {
    /// Does the same with each connection.
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self { address, serving }
    }

    /// Shakes hands, hands the connection to a test where it wants one, and keeps it open.
    pub(crate) async fn tls(config: ServerConfig) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::start(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    hold(stream).await;
                }
            }
        })
        .await
    }

    /// Waits for the whole first record, and answers with these bytes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                hello(&mut stream).await;
                stream.write_all(&answer).await.expect("sent");
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        })
        .await
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Reads the client's first record.
pub(crate) async fn hello(stream: &mut TcpStream) {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.expect("a header");
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    stream
        .read_exact(&mut vec![0; length])
        .await
        .expect("a record");
}

/// Keeps a connection and reads nothing.
async fn hold(stream: TlsStream<TcpStream>) {
    let _stream = stream;
    std::future::pending().await
}

/// A self-signed certificate and its key.
pub(crate) struct Paper {
    pub(crate) der: CertificateDer<'static>,
    key: Vec<u8>,
    public: Vec<u8>,
}

impl Paper {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A certificate with a critical extension that nobody knows.
    pub(crate) fn strange() -> Self {
        Self::with(|params| {
            let mut strange =
                CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999], vec![5, 0]);
            strange.set_criticality(true);
            params.custom_extensions = vec![strange];
        })
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        change(&mut params);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            der: certificate.into(),
            key: key.serialize_der(),
            public: key.subject_public_key_info(),
        }
    }

    /// The key's SubjectPublicKeyInfo.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn signing(&self) -> Arc<dyn SigningKey> {
        let key = PrivateKeyDer::try_from(self.key.clone()).expect("a key");
        let provider = aws_lc_rs::default_provider();
        let loaded = provider.key_provider.load_private_key(key);
        loaded.expect("a key that signs")
    }

    /// A server that presents this certificate, and that one's key signs for it.
    pub(crate) fn signed_by(
        &self,
        other: &Self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        config(vec![self.der.clone()], other.signing(), versions)
    }

    /// The same, which wants a certificate of the client and takes any.
    pub(crate) fn wanting(
        &self,
        other: &Self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        asking(
            self.der.clone(),
            other.signing(),
            versions,
            Wanting { takes: true },
        )
    }

    /// An honest server that wants a certificate of the client and takes none.
    pub(crate) fn refusing(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        asking(
            self.der.clone(),
            self.signing(),
            versions,
            Wanting { takes: false },
        )
    }

    /// An honest server.
    pub(crate) fn server(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        self.signed_by(self, versions)
    }
}

/// A server that presents an RSA certificate without having its key.
pub(crate) fn forging(
    der: &'static [u8],
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    config(vec![CertificateDer::from(der)], Arc::new(Forger), versions)
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let certified = CertifiedKey::new(chain, key);
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
}

fn asking(
    der: CertificateDer<'static>,
    key: Arc<dyn SigningKey>,
    versions: &[&'static SupportedProtocolVersion],
    wanting: Wanting,
) -> ServerConfig {
    let certified = CertifiedKey::new(vec![der], key);
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_client_cert_verifier(Arc::new(wanting))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
}

/// Wants a certificate of the client, and lets any signature pass.
#[derive(Debug)]
struct Wanting {
    takes: bool,
}

impl ClientCertVerifier for Wanting {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.takes {
            true => Ok(ClientCertVerified::assertion()),
            false => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// Signs without a key.
#[derive(Debug)]
struct Forger;

impl SigningKey for Forger {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer: Box<dyn Signer> = Box::new(Self);
        let fits = offered.contains(&signer.scheme());
        fits.then_some(signer)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for Forger {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![7; 128])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PSS_SHA256
    }
}
