//! Who authenticates the client: an earlier server by the existing protocol, inside TLS as well.

use crate::bench::{Bench, EARLIER, ENHANCED, within};
use anchorhold_rehearse::server::Versions;
use anchorhold_session::report::{Authentication, Evidence};

/// An earlier server that is reached at its SSL-only port, and its certificate is held.
async fn by_ssl() -> Bench {
    let mut bench = Bench::set(EARLIER).await;
    bench.operator().import(&bench.credential, None, false);
    bench.stanza.ssl = true;
    let port = bench.server.ssl_only_address().expect("a port");
    bench.stanza.port = port.port();
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_server_by_ssl_keeps_the_existing_authentication() {
    within(async {
        let bench = by_ssl().await;
        let report = bench.opens("held-certificate", 11).await;
        assert_eq!(report.authentication, Some(Authentication::Existing));
        let report = bench.opens("held-certificate", 4).await;
        assert_eq!(report.evidence, Evidence::InsideTls, "never in clear");
        assert_eq!(report.authentication, Some(Authentication::Existing));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_server_authenticates_inside_tls() {
    within(async {
        let mut bench = by_ssl().await;
        bench.opens("held-certificate", 11).await;
        bench.server.change(|character| {
            (character.level, character.versions) = (ENHANCED, Versions::Both);
        });
        bench.stanza.port = bench.server.address().port();
        for _ in 0..2 {
            let report = bench.opens("held-certificate", 4).await;
            assert_eq!(report.authentication, Some(Authentication::Tls));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sessions_have_the_existing_authentication_and_accepted_ones_have_not() {
    within(async {
        let bench = Bench::set(EARLIER).await;
        let report = bench.opens("existing-protocol", 9).await;
        assert_eq!(report.authentication, Some(Authentication::Existing));
        let bench = Bench::set(ENHANCED).await;
        let report = bench.opens("accepted-on-first-use", 16).await;
        assert_eq!(report.authentication, Some(Authentication::Tls));
        let report = bench.opens("held-certificate", 4).await;
        assert_eq!(report.authentication, Some(Authentication::Tls));
    })
    .await;
}
