//! Words for a presented chain that nothing held vouches for.

use super::case::Case;
use super::{Cause, Words};
use crate::report::Remedy;
use anchorhold_kernel::{Code, Held};

pub(super) fn words(case: &Case<'_>, code: Code) -> Words {
    let name = case.name();
    let message = match case.told.detail {
        "" => format!("{name}: {code}"),
        detail => format!("{name}: {detail}"),
    };
    Words::refusal(message, remedy(case, code))
}

fn remedy(case: &Case<'_>, code: Code) -> Remedy {
    match code {
        Code::CertificateExpired => case.import(
            case.told
                .advice
                .unwrap_or("once the server has a new certificate: its cert256.arm"),
        ),
        Code::CertificateMismatch => mismatch(case),
        Code::CertificateNotYetValid => {
            case.advised("check the clocks of this machine and of the server")
        }
        Code::CertificateWeak => {
            case.advised("have a certificate issued that is fit for a TLS server")
        }
        Code::Distrusted => case.advised(
            "have another certificate issued for the server; only if the distrust is an error, \
             take it out of its store",
        ),
        Code::NameMismatch if case.told.cause == Cause::Moved => pin(case),
        Code::NameMismatch => case.advised(format!(
            "set {} to a name that the certificate carries, or name_check in {}",
            address_option(case),
            case.policy()
        )),
        Code::RevocationUnknown => case.advised(
            "put the current revocation list of the CA into a store of the server, or have the \
             CA's answer made available",
        ),
        Code::Revoked => case.advised(
            "have another certificate issued for the server, and import it if no held CA signed it",
        ),
        // The kernel may learn new codes.
        _ => shown(case),
    }
}

/// What the verdict itself says, or else what is held.
fn shown(case: &Case<'_>) -> Remedy {
    match case.told.advice {
        Some(advice) => Remedy::advice(advice),
        None => Remedy::command(
            &["list", "--server", case.name()],
            "shows what is held for the server",
        ),
    }
}

/// Another certificate than those held: a renewal, or an impostor.
fn mismatch(case: &Case<'_>) -> Remedy {
    let shown = case.told.presented.first();
    let is_held = match &case.situation.held {
        Held::Yes(held) => shown.is_some_and(|shown| held.contains(shown)),
        Held::No | Held::Unanswered { .. } => false,
    };
    match case.told.advice {
        // It is here already, or the CA that issued it is and as something else, so that more of
        // it is no help.
        Some(advice) if is_held || case.told.misfiled.is_some() => Remedy::advice(advice),
        Some(_) | None => case.import_presented("if the server's certificate was renewed: "),
    }
}

/// A name says nothing where another server told the address; the certificate itself does.
fn pin(case: &Case<'_>) -> Remedy {
    let command = [
        "import",
        "--server",
        case.name(),
        "--as",
        "pin",
        "cert256.arm",
    ];
    let note = match case.told.presented.first() {
        Some(shown) => format!(
            "if the server really moved: the file with its own certificate must have the SHA-256 \
             {shown}; its CA cannot speak for an address that another server told"
        ),
        None => "if the server really moved: the file with its own certificate; its CA cannot \
                 speak for an address that another server told"
            .to_owned(),
    };
    Remedy::command(&command, note)
}

fn address_option(case: &Case<'_>) -> String {
    if case.server.replication {
        "REPLTCPSERVERADDRESS".to_owned()
    } else if case.server.policy.address.is_some() {
        case.address()
    } else {
        "TCPServeraddress".to_owned()
    }
}
