//! What a verdict says to people.

use crate::certificate::dn;
use crate::outline::Outline;
use crate::verdict::presented::{Chain, Presented};
use crate::verdict::trouble::Trouble;
use crate::verdict::{By, Code, NameCheck};
use crate::view::{Part, Source, View};
use crate::{Fingerprint, ServerName};

/// A pin vouches.
pub(super) fn by_pin(view: &View, by: &By) -> String {
    format!(
        "The presented certificate is the one that store \"{}\" holds{}.",
        by.store,
        for_server(view)
    )
}

/// An anchor vouches.
pub(super) fn by_anchor(view: &View, by: &By, name: &NameCheck) -> String {
    let anchor = view
        .parts()
        .iter()
        .filter_map(|part| part.source.vouching()?.certificate(&by.fingerprint))
        .find_map(|item| Outline::read(&item.der).ok())
        .map_or_else(|| by.fingerprint.to_string(), |outline| dn(outline.subject));
    let name = match name {
        NameCheck::Address(name) | NameCheck::Name(name) => format!("; it is for \"{name}\""),
        NameCheck::Off => "; its name was not looked at".to_owned(),
    };
    format!(
        "A path leads from the presented certificate to the CA {anchor} that store \"{}\" holds{}\
         {name}.",
        by.store,
        for_server(view)
    )
}

/// Nothing that is held vouches.
pub(super) fn nothing_vouches(view: &View, chain: &Chain<'_>, detail: Option<&str>) -> Trouble {
    let presented = described(&chain.end_entity);
    let detail = detail
        .map(|detail| format!("; {detail}"))
        .unwrap_or_default();
    let held = view.held_by_name();
    let Some(server) = view.server() else {
        return Trouble::new(
            Code::CertificateMismatch,
            format!("none of the given anchors leads to {presented}{detail}"),
            "add the CA that issued it to the anchors, or what is missing in between to the chain",
        );
    };
    if held.is_empty() {
        return Trouble::new(
            Code::CertificateNeeded,
            format!(
                "no certificate is held for server {server} that vouches for {presented}{detail}"
            ),
            format!(
                "get the server's certificate, or that of the CA that signed it, from the \
                 server's administrator and import it: {}",
                import_command(server)
            ),
        );
    }
    Trouble::new(
        Code::CertificateMismatch,
        format!(
            "none of what is held for server {server} ({}) vouches for {presented}{detail}",
            fingerprints(held)
        ),
        format!(
            "ask the server's administrator for the fingerprint of its certificate; if it is the \
             one presented, import it beside the old: {}",
            import_command(server)
        ),
    )
}

/// A presented certificate in a sentence.
fn described(presented: &Presented<'_>) -> String {
    let names = match &presented.outline {
        Ok(outline) => {
            format!("{} issued by {}", dn(outline.subject), dn(outline.issuer))
        }
        Err(_) => "unreadable".to_owned(),
    };
    format!(
        "the presented certificate ({names}, SHA-256 {})",
        presented.fingerprint
    )
}

/// A store that matters did not answer.
pub(super) fn store_missed(part: &Part, otherwise: Option<&str>) -> Trouble {
    let why = part.source.silence().unwrap_or("it did not answer");
    let otherwise = otherwise
        .map(|what| format!("; without it: {}", uncapped(what)))
        .unwrap_or_default();
    Trouble::new(
        Code::StoreUnavailable,
        format!(
            "store \"{}\" did not answer, so nothing can be said for certain: {why}{otherwise}",
            part.store
        ),
        format!(
            "see what is wrong with it: anchorhold store check {}{}",
            quoted(&part.store),
            match part.critical {
                true => "; a store that verdicts may do without has critical = false",
                false => "",
            }
        ),
    )
}

/// What the operator should know although it changes nothing.
pub(super) fn warnings(view: &View) -> Vec<String> {
    let mut warnings = Vec::new();
    for part in view.parts() {
        match &part.source {
            Source::Fresh(_) => {}
            Source::Stale { age, why, .. } => warnings.push(format!(
                "Store \"{}\" did not answer ({why}); what it held {} s ago was used.",
                part.store,
                age.as_secs()
            )),
            Source::Down { why, .. } => warnings.push(format!(
                "Store \"{}\" did not answer and was left out: {why}.",
                part.store
            )),
        }
        let broken = part.source.distrusting().map_or(0, |snapshot| {
            snapshot.left_out() + snapshot.distrust().unreadable().len()
        });
        if broken > 0 {
            let what = match broken {
                1 => "an item that cannot be read; if it".to_owned(),
                count => format!("{count} items that cannot be read; if one of them"),
            };
            warnings.push(format!(
                "Store \"{}\" holds {what} is there to distrust something, it does not.",
                part.store
            ));
        }
    }
    warnings
}

/// A clause as a sentence.
pub(crate) fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    let mut text: String = first.to_uppercase().chain(characters).collect();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// A sentence as a clause.
fn uncapped(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    first
        .to_lowercase()
        .chain(characters.as_str().trim_end_matches('.').chars())
        .collect()
}

fn for_server(view: &View) -> String {
    view.server()
        .map(|server| format!(" for server {server}"))
        .unwrap_or_default()
}

fn import_command(server: &ServerName) -> String {
    format!(
        "anchorhold import --server {} FILE",
        quoted(server.as_str())
    )
}

/// The first few fingerprints, and how many more there are.
fn fingerprints(held: &[Fingerprint]) -> String {
    let shown: Vec<String> = held
        .iter()
        .take(SHOWN)
        .map(Fingerprint::to_string)
        .collect();
    match held.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// A word for a shell, in quotes only where it needs them.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | '@' | ':' | '/')
    };
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

const SHOWN: usize = 8;
