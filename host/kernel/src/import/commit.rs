//! Writing to several stores: all or none, written down before, read back, and undone from what
//! was there before.

use std::collections::HashMap;
use std::sync::Arc;

use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::{Item, ItemId, Kind};
use anchorhold_boundary::status::Status;
use anchorhold_state::{
    Event, ItemChange, OpenUndertaking, State, StateError, StorePart, Transaction, Undertaking,
    UndertakingEnd,
};

use crate::certificate::fingerprint;
use crate::import::effect::FEW;
use crate::import::image::{self, Wanted};
use crate::import::moment;
use crate::import::preview::Rows;
use crate::import::restore::{self, Care};
use crate::import::{ImportError, settle};
use crate::kernel::Kernel;
use crate::snapshot::{Snapshot, Trust, trust};
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::{Fingerprint, ScopeTable, ServerName};

/// What is to be done in one store.
pub(super) struct Work<'k> {
    pub(super) store: &'k Store,
    pub(super) before: Arc<Snapshot>,
    pub(super) batch: Batch,
    /// What must be read back afterwards.
    pub(super) expected: Vec<Expected>,
}

/// What must be read back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// The certificate is not there.
    Gone(Fingerprint),
    /// It is there, and may vouch where that is wanted.
    Held {
        fingerprint: Fingerprint,
        trusted: bool,
    },
}

/// What a change to stores is, besides what it does to them.
pub(super) struct Deed<'a> {
    /// What it is, in one word.
    pub(super) what: &'static str,
    /// The table before it.
    pub(super) scope: &'a ScopeTable,
    /// The rows of the table that change.
    pub(super) rows: &'a Rows,
    /// The servers that become strict.
    pub(super) raises: Vec<ServerName>,
    /// What the journal says of it.
    pub(super) notes: Vec<Event>,
}

impl Expected {
    fn fingerprint(&self) -> &Fingerprint {
        match self {
            Self::Gone(fingerprint) | Self::Held { fingerprint, .. } => fingerprint,
        }
    }

    /// What is wrong, if anything is; the bytes are at hand where it is one of a few.
    fn fault(&self, snapshot: &Snapshot, der: Option<&[u8]>) -> Option<String> {
        let item = snapshot.certificate_of(self.fingerprint(), der);
        match (self, item) {
            (Self::Gone(_), None) => None,
            (Self::Gone(fingerprint), Some(_)) => Some(format!("{fingerprint} is still there")),
            (Self::Held { fingerprint, .. }, None) => Some(format!("{fingerprint} is not there")),
            (
                Self::Held {
                    fingerprint,
                    trusted,
                },
                Some(item),
            ) => {
                let lost = *trusted && !matches!(trust(item), Trust::Anchor { .. });
                lost.then(|| format!("{fingerprint} is there without the trust it was given"))
            }
        }
    }
}

impl<'k> Work<'k> {
    pub(super) fn new(store: &'k Store, before: Arc<Snapshot>) -> Self {
        let batch = Batch {
            if_generation: before.generation(),
            ..Batch::default()
        };
        Self {
            store,
            before,
            batch,
            expected: Vec::new(),
        }
    }

    /// Does it. Where nobody can tell what came of it, a listing does.
    fn apply(&self) -> Result<(), StoreError> {
        let applied = self.store.apply(&self.batch);
        moment::pass();
        let Err(error) = applied else { return Ok(()) };
        let is_unknown = error.status() == Some(Status::OutcomeUnknown);
        match is_unknown && self.read_back().is_ok() {
            true => Ok(()),
            false => Err(error),
        }
    }

    /// Reads back what must be there.
    fn read_back(&self) -> Result<(), StoreError> {
        let now = self.store.fresh_snapshot()?;
        let few = self.few();
        let fault = self.expected.iter().find_map(|expected| {
            let der = few.get(expected.fingerprint()).copied();
            expected.fault(&now, der)
        });
        match fault {
            None => Ok(()),
            Some(what) => Err(self.store.error(StoreErrorKind::NotReadBack { what })),
        }
    }

