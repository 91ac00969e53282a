//! Tests of the data channel: what arrives, and every way to cut, alter or hold it up.

use super::super::record::Broken;
use super::*;
use tokio::io::{DuplexStream, duplex};

const LIMIT: usize = 1 << 20;
const SHORT: Duration = Duration::from_secs(5);

fn some_keys() -> Keys {
    keys(
        |output: &mut [u8], label: &[u8], context: &[u8]| {
            let last = context.last().copied().unwrap_or_default();
            output.fill(last ^ label.len().to_be_bytes()[7]);
            Ok::<_, io::Error>(())
        },
        FIRST_CHANNEL,
    )
    .expect("this export never fails")
}

/// Both ends of a channel, over a pipe that takes this many bytes.
fn channel(room: usize) -> (DataChannel<DuplexStream>, DataChannel<DuplexStream>) {
    let (client, server) = duplex(room);
    let keys = some_keys();
    (
        DataChannel::client(client, &keys).with_patience(SHORT),
        DataChannel::server(server, &keys).with_patience(SHORT),
    )
}

/// The client's wire laid open: what it seals, and where it would be sent.
fn tapped() -> (Sealer, DuplexStream, DataChannel<DuplexStream>) {
    let (client, server) = duplex(LIMIT);
    let keys = some_keys();
    let server = DataChannel::server(server, &keys).with_patience(SHORT);
    (Sealer::new(&keys.to_server), client, server)
}

fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn the_two_ways_and_the_token_have_keys_of_their_own() {
    let keys = some_keys();
    assert_ne!(keys.to_server, keys.to_client);
    assert_ne!(keys.token, keys.to_client);
    assert_eq!(format!("{keys:?}"), "Keys");
}

