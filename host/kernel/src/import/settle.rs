//! Changes to stores that were interrupted: completed or undone by what the stores list now.

use std::collections::HashSet;
use std::time::Duration;

use anchorhold_state::{
    Actor, Event, ItemChange, OpenUndertaking, State, StateError, StorePart, Transaction,
    Undertaking, UndertakingEnd,
};
use time::OffsetDateTime;

use crate::import::restore::{self, Care, Standing};
use crate::import::{ImportError, image};
use crate::kernel::Kernel;
use crate::store::Store;
use crate::{Fingerprint, ScopeTable};

/// What came of a change to stores that had been interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What was open.
    pub undertaking: OpenUndertaking,
    /// What came of it.
    pub end: SettledEnd,
    /// What was changed by somebody else since, and left alone.
    pub left_alone: Vec<LeftAlone>,
}

/// How it ended, if it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettledEnd {
    /// Every store was as it was to be: it is complete.
    Completed,
    /// It stays open.
    Open {
        /// Why, store by store.
        why: Vec<String>,
    },
    /// Every store is as it was before.
    Undone,
}

/// Something that somebody else changed while a change to it was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAlone {
    /// What it is.
    pub fingerprint: Fingerprint,
    /// The store in which it was changed; none where it is its scope.
    pub store: Option<String>,
}