    /// The bytes of what must be read back, where it is little.
    fn few(&self) -> HashMap<Fingerprint, &[u8]> {
        if self.expected.len() > FEW || self.batch.changes.len() > FEW {
            return HashMap::new();
        }
        let written = self.batch.changes.iter().filter_map(|change| match change {
            Change::Put(item) => Some(&*item.der),
            Change::Remove(id) => {
                let mut items = self.before.items().iter();
                items.find(|item| item.id == *id).map(|item| &*item.der)
            }
        });
        written.map(|der| (fingerprint(der), der)).collect()
    }

    /// The certificates that are taken out.
    pub(super) fn gone(&self) -> impl Iterator<Item = Fingerprint> {
        self.expected.iter().filter_map(|expected| match expected {
            Expected::Gone(fingerprint) => Some(*fingerprint),
            Expected::Held { .. } => None,
        })
    }

    /// What changes, with what was there before; none where nothing does.
    fn part(&self) -> Option<StorePart> {
        let changes = &self.batch.changes;
        if changes.is_empty() {
            return None;
        }
        let removes = changes
            .iter()
            .any(|change| matches!(change, Change::Remove(_)));
        let ids: HashMap<&ItemId, &Item> = match removes {
            true => self
                .before
                .items()
                .iter()
                .map(|item| (&item.id, item))
                .collect(),
            false => HashMap::new(),
        };
        let items = changes.iter().filter_map(|change| match change {
            Change::Put(item) => Some(self.put(item)),
            Change::Remove(id) => ids.get(id).map(|item| ItemChange {
                fingerprint: fingerprint(&item.der),
                before: Some(image::bytes(item)),
                after: None,
            }),
        });
        Some(StorePart {
            store: self.store.name().to_owned(),
            items: items.collect(),
        })
    }

    fn put(&self, item: &Item) -> ItemChange {
        let fingerprint = fingerprint(&item.der);
        let before = match item.kind {
            Kind::Certificate if self.batch.changes.len() <= FEW => {
                self.before.certificate_of(&fingerprint, Some(&item.der))
            }
            Kind::Certificate => self.before.certificate(&fingerprint),
            kind => {
                let mut items = self.before.items().iter();
                items.find(|held| held.kind == kind && held.der == item.der)
            }
        };
        ItemChange {
            fingerprint,
            before: before.map(image::bytes),
            after: Some(Wanted::of(item).bytes()),
        }
    }
}

/// Asks every store whether the work could be done.
pub(super) fn check(work: &mut [Work<'_>]) -> Result<(), ImportError> {
    for work in work
        .iter_mut()
        .filter(|work| !work.batch.changes.is_empty())
    {
        // What is only asked is not copied for it: there may be a hundred thousand of them.
        work.batch.check_only = true;
        let checked = work.store.apply(&work.batch);
        work.batch.check_only = false;
        checked?;
    }
    Ok(())
}

/// Begins a change to stores, once all that was left open in them is settled, as far as it can be.
pub(super) fn begin<'s>(
    kernel: &Kernel,
    state: &'s State,
    transaction: Transaction<'s>,
    stores: &[String],
) -> Result<Transaction<'s>, ImportError> {
    // What other stores keep open, nobody waits for once more.
    let concerns = |open: &OpenUndertaking| {
        let mut waits = open.stores.iter();
        waits.any(|(store, _)| stores.contains(store))
    };
    settle::all(kernel, state, transaction, concerns).map(|(transaction, _)| transaction)
}

