//! The keys that this client signs on with: whether each is there, fits, and will be for a while.

use anchorhold_kernel::certificate::{Facts, moment};
use anchorhold_kernel::{KeyPair, KeyPairError, Unlocking};
use anchorhold_session::policy::KeyName;
use anchorhold_session::server::Server;

use super::case::Case;
use super::certificate::SOON;
use super::finding::{Findings, of_server};
use crate::commands::damage;
use crate::exit::Failure;

/// Looks for the key of every server that has one. No person is asked, and what is stored to
/// unlock its store is tried as a sign-on would: once.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let Some((servers, kernel)) = case.servers.as_ref().zip(case.kernel) else {
        return Ok(());
    };
    for server in &servers.all {
        let Some(named) = &server.policy.client_key else {
            continue;
        };
        // One that does not answer is told of as such.
        let store = kernel.store(&named.store);
        let Some(store) = store.filter(|_| case.answers(&named.store)) else {
            continue;
        };
        match store.key_pair(&named.label, Unlocking::Stored) {
            Ok(pair) => dates(server, named, &pair, case, findings),
            Err(error) => unusable(server, named, &error, case, findings),
        }
    }
    Ok(())
}

/// What the dates of its certificate say; a server is free to refuse it for them.
fn dates(
    server: &Server,
    named: &KeyName,
    pair: &KeyPair,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) {
    let facts = pair.chain.first().and_then(|der| Facts::read(der).ok());
    let Some(facts) = facts else {
        return;
    };
    let at = moment(case.now);
    let (code, what) = if facts.expired(at) {
        let when = facts.not_after_text();
        (
            "client-certificate-expired",
            format!("expired at {when}, and the server may refuse it"),
        )
    } else if facts.not_yet_valid(at) {
        let when = facts.not_before_text();
        (
            "client-certificate-not-yet-valid",
            format!("is not valid before {when}, if the clock is right"),
        )
    } else if facts.not_after.saturating_sub(case.now) < SOON {
        let when = facts.not_after_text();
        ("client-certificate-expiring", format!("expires at {when}"))
    } else {
        return;
    };
    let KeyName { store, label } = named;
    let message = format!(
        "the certificate that this client shows, {}, \"{label}\" in store \"{store}\", {what}",
        facts.subject
    );
    let remedy = format!(
        "have its CA issue a new one for the same key, and put it beside the key under the same \
         label; see what is there: {}",
        findings.command(&["list", "--store", store])
    );
    findings.warning(code, of_server(&server.name), message, remedy);
}

/// What keeps the server from being signed on to with it.
fn unusable(
    server: &Server,
    named: &KeyName,
    error: &KeyPairError,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) {
    let KeyName { store, label } = named;
    let about = of_server(&server.name);
    let message = format!("the client's key \"{label}\" in store \"{store}\": {error}");
    let code = match error {
        KeyPairError::Store(error) if damage::is_locked(error) => {
            let remedy = format!(
                "a sign-on at a terminal asks for its PIN; where nobody is, let `secrets` of the \
                 store in {} say where it is stored",
                case.file_of(store)
            );
            findings.warning("client-key-locked", about, message, remedy);
            return;
        }
        KeyPairError::Store(_) => "client-key-unavailable",
        KeyPairError::Mismatch => "client-key-mismatch",
        _ => "client-key-missing",
    };
    let remedy = format!(
        "correct `client_key` of [server.{}] in {}, or put key and certificate there under one \
         label; see what is there: {}",
        server.name,
        case.home.paths.file().display(),
        findings.command(&["list", "--store", store])
    );
    findings.error(code, about, message, remedy);
}
