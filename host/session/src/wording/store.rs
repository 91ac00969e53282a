//! Words for stores that do not answer or cannot be written.

use super::Words;
use super::case::Case;
use crate::report::Remedy;
use anchorhold_kernel::Held;

pub(super) fn unavailable(case: &Case<'_>) -> Words {
    let name = case.name();
    let detail = case.told.detail;
    match &case.situation.held {
        Held::Unanswered { store, why } => Words::refusal(
            format!("store \"{store}\", which may hold the certificate of {name}, failed: {why}"),
            Remedy::command(
                &["store", "check", store],
                "names what is wrong with it; nothing is decided without it",
            ),
        ),
        // The verdict names the store and says that it did not answer.
        Held::No | Held::Yes(_) if case.told.advice.is_some() => Words::refusal(
            format!("{name}: {detail}"),
            Remedy::command(
                &["store", "check"],
                "names what is wrong; a store that verdicts may do without has critical = false",
            ),
        ),
        Held::No | Held::Yes(_) => Words::refusal(
            format!("a store of {name} did not answer{}", case.because()),
            Remedy::command(&["store", "check"], "names what is wrong"),
        ),
    }
}

pub(super) fn not_writable(case: &Case<'_>) -> Words {
    let why = match (case.told.detail, &case.server.policy.accept_into) {
        ("", Some(store)) => format!(
            "store \"{store}\", which accept_into names, is none of its stores or cannot be written"
        ),
        ("", None) => "none of its stores is a file store that can be written, and its policy \
                       names no accept_into"
            .to_owned(),
        (detail, _) => detail.to_owned(),
    };
    let message = format!("the certificate of {} cannot be kept: {why}", case.name());
    let note = format!(
        "names the stores; set accept_into in {} to one that is asked for the server and can be \
         written, or import the certificate with --store STORE",
        case.policy()
    );
    Words::refusal(message, Remedy::command(&["store", "list"], note))
}
