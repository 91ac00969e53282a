//! Words for the client's own key.

use super::Words;
use super::case::Case;
use crate::report::Remedy;

/// The key is not where the policy says, or its certificate is that of another.
pub(super) fn unusable(case: &Case<'_>) -> Words {
    let (store, label) = named(case);
    let message = format!(
        "the client's key for {}, \"{label}\" in store \"{store}\", cannot be used{}",
        case.name(),
        case.because()
    );
    let note = format!(
        "shows what the store holds; correct client_key in {}, or put key and certificate there \
         under one label",
        case.policy()
    );
    Words::refusal(message, Remedy::command(&["list", "--store", &store], note))
}

/// The store of the key did not answer.
pub(super) fn unanswered(case: &Case<'_>) -> Words {
    let (store, label) = named(case);
    let message = format!(
        "the client's key for {}, \"{label}\", cannot be used now{}",
        case.name(),
        case.because()
    );
    Words::refusal(
        message,
        Remedy::command(
            &["store", "check", &store],
            "names what is wrong; where it is locked, let its secrets say where the PIN is stored",
        ),
    )
}

/// The server was shown the client's certificate, and does not take it.
pub(super) fn refused(case: &Case<'_>) -> Words {
    let (store, label) = named(case);
    let message = format!(
        "{} does not take the client's own certificate, \"{label}\" in store \"{store}\"{}",
        case.peer(),
        case.because()
    );
    let note = "shows the certificate, and until when it is valid; the server has to trust it, or \
                the CA that issued it, and its activity log says why it does not";
    Words::refusal(message, Remedy::command(&["list", "--store", &store], note))
}

/// The server goes on with nobody who does not show a certificate.
pub(super) fn wanted(case: &Case<'_>) -> Words {
    if case.server.policy.client_key.is_none() {
        let message = format!(
            "{} wants a certificate of the client, and none is configured{}",
            case.peer(),
            case.because()
        );
        let remedy = Remedy::advice(format!(
            "put a key and its certificate into a store, have the server trust the certificate, \
             and write client_key = {{ store = \"STORE\", label = \"LABEL\" }} below {}",
            case.policy()
        ));
        return Words::refusal(message, remedy);
    }
    let message = format!(
        "{} goes on with nobody who shows no certificate, and the client's own is not shown to a \
         server whose certificate is not held yet: none is accepted from it{}",
        case.peer(),
        case.because()
    );
    Words::refusal(message, case.import_presented(""))
}

fn named(case: &Case<'_>) -> (String, String) {
    let named = case.server.policy.client_key.as_ref();
    named.map_or_else(Default::default, |named| {
        (named.store.clone(), named.label.clone())
    })
}
