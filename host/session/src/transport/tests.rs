//! Tests of the way to a server.

use super::*;
use std::sync::Mutex;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);

/// Swallows every connection but those to the last address, and remembers who was called.
#[derive(Default)]
struct Swallowing {
    open: Option<SocketAddr>,
    called: Mutex<Vec<SocketAddr>>,
}

impl Dial for Swallowing {
    fn dial(&self, to: SocketAddr) -> Dialling {
        self.called.lock().expect("no panic").push(to);
        if self.open == Some(to) {
            Direct.dial(to)
        } else {
            Box::pin(std::future::pending())
        }
    }
}

fn addresses(count: u16) -> Vec<SocketAddr> {
    (1..=count)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_limit_holds_for_all_addresses_together() {
    let dial = Swallowing::default();
    let begun = Instant::now();
    let refused = reach(&dial, &addresses(5), LIMIT).await.expect_err("none");
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
    assert_eq!(refused.to_string(), "no connection was made within 10s");
    assert!(begun.elapsed() <= LIMIT + Duration::from_millis(10));
    assert_eq!(dial.called.lock().expect("no panic").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_eight_addresses_are_called() {
    let dial = Swallowing::default();
    let refused = reach(&dial, &addresses(1_000), LIMIT).await;
    assert!(refused.is_err());
    let called = dial.called.into_inner().expect("no panic");
    assert_eq!(called, addresses(8));
}

#[tokio::test]
async fn an_address_that_swallows_all_leaves_time_for_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let open = listener.local_addr().expect("an address");
    let dial = Swallowing {
        open: Some(open),
        ..Swallowing::default()
    };
    let called = [addresses(1), vec![open]].concat();
    let limit = Duration::from_millis(200);
    let (_, reached) = reach(&dial, &called, limit).await.expect("reached");
    assert_eq!(reached, open);
}

#[tokio::test]
async fn without_an_address_nobody_is_called() {
    let refused = reach(&Direct, &[], LIMIT).await.expect_err("nobody");
    assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    let refused = resolve("", 1500, LIMIT).await.expect_err("no name");
    assert_eq!(refused.kind(), io::ErrorKind::NotFound);
}

#[test]
fn of_a_long_answer_the_first_addresses_are_taken_each_once() {
    let twice = addresses(3).into_iter().chain(addresses(20));
    assert_eq!(few(twice), addresses(8));
}

#[tokio::test]
async fn a_literal_address_asks_no_resolver() {
    let found = resolve("::1", 1500, Duration::ZERO).await.expect("itself");
    assert_eq!(found, ["[::1]:1500".parse().expect("an address")]);
}
