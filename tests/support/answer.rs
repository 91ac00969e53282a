//! A server in this process that answers the question for its level, and TLS where it is told to.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::sha256;

/// A server that listens on a port of its own until it is dropped.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The port that it listens on.
    pub(crate) port: u16,
    /// The SHA-256 of its certificate; empty where it speaks no TLS.
    pub(crate) sha256: String,
    certificate: Option<CertificateDer<'static>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the server's threads know.
#[derive(Debug)]
struct Shared {
    level: Mutex<[u16; 4]>,
    /// Whether it hangs up on whoever asks in clear.
    silent: AtomicBool,
    /// What it tells inside TLS, where that is something else.
    inside: Mutex<Option<[u16; 4]>>,
    tls: Option<Arc<ServerConfig>>,
    ended: AtomicBool,
    plain: Mutex<Vec<Vec<u8>>>,
}

impl Answer {
    /// A server before enhanced security: it announces a level and speaks no TLS.
    pub(crate) fn earlier(level: [u16; 4]) -> Self {
        Self::start(level, None)
    }

    /// A server with enhanced security on one port, and the certificate that it made for itself.
    pub(crate) fn enhanced(level: [u16; 4]) -> Self {
        Self::start(level, Some(stock()))
    }

    /// The same, with the certificate of another server, whose key it does not have.
    pub(crate) fn thief(level: [u16; 4], victim: &Self) -> Self {
        let stolen = victim.certificate.clone().expect("it has one");
        let (_, own_key) = stock();
        Self::start(level, Some((stolen, own_key)))
    }

    /// From now on it announces another level.
    pub(crate) fn announces(&self, level: [u16; 4]) {
        *self.shared.level.lock().expect("not poisoned") = level;
    }

    /// From now on it tells this level inside TLS, whatever it announces in clear.
    pub(crate) fn tells_inside(&self, level: [u16; 4]) {
        *self.shared.inside.lock().expect("not poisoned") = Some(level);
    }

    /// From now on it hangs up on whoever asks in clear.
    pub(crate) fn is_silent_in_clear(&self) {
        self.shared.silent.store(true, Ordering::SeqCst);
    }

    /// What came on each connection that was not TLS, in the order in which they ended.
    pub(crate) fn plain(&self) -> Vec<Vec<u8>> {
        self.shared.plain.lock().expect("not poisoned").clone()
    }

    /// What came in clear beyond the question for the level and a TLS handshake.
    pub(crate) fn plain_words(&self) -> Vec<Vec<u8>> {
        let mut words = self.plain();
        words.retain(|word| {
            !word.is_empty() && *word != QUESTION && word.first() != Some(&HANDSHAKE)
        });
        words
    }

    fn start(level: [u16; 4], identity: Option<(CertificateDer<'static>, KeyPair)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let certificate = identity
            .as_ref()
            .map(|(certificate, _)| certificate.clone());
        let shared = Arc::new(Shared {
            level: Mutex::new(level),
            silent: AtomicBool::new(false),
            inside: Mutex::default(),
            tls: identity.map(|(certificate, key)| configuration(certificate, &key)),
            ended: AtomicBool::new(false),
            plain: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serving.serve(&listener));
        Self {
            port,
            sha256: certificate.as_deref().map(sha256).unwrap_or_default(),
            certificate,
            shared,
            thread: Some(thread),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The thread waits for a connection; this one tells it to look whether it is to end.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends");
        }
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let shared = Arc::clone(self);
            // A client that is killed in the middle of it all is what this server is for.
            std::thread::spawn(move || stream.and_then(|stream| shared.greet(stream)));
        }
    }

    fn greet(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut first = [0];
        if stream.peek(&mut first)? == 1
            && first[0] == HANDSHAKE
            && let Some(tls) = &self.tls
        {
            let mut connection =
                ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
            let mut stream = Stream::new(&mut connection, &mut stream);
            let inside = *self.inside.lock().expect("not poisoned");
            self.answer(&mut stream, inside)?;
            stream.conn.send_close_notify();
            return stream.conn.complete_io(stream.sock).map(drop);
        }
        if self.silent.load(Ordering::SeqCst) {
            return stream.shutdown(Shutdown::Both);
        }
        let received = self.answer(&mut stream, None);
        self.plain.lock().expect("not poisoned").push(received?);
        stream.shutdown(Shutdown::Both)
    }

    /// Answers the question wherever it is asked, and takes down everything until the peer ends.
    fn answer(
        &self,
        stream: &mut (impl Read + Write),
        instead: Option<[u16; 4]>,
    ) -> io::Result<Vec<u8>> {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let length = match stream.read(&mut buffer) {
                Ok(0) => return Ok(received),
                Ok(length) => length,
                // A peer that resets the connection has said all that it will.
                Err(_) if !received.is_empty() => return Ok(received),
                Err(error) => return Err(error),
            };
            received.extend_from_slice(&buffer[..length]);
            if received.starts_with(&QUESTION) {
                let announced = *self.level.lock().expect("not poisoned");
                stream.write_all(&identify(instead.unwrap_or(announced)))?;
                stream.flush()?;
                return Ok(received);
            }
            // Whoever speaks TLS to a server that knows none is answered as such servers do.
            if received[0] == HANDSHAKE {
                return Ok(received);
            }
        }
    }
}

/// The answer to the question for the level, without any string.
fn identify(level: [u16; 4]) -> Vec<u8> {
    let mut answer = vec![0; 45];
    answer[1] = 45;
    answer[2] = 0x1E;
    answer[3] = 0xA5;
    for (at, number) in level.iter().enumerate() {
        let at = 21 + 2 * at;
        answer[at..at + 2].copy_from_slice(&number.to_be_bytes());
    }
    answer
}

/// The certificate that every server of the vendor makes for itself, with a key of its own.
fn stock() -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "US");
    name.push(DnType::OrganizationName, "TSM");
    name.push(DnType::OrganizationalUnitName, "TSM Network");
    name.push(DnType::CommonName, "TSM Self-Signed Certificate");
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name;
    let certificate = parameters.self_signed(&key).expect("signed");
    (certificate.der().clone(), key)
}

/// Whether the key is that of the certificate is not asked here.
fn configuration(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS #8");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = provider
        .key_provider
        .load_private_key(key)
        .expect("a key that signs");
    let identity = CertifiedKey::new(vec![certificate], key);
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .expect("versions");
    let resolver = Arc::new(SingleCertAndKey::from(identity));
    Arc::new(builder.with_no_client_auth().with_cert_resolver(resolver))
}

const QUESTION: [u8; 4] = [0x00, 0x04, 0x1D, 0xA5];

/// The first byte of every TLS connection.
const HANDSHAKE: u8 = 0x16;

/// How long a silent peer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
