//! Words for acceptance on first use, and for what forbids it.

use super::Words;
use super::case::{Case, ITS_OWN};
use crate::report::Remedy;

pub(super) fn barred_by_ldap(case: &Case<'_>) -> Words {
    let message = format!(
        "{} authenticates with LDAP, and a certificate is then never accepted from it",
        case.name()
    );
    Words::refusal(message, case.import(ITS_OWN))
}

pub(super) fn needs_self_signed(case: &Case<'_>) -> Words {
    let name = case.name();
    let message = format!(
        "{name} presents a CA-signed certificate, and only a self-signed one is accepted from a \
         server{}",
        case.because()
    );
    let remedy = Remedy::command(
        &["import", "--server", name, "--as", "anchor", "ca.pem"],
        "ca.pem is the root certificate of the CA that signed the server's",
    );
    Words::refusal(message, remedy)
}

pub(super) fn needs_valid(case: &Case<'_>) -> Words {
    let message = format!(
        "what {} presents cannot be accepted on first use{}",
        case.name(),
        case.because()
    );
    let expected = case.server.policy.expect;
    let remedy = match (expected, case.told.presented) {
        (Some(expected), [shown]) if expected != *shown => Remedy::advice(format!(
            "ask the server's administrator for the fingerprint of its certificate; if it is the \
             one presented, change expect in {}, otherwise find out who answers at {}",
            case.policy(),
            case.server.endpoint()
        )),
        _ => case.import(
            "if the server has another certificate that is valid: its cert256.arm; otherwise have \
             one made, and sign on again",
        ),
    };
    Words::refusal(message, remedy)
}

pub(super) fn accepted(case: &Case<'_>) -> Words {
    Words::well(format!(
        "{}: the server's self-signed certificate was accepted on first use and is kept in store \
         \"{}\"; the server is strict from now on",
        case.name(),
        case.told.detail
    ))
}