/// Completes or undoes every change to stores that was interrupted. A store that does not answer,
/// or is not configured any more, keeps open what it is needed for.
///
/// Nobody is waited for: whoever has such a change under way is at work on it, and who writes to
/// stores next settles first what is open then.
pub fn settle(
    kernel: &Kernel,
    state: &State,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<Vec<Settled>, ImportError> {
    if state.undertakings()?.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = match state.write_within(actor, now, Duration::ZERO) {
        Ok(transaction) => transaction,
        Err(StateError::Busy { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let (transaction, settled) = all(kernel, state, transaction, |_| true)?;
    drop(transaction);
    Ok(settled)
}

/// The same of those that are meant, for whoever has the right to write already.
pub(super) fn all<'s>(
    kernel: &Kernel,
    state: &'s State,
    mut transaction: Transaction<'s>,
    meant: impl Fn(&OpenUndertaking) -> bool,
) -> Result<(Transaction<'s>, Vec<Settled>), ImportError> {
    let mut settled = Vec::new();
    let open = transaction.undertakings().iter();
    let open: Vec<_> = open.filter(|open| meant(open)).cloned().collect();
    for open in open {
        let Some(whole) = state.undertaking(open.id)? else {
            continue;
        };
        let mut settling = Settling {
            kernel,
            open: &open,
            whole: &whole,
            left_alone: Vec::new(),
        };
        let end = settling.settle(state, &mut transaction)?;
        if !matches!(end, SettledEnd::Open { .. }) {
            transaction = transaction.commit_and_go_on()?;
        }
        let left_alone = settling.left_alone;
        settled.push(Settled {
            undertaking: open,
            end,
            left_alone,
        });
    }
    Ok((transaction, settled))
}

/// Refuses what concerns something that an open undertaking concerns in the same store: what was
/// there before that one, the next one could not know.
pub(super) fn refuse_what_is_open(
    state: &State,
    transaction: &Transaction<'_>,
    new: &Undertaking,
) -> Result<(), ImportError> {
    for open in transaction.undertakings() {
        let Some(whole) = state.undertaking(open.id)? else {
            continue;
        };
        for part in &whole.stores {
            let mut parts = new.stores.iter();
            let Some(other) = parts.find(|other| other.store == part.store) else {
                continue;
            };
            let concerned: HashSet<_> = part.items.iter().map(|item| item.fingerprint).collect();
            let mut items = other.items.iter();
            if let Some(item) = items.find(|item| concerned.contains(&item.fingerprint)) {
                return Err(ImportError::StillOpen {
                    what: open.what.clone(),
                    store: part.store.clone(),
                    fingerprint: item.fingerprint,
                });
            }
        }
    }
    Ok(())
}

/// One undertaking that is being settled.
struct Settling<'a> {
    kernel: &'a Kernel,
    open: &'a OpenUndertaking,
    whole: &'a Undertaking,
    left_alone: Vec<LeftAlone>,
}

impl<'a> Settling<'a> {
    fn settle(
        &mut self,
        state: &State,
        transaction: &mut Transaction<'_>,
    ) -> Result<SettledEnd, ImportError> {
        let (found, why) = self.look();
        if !why.is_empty() {
            return Ok(SettledEnd::Open { why });
        }
        if found.iter().all(|(_, _, standing)| standing.is_complete()) {
            self.complete(&state.scope()?, transaction);
            return Ok(SettledEnd::Completed);
        }
        let why = self.undo(&found);
        if !why.is_empty() {
            return Ok(SettledEnd::Open { why });
        }
        self.say(transaction);
        transaction.end_undertaking(self.open.id, UndertakingEnd::Undone);
        Ok(SettledEnd::Undone)
    }

    /// How every store stands; and why some do not tell.
    fn look(&self) -> (Vec<(&'a Store, &'a StorePart, Standing)>, Vec<String>) {
        let (mut found, mut why) = (Vec::new(), Vec::new());
        for part in &self.whole.stores {
            match self.stands(part) {
                Ok((store, standing)) => found.push((store, part, standing)),
                Err(silent) => why.push(silent),
            }
        }
        (found, why)
    }

    fn stands(&self, part: &StorePart) -> Result<(&'a Store, Standing), String> {
        let name = &part.store;
        let store = self
            .kernel
            .store(name)
            .ok_or_else(|| format!("store \"{name}\" is not configured any more"))?;
        let now = store.fresh_snapshot().map_err(|error| error.to_string())?;
        let standing = restore::look(part, &now).ok_or_else(|| {
            format!("what is known of store \"{name}\" was written by a newer release")
        })?;
        Ok((store, standing))
    }

    /// Undoes what is not as before, last done first; tells what could not be undone.
    fn undo(&mut self, found: &[(&Store, &StorePart, Standing)]) -> Vec<String> {
        let mut why = Vec::new();
        let mut left_alone = Vec::new();
        for (store, part, _) in found.iter().rev() {
            match restore::restore(store, part, Care::Foreign) {
                Ok(foreign) => {
                    left_alone.extend(foreign.into_iter().map(|fingerprint| LeftAlone {
                        fingerprint,
                        store: Some(part.store.clone()),
                    }));
                }
                Err(error) => why.push(error.to_string()),
            }
        }
        self.left_alone.extend(left_alone);
        why
    }

    /// Writes down what was going to be written down.
    fn complete(&mut self, scope: &ScopeTable, transaction: &mut Transaction<'_>) {
        for row in &self.whole.rows {
            let now = scope.row(&row.fingerprint);
            if now == row.after.as_ref() {
                continue;
            }
            if now != row.before.as_ref() {
                // What somebody decided since counts.
                self.left_alone.push(LeftAlone {
                    fingerprint: row.fingerprint,
                    store: None,
                });
                continue;
            }
            match &row.after {
                Some(after) => transaction.put_scope(row.fingerprint, after),
                None => transaction.remove_scope(row.fingerprint),
            }
        }
        for server in &self.whole.raises {
            transaction.raise(server);
        }
        for part in &self.whole.stores {
            part.items
                .iter()
                .for_each(|item| transaction.note(self.event(part, item)));
        }
        self.say(transaction);
        transaction.end_undertaking(self.open.id, UndertakingEnd::Completed);
    }

    /// What the journal says of one item.
    fn event(&self, part: &StorePart, item: &ItemChange) -> Event {
        let label = |bytes: Option<&Vec<u8>>| {
            let wanted = bytes.and_then(|bytes| image::Wanted::read(bytes));
            wanted.map(|wanted| wanted.label).unwrap_or_default()
        };
        let event = match &item.after {
            Some(_) => {
                let detail = format!("as \"{}\", found complete", label(item.after.as_ref()));
                Event::new(
                    match self.whole.what.as_str() {
                        COPY => "copied",
                        _ => "imported",
                    },
                    detail,
                )
            }
            None => Event::new("removed", "found complete"),
        };
        event.certificate(item.fingerprint).store(&part.store)
    }

    /// Says in the journal what was left alone.
    fn say(&self, transaction: &mut Transaction<'_>) {
        for one in &self.left_alone {
            let detail = "somebody else changed it while a change to it was open";
            let event = Event::new("left-alone", detail).certificate(one.fingerprint);
            transaction.note(match &one.store {
                Some(store) => event.store(store),
                None => event,
            });
        }
    }
}

/// The word for a copy.
pub(super) const COPY: &str = "copy";
