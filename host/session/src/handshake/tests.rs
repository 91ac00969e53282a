//! Tests of the handshake against real peers: what comes of one, and every way for it to fail.

mod failure;

use super::peer::{BOTH, Paper, Peer, TLS_1_2, TLS_1_3};
use super::*;
use crate::channel::ALPN;
use crate::sample::{self, Sample};
use crate::transport::{Dial, Dialling, Direct};
use std::sync::atomic::{AtomicUsize, Ordering};
use time::OffsetDateTime;

fn capture() -> Arc<Verifier> {
    Verifier::capture()
}

/// A server at the address of a peer.
fn at(address: SocketAddr) -> Server {
    let mut server = sample::server("TSM1");
    server.host = address.ip().to_string();
    server.port = address.port();
    server
}

async fn shake_with(
    context: &Context,
    peer: SocketAddr,
    verifier: Arc<Verifier>,
    protocols: &[&[u8]],
) -> Result<Handshaken, Failure> {
    handshake(context, &at(peer), &[peer], verifier, None, protocols).await
}

/// What comes of a handshake that only takes down the chain and offers nothing.
async fn shake(peer: &Peer) -> Result<Handshaken, Failure> {
    shake_with(&Sample::new().context, peer.address, capture(), &[]).await
}

#[tokio::test]
async fn a_handshake_tells_version_chain_and_address() {
    for (versions, version) in [(TLS_1_2, "1.2"), (TLS_1_3, "1.3"), (BOTH, "1.3")] {
        let paper = Paper::new();
        let peer = Peer::tls(paper.server(versions)).await;
        let shaken = shake(&peer).await.expect("shaken");
        assert_eq!(shaken.version(), version);
        assert_eq!(shaken.chain(), [paper.der]);
        assert_eq!(shaken.address, peer.address);
        assert!(shaken.group().is_some());
        assert!(shaken.verdict().is_none());
        assert!(!shaken.offered() && !shaken.selected(ALPN));
    }
}

#[tokio::test]
async fn what_was_offered_and_what_was_selected_are_told_apart() {
    let context = Sample::new().context;
    for (knows, selected) in [(vec![ALPN.to_vec()], true), (Vec::new(), false)] {
        let mut config = Paper::new().server(BOTH);
        config.alpn_protocols = knows;
        let peer = Peer::tls(config).await;
        let shaken = shake_with(&context, peer.address, capture(), &[ALPN]).await;
        let shaken = shaken.expect("shaken");
        assert!(shaken.offered());
        assert_eq!(shaken.selected(ALPN), selected);
    }
}

/// Counts connections.
struct Counting(AtomicUsize);

impl Dial for Counting {
    fn dial(&self, to: SocketAddr) -> Dialling {
        self.0.fetch_add(1, Ordering::SeqCst);
        Direct.dial(to)
    }
}

#[tokio::test]
async fn a_peer_that_insists_on_its_own_protocol_is_called_again_without_the_offer() {
    for versions in [TLS_1_2, TLS_1_3] {
        let mut config = Paper::new().server(versions);
        config.alpn_protocols = vec![b"its-own/1".to_vec()];
        let peer = Peer::tls(config).await;
        let dial = Arc::new(Counting(AtomicUsize::new(0)));
        let mut context = Sample::new().context;
        context.dial = Arc::<Counting>::clone(&dial);
        let shaken = shake_with(&context, peer.address, capture(), &[ALPN]).await;
        let shaken = shaken.expect("shaken");
        assert!(shaken.offered() && !shaken.selected(ALPN));
        assert_eq!(shaken.address, peer.address);
        assert_eq!(dial.0.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn a_peer_is_called_again_once_and_only_over_its_protocol() {
    // A fatal alert, as a record of TLS, with its number last.
    for (alert, offers, calls) in [(120, true, 2), (120, false, 1), (40, true, 1)] {
        let protocols: &[&[u8]] = if offers { &[ALPN] } else { &[] };
        let peer = Peer::answering(vec![21, 3, 3, 0, 2, 2, alert]).await;
        let dial = Arc::new(Counting(AtomicUsize::new(0)));
        let mut context = Sample::new().context;
        context.dial = Arc::<Counting>::clone(&dial);
        let refused = shake_with(&context, peer.address, capture(), protocols).await;
        assert!(
            matches!(refused, Err(Failure::Incompatible(_))),
            "{refused:?}"
        );
        assert_eq!(dial.0.load(Ordering::SeqCst), calls, "{alert}");
    }
}

#[tokio::test]
async fn a_host_that_is_no_name_cannot_be_set_up() {
    let peer = Peer::tls(Paper::new().server(BOTH)).await;
    let mut server = at(peer.address);
    server.host = "no name".to_owned();
    let context = Sample::new().context;
    let failed = handshake(&context, &server, &[peer.address], capture(), None, &[]).await;
    assert!(matches!(failed, Err(Failure::Setup(_))), "{failed:?}");
}

#[test]
fn certificates_are_judged_by_the_clock_of_the_context() {
    let mut context = Sample::new().context;
    let server = sample::server("TSM1");
    let verifier = capture();
    let told = |context: &Context| {
        let attempt = Attempt {
            key: None,
            context,
            server: &server,
            verifier: &verifier,
        };
        let config = attempt.configuration(&[]).expect("a configuration");
        config.time_provider.current_time().map(|at| at.as_secs())
    };
    context.clock = Arc::new(|| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_234));
    assert_eq!(told(&context), Some(1_234));
    context.clock = Arc::new(|| OffsetDateTime::UNIX_EPOCH - time::Duration::SECOND);
    assert_eq!(told(&context), None, "before 1970 nothing is judged");
}
