//! Changes to stores that were begun and not ended, and what to do about them.

use anchorhold_api as api;
use anchorhold_kernel::Kernel;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_state::{OpenUndertaking, State};

use crate::exit::Failure;
use crate::settled::article;

/// A change to stores that was begun and not ended.
#[derive(Debug)]
pub(super) struct Open {
    /// As it is shown to programs.
    pub(super) shown: api::OpenUndertaking,
    /// What is wrong, for people; nothing where somebody is at work on it.
    pub(super) problem: Option<String>,
    /// What to do about it.
    pub(super) remedy: String,
}

/// Every one of them. Without a kernel nobody can tell which stores are gone.
pub(super) fn look(state: &State, kernel: Option<&Kernel>) -> Result<Vec<Open>, Failure> {
    let open = state.undertakings()?;
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let writer = state.writer()?;
    // Whoever wrote then may have come to the end just now.
    let still = state.undertakings()?;
    let open = open.into_iter().filter(|one| still.contains(one));
    Ok(open.map(|one| told(&one, writer.clone(), kernel)).collect())
}

fn told(one: &OpenUndertaking, writer: Option<String>, kernel: Option<&Kernel>) -> Open {
    let stores: Vec<String> = one.stores.iter().map(|(store, _)| store.clone()).collect();
    let is_gone = |store: &&String| kernel.is_some_and(|kernel| kernel.store(store).is_none());
    let gone: Vec<String> = stores.iter().filter(is_gone).cloned().collect();
    let shown = api::OpenUndertaking {
        what: one.what.clone(),
        stores,
        at: rfc3339(one.at),
        who: one.who.clone(),
        under_way_by: writer,
        gone,
    };
    let is_under_way = shown.under_way_by.is_some();
    Open {
        problem: (!is_under_way).then(|| problem(&shown)),
        remedy: remedy(&shown),
        shown,
    }
}

fn problem(one: &api::OpenUndertaking) -> String {
    let mut text = format!(
        "{} {} by {} at {} was interrupted while it changed {}, and is neither complete nor undone",
        article(&one.what),
        one.what,
        one.who,
        one.at,
        quoted(&one.stores)
    );
    if !one.gone.is_empty() {
        text.push_str(&format!(
            "; it waits for {}, which {} not configured any more",
            quoted(&one.gone),
            if one.gone.len() == 1 { "is" } else { "are" }
        ));
    }
    text
}

fn remedy(one: &api::OpenUndertaking) -> String {
    match one.gone.first() {
        None => "see that its stores answer; the next command that changes anything, or connects, \
                 then completes or undoes it"
            .to_owned(),
        Some(gone) => format!(
            "configure the store again; or, where it is gone for good, let nothing wait for it: \
             anchorhold store release {gone}"
        ),
    }
}

/// Stores in a sentence.
fn quoted(stores: &[String]) -> String {
    let stores: Vec<String> = stores
        .iter()
        .map(|one| format!("store \"{one}\""))
        .collect();
    stores.join(", ")
}