/// Does the work in every store, reads it back and records it; or leaves all as it was before.
///
/// What is going to be done is durable before the first store is touched, so that whatever stops
/// it in between, the next who comes completes or undoes it.
pub(super) fn carry_out(
    mut work: Vec<Work<'_>>,
    deed: Deed<'_>,
    state: &State,
    mut transaction: Transaction<'_>,
) -> Result<(), ImportError> {
    // What happens whole or not at all happens last, when all else has succeeded.
    work.sort_by_key(|work| work.store.writes_whole());
    check(&mut work)?;
    let undertaking = Arc::new(deed.undertaking(&work));
    if undertaking.stores.is_empty() {
        work.iter().try_for_each(Work::read_back)?;
        deed.record(&mut transaction);
        return Ok(transaction.commit()?);
    }
    settle::refuse_what_is_open(state, &transaction, &undertaking)?;
    moment::pass();
    let id = transaction.begin_undertaking(Arc::clone(&undertaking));
    let mut transaction = transaction.commit_and_go_on()?;
    moment::pass();
    if let Err((error, touched)) = write(&work) {
        let back = Back {
            work: &work,
            undertaking: &undertaking,
            touched,
            id,
        };
        return Err(back.take(error, Ok(transaction)));
    }
    deed.record(&mut transaction);
    transaction.end_undertaking(id, UndertakingEnd::Completed);
    moment::pass();
    let Err((error, turn)) = transaction.commit_or_keep() else {
        moment::pass();
        return Ok(());
    };
    let back = Back {
        work: &work,
        undertaking: &undertaking,
        touched: work.len(),
        id,
    };
    Err(back.take(ImportError::State(error), turn.begin()))
}

/// Does the work and reads it back; tells how many stores may have been touched where that fails.
fn write(work: &[Work<'_>]) -> Result<(), (ImportError, usize)> {
    for (place, one) in work.iter().enumerate() {
        if one.batch.changes.is_empty() {
            continue;
        }
        // A store whose answer is lost may have done it all the same.
        one.apply()
            .map_err(|error| (ImportError::Store(error), place + 1))?;
    }
    for one in work {
        one.read_back()
            .map_err(|error| (ImportError::Store(error), work.len()))?;
        moment::pass();
    }
    Ok(())
}

/// Work that was done in part, and is taken back.
struct Back<'a, 'k> {
    work: &'a [Work<'k>],
    undertaking: &'a Undertaking,
    /// How many of the stores, from the first, may have been written to.
    touched: usize,
    id: u64,
}

impl Back<'_, '_> {
    /// Takes everything back because of an error, last done first, and says what that came to.
    fn take(
        self,
        first: ImportError,
        transaction: Result<Transaction<'_>, StateError>,
    ) -> ImportError {
        let mut left = Vec::new();
        for work in self.work.iter().take(self.touched).rev() {
            let parts = self.undertaking.stores.iter();
            let mut parts = parts.filter(|part| part.store == work.store.name());
            let Some(part) = parts.next() else { continue };
            moment::pass();
            left.extend(restore::restore(work.store, part, Care::Ours).err());
        }
        if !left.is_empty() {
            return ImportError::NotTakenBack {
                first: Box::new(first),
                left,
            };
        }
        moment::pass();
        // Where that cannot be written, whoever comes next finds the stores as they were before.
        if let Ok(mut transaction) = transaction {
            transaction.end_undertaking(self.id, UndertakingEnd::Undone);
            let _ = transaction.commit();
        }
        moment::pass();
        first
    }
}

impl Deed<'_> {
    /// The same as it is written down.
    fn undertaking(&self, work: &[Work<'_>]) -> Undertaking {
        Undertaking {
            what: self.what.to_owned(),
            stores: work.iter().filter_map(Work::part).collect(),
            rows: self.rows.changes(self.scope),
            raises: self.raises.clone(),
        }
    }

    /// Writes down what is so from now on.
    fn record(self, transaction: &mut Transaction<'_>) {
        self.rows.record(self.scope, transaction);
        for server in &self.raises {
            transaction.raise(server);
        }
        for note in self.notes {
            transaction.note(note);
        }
    }
}
