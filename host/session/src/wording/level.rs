//! Words for what a server's level leads to, and for servers that seem to have gone back.

use super::case::{Case, ITS_OWN};
use super::{Cause, Words};
use crate::decision::Plain;
use crate::report::Remedy;

pub(super) fn downgrade(case: &Case<'_>) -> Words {
    match case.told.cause {
        Cause::NoTls => strict_without_tls(case),
        _ => below_declared(case),
    }
}

/// The operator's word and the server's differ, and no leave in the ledger changes that.
fn below_declared(case: &Case<'_>) -> Words {
    let declared = match case.server.policy.level {
        Some(level) => format!("{level} is declared for it"),
        None => "a later one is declared for it".to_owned(),
    };
    let message = format!(
        "{} announces an earlier level, and {declared}; nothing was sent in clear",
        case.name()
    );
    let remedy = Remedy::advice(format!(
        "change level in {} if the server really went back; otherwise find out who answers at {}: \
         somebody may be in between",
        case.policy(),
        case.server.endpoint()
    ));
    Words::refusal(message, remedy)
}

fn strict_without_tls(case: &Case<'_>) -> Words {
    let message = format!(
        "{} is strict, and what answers at {} speaks no TLS{}; nothing was sent in clear",
        case.name(),
        case.server.endpoint(),
        case.because()
    );
    let check = format!(
        "check {} and who answers there: a strict server has to speak TLS",
        case.address()
    );
    let remedy = if case.lowering_opens_plain() {
        case.lower_to_plain()
    } else if case.server.ssl {
        Remedy::advice(format!(
            "{check}, and an earlier one does so at its SSL port only"
        ))
    } else {
        Remedy::advice(format!(
            "{check}; if it really went back to an earlier level, {}",
            case.ssl_yes()
        ))
    };
    Words::refusal(message, remedy)
}

pub(super) fn fell(case: &Case<'_>) -> Words {
    let why = match case.told.detail {
        "" => "it announced an enhanced level before, and is said to be at an earlier one now",
        detail => detail,
    };
    let message = format!("{} claims less than before: {why}", case.name());
    let endpoint = case.server.endpoint();
    let remedy = if case.told.cause == Cause::LevelFloor {
        Remedy::advice(format!(
            "set level_floor = \"warn\" in {} if the server really went back; otherwise find out \
             who answers at {endpoint}",
            case.policy()
        ))
    } else if case.lowering_opens_plain() {
        case.lower_to_plain()
    } else if case.server.ssl {
        case.import(format!(
            "with SSL Yes and a held certificate the announced level does not matter; {ITS_OWN}"
        ))
    } else {
        Remedy::advice(format!(
            "find out who answers at {endpoint}; if the server really went back, {} and import its \
             certificate",
            case.ssl_yes()
        ))
    };
    Words::refusal(message, remedy)
}

pub(super) fn unknown(case: &Case<'_>) -> Words {
    let message = format!(
        "{} at {} tells no level and speaks no TLS{}",
        case.name(),
        case.server.endpoint(),
        case.because()
    );
    let remedy = if case.server.ssl {
        case.port_with_tls()
    } else {
        Remedy::advice(format!(
            "declare the level, level = \"V.R.L.S\" in {}, or check {}",
            case.policy(),
            case.address()
        ))
    };
    Words::refusal(message, remedy)
}

pub(super) fn existing_protocol(case: &Case<'_>) -> Words {
    Words::well(format!(
        "{} is at an earlier level and SSL is No: the existing protocol goes on, in clear",
        case.name()
    ))
}

pub(super) fn plain_forbidden(case: &Case<'_>) -> Words {
    let name = case.name();
    let what = format!("{name} is at an earlier level and SSL is No, and");
    // A leave for an acceptance shuts the other way down.
    if case.server.policy.plain != Plain::Never && case.lowering_opens_plain() {
        let message = format!("{what} it was lowered for an acceptance, not for a plain session");
        return Words::refusal(message, case.lower_to_plain());
    }
    let message = format!(
        "{what} plain = \"never\" in {} forbids a plain session",
        case.policy()
    );
    let remedy = Remedy::advice(format!(
        "{}, or upgrade the server to 8.1.2",
        case.ssl_yes()
    ));
    Words::refusal(message, remedy)
}
