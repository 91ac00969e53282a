//! Handshakes in memory, with a held certificate and without.

use std::io::{Read, Write};

use anchorhold_sdk::testing::Held;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::{ClientConnection, ProtocolVersion, ServerConfig, ServerConnection};
use rustls_pki_types::PrivateKeyDer;

use super::*;
use crate::CertificateKind;
use crate::fixture::{Authority, Stores, address, scope, stock_and_key};

/// A server that presents these certificates and holds this key.
fn server(chain: &[&[u8]], key: &KeyPair, alpn: &[&[u8]]) -> Arc<ServerConfig> {
    let chain = chain
        .iter()
        .map(|der| CertificateDer::from(der.to_vec()))
        .collect();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider()))
        .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

/// Lets both ends talk in memory until the handshake is over or one of them gives up.
fn shake(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), Error> {
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut &wire[..]).unwrap();
        let refused = server.process_new_packets().err();
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut &wire[..]).unwrap();
        client.process_new_packets()?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
    }
    panic!("the handshake does not end");
}

fn connect(
    config: ClientConfig,
    server: Arc<ServerConfig>,
) -> (Result<(), Error>, ClientConnection, ServerConnection) {
    let name = ServerName::try_from("db1.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    let result = shake(&mut client, &mut server);
    (result, client, server)
}

fn view(held: &[(&[u8], CertificateKind)]) -> Arc<View> {
    let stores = Stores::new(&["keydb"]);
    for (der, _) in held {
        stores.contents[0].put(Held::anchor(*der, "label"));
    }
    Arc::new(stores.view(scope(held)))
}

#[test]
fn a_pinned_server_is_reached_in_both_versions() {
    let (certificate, key) = stock_and_key();
    for (versions, expected) in [
        (Versions::Both, ProtocolVersion::TLSv1_3),
        (Versions::Tls13, ProtocolVersion::TLSv1_3),
        (Versions::Tls12, ProtocolVersion::TLSv1_2),
    ] {
        let view = view(&[(&certificate, CertificateKind::Pin)]);
        let verifier = Verifier::judge(view, address("10.0.0.1"), Checks::all());
        let config = client_config(Arc::clone(&verifier), &[b"a"], versions).unwrap();
        let (result, mut client, mut server) =
            connect(config, server(&[&certificate], &key, &[b"b", b"a"]));
        result.unwrap();
        assert_eq!(client.protocol_version(), Some(expected));
        assert_eq!(client.alpn_protocol(), Some(&b"a"[..]));
        assert!(verifier.verdict().unwrap().trusted);
        assert_eq!(
            verifier.chain(),
            [CertificateDer::from(certificate.clone())]
        );

        client.writer().write_all(b"hello").unwrap();
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut &wire[..]).unwrap();
        server.process_new_packets().unwrap();
        let mut got = [0; 5];
        server.reader().read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
    }
}

#[test]
fn a_refusal_ends_the_handshake_and_leaves_its_verdict() {
    let (held, _) = stock_and_key();
    let (presented, key) = stock_and_key();
    let verifier = Verifier::judge(
        view(&[(&held, CertificateKind::Pin)]),
        address("db1.example"),
        Checks::all(),
    );
    let config = client_config(Arc::clone(&verifier), &[], Versions::Both).unwrap();
    let (result, ..) = connect(config, server(&[&presented], &key, &[]));
    assert_eq!(
        result.unwrap_err(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    );
    let verdict = verifier.verdict().unwrap();
    assert_eq!(verdict.code, Code::CertificateMismatch);
    assert_eq!(verifier.chain(), [CertificateDer::from(presented)]);
}

struct Case<'a> {
    held: &'a [(&'a [u8], CertificateKind)],
    name: &'a str,
    change: fn(&mut CertificateParams),
    code: Code,
}

const DB1: &str = "db1.example";

