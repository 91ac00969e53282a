//! Tests of everything that a handshake can fail of, each against a peer that does it.

use super::super::peer::{forging, hello};
use super::*;
use anchorhold_kernel::{self as kernel, NameCheck};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const RSA_1024: &[u8] = include_bytes!("../../../../kernel/tests/data/rsa1024.der");
const V1: &[u8] = include_bytes!("../../../../kernel/tests/data/v1.der");
const STOCK: &[u8] = include_bytes!("../../../../kernel/tests/data/stock.der");

async fn failure(peer: &Peer) -> Failure {
    shake(peer).await.expect_err("a handshake that fails")
}

#[tokio::test]
async fn what_is_not_tls_is_shown() {
    let peer = Peer::answering(b"220 mail\r\n").await;
    let Failure::NotTls(why) = failure(&peer).await else {
        panic!("that was not TLS");
    };
    assert_eq!(why, "it answered \"220 mail\" to the handshake");
}

#[tokio::test]
async fn a_peer_that_hangs_up_speaks_no_tls() {
    let peer = Peer::start(|mut stream| async move {
        hello(&mut stream).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let failed = failure(&peer).await;
    assert!(matches!(failed, Failure::NotTls(_)), "{failed:?}");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_unreachable() {
    // What is closed with something unread in it is reset.
    let peer = Peer::start(|stream| async move {
        stream.readable().await.expect("something to read");
    })
    .await;
    let failed = failure(&peer).await;
    assert!(
        matches!(&failed, Failure::Unreachable(error)
            if error.kind() == io::ErrorKind::ConnectionReset),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_silent_peer_is_unreachable_at_the_deadline() {
    let peer = Peer::start(|stream| async move {
        let _stream = stream;
        std::future::pending().await
    })
    .await;
    let mut context = Sample::new().context;
    context.limits.handshake = Duration::from_millis(20);
    let failed = shake_with(&context, peer.address, capture(), &[]).await;
    let Err(Failure::Unreachable(error)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.to_string(), "the handshake was not over within 20ms");
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let failed = shake_with(&Sample::new().context, address, capture(), &[]).await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
}

#[tokio::test]
async fn alerts_that_mean_no_common_ground_are_named() {
    let alerts: [(&[u8], &str); 3] = [
        (&[21, 3, 3, 0, 2, 2, 70], "protocol_version"),
        (&[21, 3, 3, 0, 2, 2, 40], "handshake_failure"),
        (&[21, 3, 3, 0, 2, 2, 71], "insufficient_security"),
    ];
    for (alert, name) in alerts {
        let failed = failure(&Peer::answering(alert).await).await;
        let Failure::Incompatible(why) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(why, format!("the server answered with the alert {name}"));
    }
}

#[tokio::test]
async fn an_old_version_is_named_as_what_it_is() {
    // The server chooses TLS 1.1: version, random, no session, a suite, no compression.
    const HELLO: &[u8] = &[
        22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0xC0, 0x13, 0,
    ];
    let failed = failure(&Peer::answering(HELLO).await).await;
    let Failure::Incompatible(why) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(why, "the server speaks neither TLS 1.2 nor TLS 1.3");
}

#[tokio::test]
async fn what_breaks_off_within_tls_is_told_in_words() {
    let cases: [(&[u8], &str); 3] = [
        (
            &[21, 3, 3, 0, 2, 2, 80],
            "the server answered with the alert internal_error",
        ),
        (
            &[22, 3, 3, 0, 4, 20, 0, 0, 0],
            "the server sent a message that has no place there",
        ),
        (
            &[22, 3, 3, 0, 8, 2, 0, 0, 4, 3, 3, 7, 7],
            "the server sent a message that cannot be read: missing data",
        ),
    ];
    for (answer, expected) in cases {
        let failed = failure(&Peer::answering(answer).await).await;
        let Failure::Broken(why) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(why, expected);
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_within_tls_breaks_it_off() {
    let peer = Peer::start(|mut stream| async move {
        hello(&mut stream).await;
        stream.write_all(&[22, 3, 3, 0, 99, 2]).await.expect("sent");
        let _ = stream.shutdown().await;
    })
    .await;
    let failed = failure(&peer).await;
    assert!(matches!(failed, Failure::Broken(_)), "{failed:?}");
}

#[tokio::test]
async fn who_has_not_the_key_has_a_bad_signature() {
    for versions in [TLS_1_2, TLS_1_3] {
        let forged = Paper::new().signed_by(&Paper::new(), versions);
        let failed = failure(&Peer::tls(forged).await).await;
        assert!(matches!(failed, Failure::BadSignature), "{failed:?}");
        let failed = failure(&Peer::tls(forging(STOCK, versions)).await).await;
        assert!(matches!(failed, Failure::BadSignature), "{failed:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_taken_down_and_told() {
    let strange = Paper::strange();
    for versions in [TLS_1_2, TLS_1_3] {
        let cases = [
            (forging(V1, versions), V1, "v1"),
            (forging(RSA_1024, versions), RSA_1024, "1024 bits"),
            (strange.server(versions), &strange.der[..], "critical"),
        ];
        for (config, der, expected) in cases {
            let failed = failure(&Peer::tls(config).await).await;
            let Failure::Unreadable(chain, why) = failed else {
                panic!("{expected}: {failed:?}");
            };
            assert_eq!(chain, [CertificateDer::from(der)]);
            assert!(why.contains(expected), "{why}");
        }
    }
}

fn judge(context: &Context) -> Arc<Verifier> {
    let view = context.view(&sample::server("TSM1")).expect("a view");
    Verifier::judge(Arc::new(view), NameCheck::Off, context.checks)
}

#[tokio::test]
async fn a_verdict_of_no_ends_the_handshake_and_comes_out_of_it() {
    let sample = Sample::new();
    let context = &sample.context;
    for config in [Paper::new().server(BOTH), forging(RSA_1024, BOTH)] {
        let peer = Peer::tls(config).await;
        let failed = shake_with(context, peer.address, judge(context), &[ALPN]).await;
        let Err(Failure::Verdict(verdict)) = failed else {
            panic!("{failed:?}");
        };
        assert!(!verdict.trusted);
        assert_ne!(verdict.code, kernel::Code::Trusted);
    }
}

/// Connects, and waits until the peer has said something of its own accord.
struct Waiting;

impl Dial for Waiting {
    fn dial(&self, to: SocketAddr) -> Dialling {
        Box::pin(async move {
            let stream = Direct.dial(to).await?;
            stream.readable().await?;
            Ok(stream)
        })
    }
}

#[tokio::test]
async fn what_comes_before_the_handshake_ends_it() {
    let peer = Peer::start(|mut stream| async move {
        stream.write_all(&[22]).await.expect("sent");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let mut context = Sample::new().context;
    context.dial = Arc::new(Waiting);
    let failed = shake_with(&context, peer.address, capture(), &[]).await;
    assert!(matches!(failed, Err(Failure::EarlyBytes)), "{failed:?}");
}
