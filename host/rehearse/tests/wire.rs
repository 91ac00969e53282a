//! What the tap finds in sessions, and that a clear data channel cannot be altered unnoticed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its ground gives way"
)]

#[path = "store/keydb.rs"]
mod keydb;

use anchorhold_kernel::{Kernel, KernelOptions, Registry, ServerName};
use anchorhold_rehearse::certificate::{Validity, stock};
use anchorhold_rehearse::program::{Markers, Seen};
use anchorhold_rehearse::server::{Character, Server};
use anchorhold_rehearse::tap::{Alteration, Tap, Way};
use anchorhold_session::channel::{PREAMBLE, Session, TOKEN};
use anchorhold_session::connect::{Wish, connect};
use anchorhold_session::context::Context;
use anchorhold_session::level::Level;
use anchorhold_session::policy::Policy;
use anchorhold_session::report::{Protection, Report};
use anchorhold_session::server::Server as Stanza;
use anchorhold_state::{Actor, State};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::time::timeout;

const WATCHDOG: Duration = Duration::from_secs(60);
const EARLIER: Level = Level::new(8, 1, 1, 0);
const ENHANCED: Level = Level::new(8, 1, 2, 0);

/// A server, the tap before it, and a client with an empty home.
struct Scene {
    server: Server,
    tap: Tap,
    context: Context,
    stanza: Stanza,
    _home: TempDir,
}

impl Scene {
    async fn set(level: Level) -> Self {
        let now = OffsetDateTime::now_utc();
        let credential = stock(Validity::current(now)).expect("a certificate");
        let character = Character::new(level, credential);
        let server = Server::start(character, false).await.expect("a server");
        let tap = Tap::open(server.address()).await.expect("a tap");
        let home = tempfile::tempdir().expect("a home");
        let plans = keydb::plans()(home.path());
        let kernel = Kernel::open(plans, &Registry::builtin(), KernelOptions::default());
        let state = State::open(&home.path().join("state")).expect("an empty state");
        let clock = Arc::new(OffsetDateTime::now_utc);
        let actor = Actor::new("operator", "test");
        let address = tap.address();
        Self {
            server,
            context: Context::new(Arc::new(kernel), Arc::new(state), actor, clock),
            stanza: Stanza::from_address(
                ServerName::new("TSM1"),
                address.ip().to_string(),
                address.port(),
                Policy::default(),
            ),
            tap,
            _home: home,
        }
    }

    async fn connect(&self) -> (Report, Session) {
        let wish = Wish { data_channel: true };
        let (report, session) = connect(&self.context, &self.stanza, wish)
            .await
            .expect("signed on");
        let session = session.unwrap_or_else(|| panic!("{}", report.message));
        (report, session)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tap_finds_both_markers_in_a_plain_session() {
    let test = async {
        let scene = Scene::set(EARLIER).await;
        let (_, mut session) = scene.connect().await;
        let markers = Markers::fresh().expect("random bytes");
        markers.send(&mut session).await.expect("delivered");
        let wire = scene.tap.take();
        assert_eq!(
            (markers.metadata(&wire), markers.object(&wire)),
            (Seen::Clear, Seen::Clear)
        );
        let others = Markers::fresh().expect("random bytes");
        assert_eq!(
            others.metadata(&wire),
            Seen::Encrypted,
            "only what was sent is found"
        );
        scene.server.stop().await;
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_data_channel_the_tap_finds_neither_marker() {
    let test = async {
        let mut scene = Scene::set(ENHANCED).await;
        scene.stanza.ssl = true;
        let (_, mut session) = scene.connect().await;
        assert!(session.data().is_none());
        let markers = Markers::fresh().expect("random bytes");
        markers.send(&mut session).await.expect("delivered");
        let wire = scene.tap.take();
        let found = (markers.metadata(&wire), markers.object(&wire));
        assert_eq!(found, (Seen::Encrypted, Seen::Encrypted));
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

/// Signs on with SSL No and says whether the markers arrived.
async fn delivered_with(alteration: Option<Alteration>) -> bool {
    let scene = Scene::set(ENHANCED).await;
    scene.tap.alter(alteration);
    let (report, mut session) = scene.connect().await;
    assert_eq!(report.object_data, Some(Protection::Clear));
    assert!(session.data().is_some());
    let markers = Markers::fresh().expect("random bytes");
    markers.send(&mut session).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_altered_byte_of_a_clear_data_channel_is_noticed() {
    let test = async {
        assert!(delivered_with(None).await, "nothing is wrong without it");
        let opening = PREAMBLE.len() + 4 + TOKEN;
        let record_header = 4;
        for (way, at) in [
            (Way::ToServer, opening + record_header),
            (Way::ToServer, opening + record_header + 31),
            (Way::ToClient, record_header),
        ] {
            let alteration = Alteration {
                way,
                beginning: PREAMBLE.to_vec(),
                at,
            };
            assert!(!delivered_with(Some(alteration)).await, "{way:?} {at}");
        }
    };
    timeout(WATCHDOG, test).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_one_channel_only() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let test = async {
        let scene = Scene::set(ENHANCED).await;
        let (_, mut session) = scene.connect().await;
        let markers = Markers::fresh().expect("random bytes");
        markers.send(&mut session).await.expect("delivered");
        let wire = scene.tap.take();
        let data = wire.iter().find(|one| one.to_server.starts_with(&PREAMBLE));
        let heard = data.expect("a data channel").to_server.clone();
        let address = scene.server.address();
        let mut thief = tokio::net::TcpStream::connect(address)
            .await
            .expect("a connection");
        thief.write_all(&heard).await.expect("sent");
        let mut answer = Vec::new();
        let _ = thief.read_to_end(&mut answer).await;
        assert!(
            answer.is_empty(),
            "what was heard on the wire opens nothing"
        );
    };
    timeout(WATCHDOG, test).await.expect("in time");
}