#[tokio::test(start_paused = true)]
async fn objects_of_every_size_arrive_and_then_the_end() {
    let sizes = [0, 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, 3 * PAYLOAD_MAX];
    let (mut client, mut server) = channel(1_000);
    let sending = async {
        for size in sizes {
            client.send(&vec![7; size]).await.expect("sent");
        }
        client.finish().await.expect("finished");
        assert_eq!(
            client.receive(LIMIT).await.expect("an answer"),
            Some(b"!".to_vec())
        );
        assert_eq!(client.receive(LIMIT).await.expect("an end"), None);
    };
    let receiving = async {
        for size in sizes {
            let object = server.receive(LIMIT).await.expect("received");
            assert_eq!(object, Some(vec![7; size]));
        }
        for _ in 0..2 {
            assert_eq!(server.receive(LIMIT).await.expect("the end"), None);
        }
        server
            .send(b"!")
            .await
            .expect("the other way is still open");
        server.finish().await.expect("finished");
    };
    tokio::join!(sending, receiving);
    client.finish().await.expect("once is enough");
    assert_eq!(
        kind(client.send(b"late").await),
        Some(io::ErrorKind::InvalidInput)
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_between_two_objects_is_not_the_end() {
    let (mut client, mut server) = channel(LIMIT);
    client.send(b"first").await.expect("sent");
    drop(client);
    let first = server.receive(LIMIT).await.expect("received");
    assert_eq!(first.as_deref(), Some(&b"first"[..]));
    let cut = server.receive(LIMIT).await;
    assert_eq!(kind(cut), Some(io::ErrorKind::UnexpectedEof));
}

#[tokio::test(start_paused = true)]
async fn a_cut_anywhere_in_a_record_is_not_the_end() {
    for (payload, mark) in [(&b"object"[..], Mark::Last), (b"", Mark::End)] {
        let length = HEADER + payload.len() + TAG;
        for kept in 0..length {
            let (mut sealer, mut wire, mut server) = tapped();
            let record = sealer.seal(payload, mark).expect("well formed");
            wire.write_all(&record[..kept]).await.expect("room");
            drop(wire);
            let cut = server.receive(LIMIT).await;
            assert_eq!(
                kind(cut),
                Some(io::ErrorKind::UnexpectedEof),
                "{mark:?} {kept}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_comes_early_or_from_elsewhere_is_refused() {
    let (mut sealer, mut wire, mut server) = tapped();
    let kept_back = sealer.seal(b"kept back", Mark::Last).expect("well formed");
    let end = sealer.seal(b"", Mark::End).expect("well formed");
    wire.write_all(&end).await.expect("room");
    wire.write_all(&kept_back).await.expect("room");
    let refused = server.receive(LIMIT).await.expect_err("out of its place");
    assert!(refused.to_string().contains("altered"), "{refused}");

    let (mut sealer, mut wire, mut server) = tapped();
    let part = sealer.seal(b"part", Mark::More).expect("well formed");
    let end = sealer.seal(b"", Mark::End).expect("well formed");
    wire.write_all(&[part, end].concat()).await.expect("room");
    let refused = server.receive(LIMIT).await.expect_err("within an object");
    assert!(
        refused.to_string().contains("within an object"),
        "{refused}"
    );

    let (_, mut wire, mut server) = tapped();
    let own = Sealer::new(&some_keys().to_client).seal(b"", Mark::End);
    wire.write_all(&own.expect("well formed"))
        .await
        .expect("room");
    let refused = server.receive(LIMIT).await;
    assert_eq!(kind(refused), Some(io::ErrorKind::InvalidData));
}

#[tokio::test(start_paused = true)]
async fn after_a_bogus_record_the_tail_is_no_object() {
    let (mut sealer, mut wire, mut server) = tapped();
    let head = sealer.seal(b"head", Mark::More).expect("well formed");
    let tail = sealer.seal(b"tail", Mark::Last).expect("well formed");
    let mut bogus = tail.clone();
    *bogus.last_mut().expect("a tag") ^= 1;
    let all = [head, bogus, tail].concat();
    wire.write_all(&all).await.expect("room");
    let altered = server.receive(LIMIT).await.expect_err("altered");
    let inner = altered.get_ref().and_then(|inner| inner.downcast_ref());
    assert_eq!(inner, Some(&Broken::Altered));
    let broken = Some(io::ErrorKind::BrokenPipe);
    assert_eq!(kind(server.receive(LIMIT).await), broken);
    assert_eq!(kind(server.send(b"answer").await), broken);
    assert_eq!(kind(server.finish().await), broken);
}

#[tokio::test(start_paused = true)]
async fn after_a_receive_that_was_given_up_the_tail_is_no_object() {
    let (mut sealer, mut wire, mut server) = tapped();
    let head = sealer.seal(b"head", Mark::More).expect("well formed");
    let tail = sealer.seal(b"tail", Mark::Last).expect("well formed");
    wire.write_all(&head).await.expect("room");
    let given_up = timeout(Duration::from_millis(1), server.receive(LIMIT)).await;
    assert!(given_up.is_err(), "{given_up:?}");
    wire.write_all(&tail).await.expect("room");
    let refused = server.receive(LIMIT).await;
    assert_eq!(kind(refused), Some(io::ErrorKind::BrokenPipe));
}

#[tokio::test(start_paused = true)]
async fn after_a_send_that_was_given_up_nothing_more_is_sent() {
    let (mut client, mut server) = channel(16);
    let given_up = timeout(Duration::from_millis(1), client.send(b"a long object")).await;
    assert!(given_up.is_err(), "{given_up:?}");
    let broken = Some(io::ErrorKind::BrokenPipe);
    assert_eq!(kind(client.send(b"another").await), broken);
    assert_eq!(kind(client.finish().await), broken);
    drop(client);
    let cut = server.receive(LIMIT).await;
    assert_eq!(kind(cut), Some(io::ErrorKind::UnexpectedEof));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_left_at_the_deadline() {
    let (_client, mut server) = channel(LIMIT);
    let begun = tokio::time::Instant::now();
    let late = server.receive(LIMIT).await;
    assert_eq!(kind(late), Some(io::ErrorKind::TimedOut));
    assert_eq!(begun.elapsed().as_secs(), SHORT.as_secs());
    let late = server.receive(LIMIT).await;
    assert_eq!(kind(late), Some(io::ErrorKind::BrokenPipe));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_drips_is_left_at_the_deadline() {
    let (mut sealer, mut wire, mut server) = tapped();
    let record = sealer.seal(&[7; 100], Mark::Last).expect("well formed");
    let dripping = async {
        for byte in record {
            tokio::time::sleep(SHORT / 10).await;
            wire.write_all(&[byte]).await.expect("room");
        }
    };
    let (late, ()) = tokio::join!(server.receive(LIMIT), dripping);
    assert_eq!(kind(late), Some(io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_left_at_the_deadline() {
    let (mut client, _server) = channel(16);
    let late = client.send(&[7; 100]).await;
    assert_eq!(kind(late), Some(io::ErrorKind::TimedOut));
    let (mut client, _server) = channel(16);
    assert_eq!(kind(client.finish().await), Some(io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn an_object_has_a_bound() {
    let (mut client, mut server) = channel(LIMIT);
    client.send(&[7; 101]).await.expect("sent");
    let refused = server.receive(100).await.expect_err("too long");
    assert!(refused.to_string().contains("too long"), "{refused}");
    let (mut client, mut server) = channel(LIMIT);
    client.send(&[7; 100]).await.expect("sent");
    assert!(server.receive(100).await.is_ok());
}
