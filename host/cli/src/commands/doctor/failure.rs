//! Stores that cannot be listed, each by what would help.

use anchorhold_boundary::status::Status;
use anchorhold_kernel::{Store, StoreError, StoreErrorKind};

use super::case::Case;
use super::finding::{Findings, Severity, of_store};
use super::plugin;
use crate::commands::damage;

/// A store that could not be listed.
pub(super) fn look(
    store: &Store,
    error: &StoreError,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) {
    let told_of_plugin = matches!(error.kind(), StoreErrorKind::Refused { code, .. }
        if plugin::is_told(store.plugin_id(), code, findings));
    // Where the files that register plugins cannot be used, it is them that have to be mended.
    let unread =
        matches!(error.kind(), StoreErrorKind::NoPlugin { .. }) && findings.has("config-unsafe");
    if told_of_plugin || unread {
        return;
    }
    let severity = if store.plan().critical {
        Severity::Error
    } else {
        Severity::Warning
    };
    let code = code_of(error);
    let remedy = remedy(store, error, code, case, findings);
    let message = error.kind().to_string();
    findings.add(severity, code, of_store(store.name()), message, remedy);
}

/// The word for a store that could not be listed.
fn code_of(error: &StoreError) -> &str {
    if let Some(code) = error.code() {
        return code;
    }
    match error.status() {
        Some(Status::Locked | Status::PromptRefused) => "store-locked",
        Some(Status::LockedOut) => "store-locked-out",
        Some(Status::Malformed) => "store-damaged",
        Some(Status::NotPresent) => "store-not-present",
        Some(Status::Busy | Status::Timeout | Status::Unavailable) => "store-unavailable",
        Some(Status::WrongSecret) => "secret-wrong",
        _ => "store-failed",
    }
}

fn remedy(
    store: &Store,
    error: &StoreError,
    code: &str,
    case: &Case<'_>,
    findings: &Findings<'_>,
) -> String {
    // A file store has no lock that a person could open.
    if damage::database(store).is_some()
        && let Some(remedy) = damage::remedy(store, error)
    {
        return remedy;
    }
    match error.kind() {
        StoreErrorKind::Refused {
            remedy: Some(remedy),
            ..
        } => remedy.clone(),
        _ if code == "store-locked" => {
            damage::unlocking(store, &findings.command(&["store", "unlock", store.name()]))
        }
        _ => advice(code, store.name(), &case.file_of(store.name()), findings),
    }
}

/// What to do with a store of this name, which stands in this file.
fn advice(code: &str, name: &str, file: &str, findings: &Findings<'_>) -> String {
    let after = |verb: &str| findings.command(&["store", verb, name]);
    match code {
        "crashed" => format!(
            "ask the author of the plugin with what `journal show` says of it; the next command \
             starts it again; this forgets the crash: {}",
            after("release")
        ),
        "quarantined" => format!(
            "ask the author of the plugin with what `journal show` says of it; this lets it be \
             started again: {}",
            after("release")
        ),
        "plugin-missing" => format!(
            "register the plugin with its manifest, or correct `plugin` of the [[store]] in {file}: \
             {}",
            findings.command(&["plugin", "add", "MANIFEST"])
        ),
        "secret-wrong" => format!(
            "check where {file} says that its secret is, then: {}",
            after("unlock")
        ),
        "setting-invalid" => format!("correct `settings` of the [[store]] \"{name}\" in {file}"),
        "store-locked-out" => format!(
            "have an administrator of the token or service reset it, then: {}",
            after("unlock")
        ),
        "store-not-present" => format!(
            "put the token or file in its place, or correct `settings` of the [[store]] in {file}"
        ),
        "store-unavailable" => format!(
            "see that what it talks to can be reached, or give it a longer `timeout` in {file}; \
             then: {}",
            after("check")
        ),
        _ => format!("mend what the message says, then: {}", after("check")),
    }
}