#[test]
fn every_refusal_has_an_alert() {
    let root = Authority::root("Root");
    let anchor: &[(&[u8], _)] = &[(&root.der, CertificateKind::Anchor)];
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2022, 1, 1);
    let later = |params: &mut CertificateParams| params.not_before = date_time_ymd(2034, 1, 1);
    let client = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let as_it_is = |_: &mut CertificateParams| {};
    let cases = [
        Case {
            held: anchor,
            name: "db2.example",
            change: as_it_is,
            code: Code::NameMismatch,
        },
        Case {
            held: anchor,
            name: DB1,
            change: expired,
            code: Code::CertificateExpired,
        },
        Case {
            held: anchor,
            name: DB1,
            change: later,
            code: Code::CertificateNotYetValid,
        },
        Case {
            held: anchor,
            name: DB1,
            change: client,
            code: Code::CertificateWeak,
        },
        Case {
            held: &[],
            name: DB1,
            change: as_it_is,
            code: Code::CertificateNeeded,
        },
    ];
    for Case {
        held,
        name,
        change,
        code,
    } in cases
    {
        let (leaf, key) = root.leaf_and_key(&[DB1], change);
        let verifier = Verifier::judge(view(held), address(name), Checks::all());
        let mut config = client_config(Arc::clone(&verifier), &[], Versions::Both).unwrap();
        config.time_provider = Arc::new(Frozen);
        let (result, ..) = connect(config, server(&[&leaf], &key, &[]));
        assert!(
            matches!(result, Err(Error::InvalidCertificate(_))),
            "{result:?}"
        );
        assert_eq!(verifier.verdict().unwrap().code, code);
    }
}

/// 2030-01-01, so that no test depends on the day.
#[derive(Debug)]
struct Frozen;

impl rustls::time_provider::TimeProvider for Frozen {
    fn current_time(&self) -> Option<UnixTime> {
        Some(crate::fixture::now())
    }
}

#[test]
fn the_peer_must_hold_the_key_of_what_it_presents() {
    let (certificate, _) = stock_and_key();
    let (_, wrong) = stock_and_key();
    let key = PrivateKeyDer::try_from(wrong.serialize_der()).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![certificate.clone().into()], key);
    for versions in [Versions::Tls12, Versions::Tls13] {
        for verifier in [
            Verifier::capture(),
            Verifier::judge(
                view(&[(&certificate, CertificateKind::Pin)]),
                address("db1.example"),
                Checks::all(),
            ),
        ] {
            let resolver = rustls::sign::SingleCertAndKey::from(certified.clone());
            let server = ServerConfig::builder_with_provider(Arc::clone(provider()))
                .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(resolver));
            let config = client_config(verifier, &[], versions).unwrap();
            let (result, ..) = connect(config, Arc::new(server));
            assert_eq!(
                result.unwrap_err(),
                Error::InvalidCertificate(CertificateError::BadSignature)
            );
        }
    }
}

#[test]
fn capture_takes_down_what_is_presented_and_judges_nothing() {
    let root = Authority::root("Root");
    let (leaf, key) = root.leaf_and_key(&["elsewhere.example"], |_| {});
    let verifier = Verifier::capture();
    assert!(verifier.chain().is_empty() && verifier.verdict().is_none());
    let config = client_config(Arc::clone(&verifier), &[], Versions::Both).unwrap();
    let (result, ..) = connect(config, server(&[&leaf, &root.der], &key, &[]));
    result.unwrap();
    assert_eq!(verifier.chain().len(), 2);
    assert_eq!(verifier.verdict(), None);
}

#[test]
fn no_session_is_ever_resumed() {
    let (certificate, key) = stock_and_key();
    let server_config = server(&[&certificate], &key, &[]);
    let verifier = Verifier::judge(
        view(&[(&certificate, CertificateKind::Pin)]),
        address("db1.example"),
        Checks::all(),
    );
    for versions in [Versions::Tls12, Versions::Tls13] {
        let config = Arc::new(client_config(Arc::clone(&verifier), &[], versions).unwrap());
        for _ in 0..3 {
            let name = ServerName::try_from("db1.example").unwrap();
            let mut client = ClientConnection::new(Arc::clone(&config), name).unwrap();
            let mut server = ServerConnection::new(Arc::clone(&server_config)).unwrap();
            shake(&mut client, &mut server).unwrap();
            // Whatever tickets the server gives are read.
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut &wire[..]).unwrap();
            client.process_new_packets().unwrap();
            assert_eq!(client.handshake_kind(), Some(rustls::HandshakeKind::Full));
        }
    }
}

#[test]
fn nothing_older_than_tls_1_2_is_offered() {
    // The extension supported_versions of the ClientHello, whole.
    for (versions, extension) in [
        (Versions::Both, &[0, 0x2b, 0, 5, 4, 3, 4, 3, 3][..]),
        (Versions::Tls13, &[0, 0x2b, 0, 3, 2, 3, 4]),
        (Versions::Tls12, &[0, 0x2b, 0, 3, 2, 3, 3]),
    ] {
        let config = client_config(Verifier::capture(), &[], versions).unwrap();
        let name = ServerName::try_from("db1.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        assert!(hello.windows(extension.len()).any(|part| part == extension));
    }
}
