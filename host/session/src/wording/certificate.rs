//! Words for certificates that are held, needed or lost.

use super::Words;
use super::case::{Case, ITS_OWN};
use crate::level::Era;
use crate::report::Remedy;

pub(super) fn vouches(case: &Case<'_>) -> Words {
    let name = case.name();
    Words::well(match case.told.detail {
        "" => format!("{name}: TLS, and a held certificate has to vouch for the server"),
        store => format!("{name}: TLS; a certificate in store \"{store}\" vouches for the server"),
    })
}

/// Nothing is held for the server, and nothing is accepted from it.
pub(super) fn needed(case: &Case<'_>) -> Words {
    let name = case.name();
    if !case.told.detail.is_empty() {
        let message = format!("{name}: {}", case.told.detail);
        return Words::refusal(message, case.import_presented(""));
    }
    let message = format!("no certificate is held for {name}, and {}", barrier(case));
    let asks = case.situation.facts.accept && level(case).is_none();
    let note = if asks {
        format!(
            "{ITS_OWN}; where the server cannot tell its level, level = \"V.R.L.S\" in {} declares \
             it",
            case.policy()
        )
    } else {
        ITS_OWN.to_owned()
    };
    Words::refusal(message, case.import(note))
}

/// Why none is accepted from the server.
fn barrier(case: &Case<'_>) -> &'static str {
    if case.server.replication {
        "none is ever accepted from a replication server, whose address another server told"
    } else if !case.server.accept {
        "SSLACCEPTCERTFROMSERV No forbids to take it from the server"
    } else if !case.situation.facts.accept {
        "the leave for a plain session, by which it was lowered, allows no acceptance"
    } else if level(case) == Some(Era::Earlier) {
        "none is accepted from a server at an earlier level: 8.1.2 or later is needed, or 7.1.8 or \
         later of version 7"
    } else {
        "none is accepted from a server whose level is not known: 8.1.2 or later is needed, or \
         7.1.8 or later of version 7"
    }
}

fn level(case: &Case<'_>) -> Option<Era> {
    case.situation.facts.levels.for_acceptance()
}

pub(super) fn lost(case: &Case<'_>) -> Words {
    let name = case.name();
    let Some(twin) = &case.situation.strict_twin else {
        let message = format!(
            "{name} is strict and no certificate is held for it any more; none is ever accepted \
             from a strict server"
        );
        return Words::refusal(message, case.import(ITS_OWN));
    };
    let message = format!(
        "{name} has the address and port of {}, which is strict, and no certificate is in scope \
         for {name}",
        twin.server
    );
    let Some(certificate) = twin.certificate.map(|certificate| certificate.to_string()) else {
        return Words::refusal(message, case.import(ITS_OWN));
    };
    let both = [
        "scope",
        &certificate,
        "--server",
        twin.server.as_str(),
        "--server",
        name,
    ];
    let note = format!("if {name} is the same server as {}", twin.server);
    Words::refusal(message, Remedy::command(&both, note))
}
