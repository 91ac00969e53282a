//! The tap alone: what it records, injects and alters.

use super::*;

const WATCHDOG: Duration = Duration::from_secs(30);

/// A server that reads to the end and then answers with what it read, backwards.
async fn backwards() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            if stream.read_to_end(&mut bytes).await.is_ok() {
                bytes.reverse();
                let _ = stream.write_all(&bytes).await;
            }
        }
    });
    address
}

async fn say(to: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn both_ways_of_each_connection_are_recorded() {
    let test = async {
        let tap = Tap::open(backwards().await).await.expect("a tap");
        assert_eq!(say(tap.address(), b"one").await.expect("an answer"), b"eno");
        assert_eq!(say(tap.address(), b"two").await.expect("an answer"), b"owt");
        let wire = tap.take();
        assert_eq!(wire.len(), 2);
        assert_eq!(
            (&wire[0].to_server[..], &wire[0].to_client[..]),
            (&b"one"[..], &b"eno"[..])
        );
        assert!(seen(&wire, Way::ToServer, b"two") && seen(&wire, Way::ToClient, b"owt"));
        assert!(!seen(&wire, Way::ToClient, b"two") && !seen(&wire, Way::ToServer, b""));
        assert!(tap.take().is_empty(), "what was taken is gone");
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn injected_bytes_come_before_the_servers() {
    let test = async {
        let tap = Tap::open(backwards().await).await.expect("a tap");
        tap.inject(b"first ".to_vec());
        assert_eq!(
            say(tap.address(), b"abc").await.expect("an answer"),
            b"first cba"
        );
        assert_eq!(tap.take()[0].to_client, b"first cba");
        tap.inject(Vec::new());
        assert_eq!(say(tap.address(), b"abc").await.expect("an answer"), b"cba");
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn one_byte_is_altered_where_it_was_asked_for() {
    let test = async {
        let tap = Tap::open(backwards().await).await.expect("a tap");
        tap.alter(Some(Alteration {
            way: Way::ToServer,
            beginning: b"ab".to_vec(),
            at: 2,
        }));
        assert_eq!(
            say(tap.address(), b"abcd").await.expect("an answer"),
            b"dbba"
        );
        assert_eq!(
            say(tap.address(), b"xbcd").await.expect("an answer"),
            b"dcbx"
        );
        tap.alter(Some(Alteration {
            way: Way::ToClient,
            beginning: b"ab".to_vec(),
            at: 0,
        }));
        assert_eq!(
            say(tap.address(), b"abcd").await.expect("an answer"),
            b"ecba"
        );
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test]
async fn where_nobody_listens_the_connection_ends() {
    let test = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let nobody = listener.local_addr().expect("an address");
        drop(listener);
        let tap = Tap::open(nobody).await.expect("a tap");
        let answer = say(tap.address(), b"").await.unwrap_or_default();
        assert!(answer.is_empty());
    };
    timeout(WATCHDOG, test).await.expect("in time");
}
