//! A key signs for nobody before the verdict on the server, and what came of it is told.

use super::*;
use crate::handshake::peer::{Paper, Peer, TLS_1_2, TLS_1_3};
use crate::handshake::{Failure, Handshaken, Unwelcome, handshake};
use crate::policy::KeyName;
use crate::sample::{self, STORE, Sample};
use anchorhold_kernel::NameCheck;
use anchorhold_kernel::tls::Verifier;
use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held;
use rustls::SupportedProtocolVersion;
use std::net::SocketAddr;
use std::time::Duration;

/// A client with a key in its store, whose signatures are none.
struct Client {
    sample: Sample,
    paper: Paper,
}

impl Client {
    fn new() -> Self {
        let (sample, paper) = (Sample::with_store(), Paper::new());
        let contents = sample.contents();
        contents.put(Held::key(paper.public(), "backup-client"));
        contents.put(Held::certificate(paper.der.to_vec(), "backup-client", &[]));
        Self { sample, paper }
    }

    /// Makes the store refuse every signature, so that it shows whether one was asked for.
    fn refusing(self) -> Self {
        self.sample
            .contents()
            .fault(|faults| faults.sign = Some(ErrorKind::Unavailable));
        self
    }

    fn server(&self, at: SocketAddr) -> Server {
        let mut server = sample::server("TSM1");
        (server.host, server.port) = (at.ip().to_string(), at.port());
        server.policy.client_key = Some(KeyName {
            store: STORE.to_owned(),
            label: "backup-client".to_owned(),
        });
        server
    }

    async fn shake(&self, peer: &Peer, verifier: Arc<Verifier>) -> Result<Handshaken, Failure> {
        let (context, server) = (&self.sample.context, self.server(peer.address));
        let key = ClientKey::find(context, &server, Unlocking::Stored);
        let key = key.expect("found").expect("named");
        handshake(context, &server, &[peer.address], verifier, Some(&key), &[]).await
    }

    /// A verifier that finds nothing held.
    fn judge(&self, peer: &Peer) -> Arc<Verifier> {
        let context = &self.sample.context;
        let view = context.view(&self.server(peer.address)).expect("a view");
        Verifier::judge(Arc::new(view), NameCheck::Off, context.checks)
    }
}

/// Both versions of TLS, each alone.
const VERSIONS: [&[&SupportedProtocolVersion]; 2] = [TLS_1_2, TLS_1_3];

#[tokio::test(flavor = "multi_thread")]
async fn no_signature_is_asked_for_before_the_server_is_vouched_for_and_has_proved_itself() {
    for versions in VERSIONS {
        let (client, server) = (Client::new().refusing(), Paper::new());
        let honest = Peer::tls(server.wanting(&server, versions)).await;
        let failed = client.shake(&honest, client.judge(&honest)).await;
        assert!(matches!(failed, Err(Failure::Verdict(_))), "{failed:?}");
        let forged = Peer::tls(server.wanting(&Paper::new(), versions)).await;
        let failed = client.shake(&forged, Verifier::capture()).await;
        assert!(matches!(failed, Err(Failure::BadSignature)), "{failed:?}");
        // What is asked for in the end shows that it would have shown.
        let failed = client.shake(&honest, Verifier::capture()).await;
        let Err(Failure::Key(error)) = failed else {
            panic!("{failed:?}")
        };
        assert_eq!(error.store(), STORE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_and_shown_is_known_of_each_handshake() {
    for versions in VERSIONS {
        let (client, server) = (Client::new(), Paper::new());
        let wanting = Peer::tls(server.wanting(&server, versions)).await;
        let shaken = client.shake(&wanting, Verifier::capture()).await;
        let mut shaken = shaken.expect("shaken");
        assert!(shaken.is_asked() && shaken.is_signed());
        assert!(shaken.confirm(PATIENCE).await.expect("confirmed"));
        let content = Peer::tls(server.server(versions)).await;
        let shaken = client.shake(&content, Verifier::capture()).await;
        let mut shaken = shaken.expect("shaken");
        assert!(!shaken.is_asked() && !shaken.is_signed());
        assert!(shaken.confirm(PATIENCE).await.expect("nothing to wait for"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_none_is_heard_in_either_version() {
    for versions in VERSIONS {
        let (client, server) = (Client::new(), Paper::new());
        let refusing = Peer::tls(server.refusing(versions)).await;
        let refused = match client.shake(&refusing, Verifier::capture()).await {
            Ok(mut shaken) => shaken.confirm(PATIENCE).await.map(|_| ()),
            Err(failure) => Err(failure),
        };
        assert!(
            matches!(&refused, Err(Failure::Unwelcome(Unwelcome::Refused(_)))),
            "{refused:?}"
        );
    }
}

#[test]
fn the_certificate_shown_is_that_of_the_key() {
    let client = Client::new();
    let server = client.server(([127, 0, 0, 1], 1500).into());
    let found = ClientKey::find(&client.sample.context, &server, Unlocking::Stored);
    let key = found.expect("found").expect("named");
    assert_eq!(key.fingerprint(), fingerprint(&client.paper.der));
    let (resolver, _) = answering(Some(&key));
    let offered = [SignatureScheme::ECDSA_NISTP256_SHA256];
    let certified = resolver.resolve(&[], &offered).expect("a key");
    certified.keys_match().expect("they belong together");
    assert!(resolver.resolve(&[], &[SignatureScheme::ED25519]).is_none());
    let shown = format!("{key:?}");
    assert!(shown.contains("backup-client"), "{shown}");
}

const PATIENCE: Duration = Duration::from_secs(60);
