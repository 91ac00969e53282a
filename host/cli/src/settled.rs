//! What settling came to that a machine had left open when it died, for people.

use anchorhold_kernel::import::{self, SettledEnd};
use anchorhold_session::accept;

/// What settling an interrupted acceptance came to.
pub(crate) fn acceptance(settled: &accept::Settled) -> String {
    match settled {
        accept::Settled::Completed(intent) => format!(
            "an acceptance for {} had been interrupted; store \"{}\" holds the certificate, and \
             it is complete now",
            intent.server, intent.store
        ),
        accept::Settled::Left(intent, why) => format!(
            "an acceptance for {} was interrupted and stays open: {why}",
            intent.server
        ),
        accept::Settled::Undone(intent) => format!(
            "an acceptance for {} had been interrupted before store \"{}\" was written; it was \
             undone",
            intent.server, intent.store
        ),
    }
}

/// What settling an interrupted change to stores came to, with the word that goes before it.
pub(crate) fn change(settled: &import::Settled) -> (&'static str, String) {
    let undertaking = &settled.undertaking;
    let stores = undertaking.stores.iter();
    let stores: Vec<String> = stores.map(|(store, _)| format!("\"{store}\"")).collect();
    let what = format!(
        "{} {} that changed {}",
        article(&undertaking.what),
        undertaking.what,
        stores.join(", ")
    );
    let mut text = match &settled.end {
        SettledEnd::Completed => {
            format!("{what} had been interrupted; every store was written, and it is complete now")
        }
        SettledEnd::Open { why } => {
            format!("{what} was interrupted and stays open: {}", why.join("; "))
        }
        SettledEnd::Undone => format!(
            "{what} had been interrupted; it was undone, and every store is as it was before"
        ),
    };
    for one in &settled.left_alone {
        let place = match &one.store {
            Some(store) => format!("store \"{store}\""),
            None => "its scope".to_owned(),
        };
        text.push_str(&format!(
            "; {} was changed by somebody else since, in {place}, and was left alone",
            one.fingerprint
        ));
    }
    let is_odd = matches!(settled.end, SettledEnd::Open { .. }) || !settled.left_alone.is_empty();
    (if is_odd { "warning" } else { "note" }, text)
}

/// The article of a word.
pub(crate) fn article(word: &str) -> &'static str {
    match word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    }
}
