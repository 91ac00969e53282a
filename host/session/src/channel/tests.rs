//! Tests of the end of a session: in good order, and in time where the peer does not listen.

use super::*;
use crate::handshake::handshake;
use crate::handshake::peer::{BOTH, Paper, Peer};
use crate::sample::{self, Sample};
use anchorhold_kernel::tls::Verifier;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = TcpStream::connect(address).await.expect("connected");
    let (server, _) = listener.accept().await.expect("accepted");
    (client, server)
}

fn same_keys() -> Keys {
    keys(|_, _, _| Ok::<_, io::Error>(()), FIRST_CHANNEL).expect("this export never fails")
}

/// The control channel to a TLS server that reads nothing.
async fn tls(to: SocketAddr) -> Control {
    let context = Sample::new().context;
    let server = sample::server("TSM1");
    let shaken = handshake(&context, &server, &[to], Verifier::capture(), None, &[]).await;
    Control::tls(shaken.expect("shaken").into_stream())
}

/// Writes until nothing more goes out.
async fn fill(stream: &mut (impl AsyncWrite + Unpin)) {
    let endless = async {
        while stream.write_all(&[7; 64 << 10]).await.is_ok() {
            // What the peer takes is taken at once; it only has to be asked for.
            tokio::task::yield_now().await;
        }
    };
    let filled = timeout(Duration::from_millis(100), endless).await;
    assert!(filled.is_err(), "the peer takes everything");
}

#[tokio::test]
async fn a_session_that_is_closed_ends_both_channels_in_good_order() {
    let ((control, mut far_control), (data, far_data)) = (pair().await, pair().await);
    let mut far = DataChannel::server(far_data, &same_keys());
    let data = DataChannel::client(data, &same_keys());
    let mut session = Session::new(Control::plain(control), Some(data));
    let channel = session.data().expect("a data channel");
    channel.send(b"object").await.expect("sent");
    session.close().await;
    let object = far.receive(100).await.expect("received");
    assert_eq!(object.as_deref(), Some(&b"object"[..]));
    assert_eq!(far.receive(100).await.expect("the end"), None);
    let rest = far_control.read_to_end(&mut Vec::new()).await;
    assert_eq!(rest.expect("an orderly end"), 0);
}

#[tokio::test]
async fn a_session_that_is_dropped_is_no_orderly_end() {
    let (data, far_data) = pair().await;
    let mut far = DataChannel::server(far_data, &same_keys());
    drop(DataChannel::client(data, &same_keys()));
    let cut = far.receive(100).await.expect_err("a cut");
    assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_peer_that_stopped_reading_does_not_hold_the_end_of_a_session() {
    let peer = Peer::tls(Paper::new().server(BOTH)).await;
    let mut control = tls(peer.address).await;
    fill(&mut control).await;
    let (mut data, _far_data) = pair().await;
    fill(&mut data).await;
    let data = DataChannel::client(data, &same_keys());
    let session = Session::new(control, Some(data));
    tokio::time::pause();
    let begun = Instant::now();
    let closed = timeout(Duration::from_secs(3_600), session.close()).await;
    assert!(closed.is_ok(), "it was held");
    assert!(begun.elapsed() <= 3 * FAREWELL, "{:?}", begun.elapsed());
}
