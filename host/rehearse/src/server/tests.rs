//! The servers alone: what each port of each level answers.

use super::*;
use crate::certificate::{Validity, stock};
use anchorhold_kernel::tls::{self as kernel_tls, Verifier};
use anchorhold_session::channel::ALPN;
use anchorhold_session::identify::{self, Identity, QUESTION};
use rustls_pki_types::ServerName;
use time::OffsetDateTime;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const EARLIER: Level = Level::new(8, 1, 1, 0);
const ENHANCED: Level = Level::new(8, 1, 2, 0);
const WATCHDOG: Duration = Duration::from_secs(30);

async fn server(level: Level, ssl_only: bool) -> Server {
    let credential = stock(Validity::current(OffsetDateTime::now_utc())).expect("a certificate");
    let server = Server::start(Character::new(level, credential), ssl_only).await;
    server.expect("a server")
}

async fn identity<S>(stream: &mut S) -> Option<Identity>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(&QUESTION).await.ok()?;
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.ok()?;
    let length = identify::answer_length(header).ok()?;
    let mut answer = vec![0; length];
    answer[..4].copy_from_slice(&header);
    stream.read_exact(&mut answer[4..]).await.ok()?;
    identify::read(&answer).ok()
}

async fn asked(to: SocketAddr) -> Option<Identity> {
    identity(&mut TcpStream::connect(to).await.expect("a connection")).await
}

async fn tls(to: SocketAddr, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
    let versions = kernel_tls::Versions::Both;
    let config = kernel_tls::client_config(Verifier::capture(), protocols, versions);
    let connector = TlsConnector::from(Arc::new(config.expect("a configuration")));
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    connector.connect(name, TcpStream::connect(to).await?).await
}

/// What is read until the server ends the connection; an error is an end as well.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test]
async fn an_earlier_server_answers_and_goes_on_in_clear_but_not_in_tls() {
    let test = async {
        let server = server(EARLIER, false).await;
        let identity = asked(server.address()).await.expect("an answer");
        assert_eq!(identity.level, EARLIER);
        assert!(tls(server.address(), &[]).await.is_err());
        let mut program = TcpStream::connect(server.address())
            .await
            .expect("a connection");
        program.write_all(b"Pm\0\0\0\x01x").await.expect("sent");
        let mut answer = [0; 6];
        program.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"Pa\0\0\0\x20");
        server.stop().await;
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn an_ssl_only_port_takes_tls_1_2_and_nothing_else() {
    let test = async {
        let server = server(EARLIER, true).await;
        let port = server.ssl_only_address().expect("a port");
        assert_eq!(asked(port).await, None);
        let mut stream = tls(port, &[ALPN]).await.expect("TLS");
        let version = stream.get_ref().1.protocol_version();
        assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            None,
            "it has no data channel"
        );
        assert_eq!(
            identity(&mut stream).await.expect("an answer").level,
            EARLIER
        );
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn an_enhanced_server_takes_both_on_one_port_and_no_program_in_clear() {
    let test = async {
        let server = server(ENHANCED, false).await;
        assert_eq!(
            asked(server.address()).await.expect("an answer").level,
            ENHANCED
        );
        let mut stream = tls(server.address(), &[ALPN]).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN));
        assert_eq!(
            identity(&mut stream).await.expect("an answer").level,
            ENHANCED
        );
        let mut program = TcpStream::connect(server.address())
            .await
            .expect("a connection");
        program.write_all(b"Pm\0\0\0\x01x").await.expect("sent");
        assert!(rest(&mut program).await.is_empty());
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn ldap_is_told_inside_tls_only() {
    let test = async {
        let server = server(ENHANCED, false).await;
        server.change(|character| character.ldap = true);
        assert!(!asked(server.address()).await.expect("an answer").ldap);
        let mut stream = tls(server.address(), &[]).await.expect("TLS");
        assert!(identity(&mut stream).await.expect("an answer").ldap);
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn a_server_is_upgraded_and_changed_while_it_runs() {
    let test = async {
        let server = server(EARLIER, false).await;
        assert!(tls(server.address(), &[]).await.is_err());
        server.change(|character| character.level = ENHANCED);
        let stream = tls(server.address(), &[]).await.expect("TLS");
        let version = stream.get_ref().1.protocol_version();
        assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2), "as before");
        server.change(|character| character.versions = Versions::Tls13);
        let stream = tls(server.address(), &[]).await.expect("TLS");
        let version = stream.get_ref().1.protocol_version();
        assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_3));
        let next = stock(Validity::current(OffsetDateTime::now_utc())).expect("a certificate");
        let expected = next.chain.clone();
        server.change(|character| character.credential = next);
        let stream = tls(server.address(), &[]).await.expect("TLS");
        assert_eq!(stream.get_ref().1.peer_certificates(), Some(&expected[..]));
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn attackers_answer_a_handshake_with_something_else() {
    let test = async {
        let server = server(ENHANCED, false).await;
        let claimed = Level::new(7, 1, 0, 0);
        server.change(|character| character.manners = Manners::Luring(claimed));
        assert_eq!(
            asked(server.address()).await.expect("an answer").level,
            claimed
        );
        assert!(tls(server.address(), &[]).await.is_err());
        server.change(|character| character.manners = Manners::Mumbling);
        assert_eq!(asked(server.address()).await, None);
        assert!(tls(server.address(), &[]).await.is_err());
        server.change(|character| character.manners = Manners::Silent);
        assert!(tls(server.address(), &[]).await.is_ok());
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn a_data_channel_needs_the_token_of_a_session() {
    let test = async {
        let server = server(ENHANCED, false).await;
        let _session = tls(server.address(), &[ALPN]).await.expect("TLS");
        let mut stranger = TcpStream::connect(server.address())
            .await
            .expect("a connection");
        let opening = [&PREAMBLE[..], &1_u32.to_be_bytes(), &[7; 32]].concat();
        stranger.write_all(&opening).await.expect("sent");
        assert!(rest(&mut stranger).await.is_empty());
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn a_stopped_server_listens_no_more_and_ends_its_connections() {
    let test = async {
        let server = server(ENHANCED, false).await;
        let address = server.address();
        let mut open = TcpStream::connect(address).await.expect("a connection");
        server.stop().await;
        assert!(rest(&mut open).await.is_empty());
        assert!(TcpStream::connect(address).await.is_err());
    };
    timeout(WATCHDOG, test).await.expect("in time");
}
