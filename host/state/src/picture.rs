//! What ledger and journal together say at one moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::Condition;
use crate::directory::Directory;
use crate::error::StateError;
use crate::incident::{Attempt, Incidents, Quarantine};
use crate::journal::{Entry, JournalFile, Line, Place, Tail, Walk, unseal};
use crate::ledger::{Care, Contents, Fault, Kept, Reader, digest, has_known_layout, salvage};
use crate::record::{Endpoint, Record, Security, Standing};
use crate::scope::{Fingerprint, ScopeTable, ServerName};

/// One look at the files.
#[derive(Debug)]
pub(crate) struct Picture {
    /// What they say about themselves.
    pub(crate) condition: Condition,
    /// The ledger, where it can be read; believed only if the condition is whole.
    pub(crate) ledger: Option<Contents>,
    /// How the journal's end stands to the ledger, where both could be held against each other.
    pub(crate) tail: Option<Tail>,
    /// What is left, where something is lost.
    pub(crate) remains: Remains,
}

/// What can still be said where something is lost.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// Every server that is still named anywhere; each is strict.
    pub(crate) known: BTreeMap<ServerName, Record>,
    /// Whether more servers may have been known: the journal, which names them all, is not whole.
    pub(crate) blind: bool,
    /// Certificates whose scope was changed after the ledger at hand was written.
    pub(crate) stale: BTreeSet<Fingerprint>,
    /// Stores whose plugin was not to be started, as the journal knows it.
    pub(crate) quarantined: BTreeMap<String, Quarantine>,
    /// Stores that refused a secret and took none since, as the journal knows it, and when.
    pub(crate) refused: BTreeMap<String, i64>,
    /// Those of them that refused one after the ledger at hand was written.
    pub(crate) refused_since: BTreeSet<String>,
    /// Where the journal can go on; `None` where its end is no entry.
    pub(crate) place: Option<Place>,
    /// The highest position of the ledger that the journal knows of.
    pub(crate) ledger: u64,
}

impl Picture {
    /// The picture of a directory that is not there.
    pub(crate) fn blank() -> Self {
        Self {
            condition: Condition::FirstRun,
            ledger: None,
            tail: None,
            remains: Remains::default(),
        }
    }

    /// Looks at the files; the caller holds the gate. The reader is for the scope table.
    pub(crate) fn take(
        directory: &Directory,
        care: Care,
    ) -> Result<(Self, Option<Reader>), StateError> {
        let journal = JournalFile::open(directory)?;
        let journal = journal.as_ref();
        let mut picture = Self::blank();
        let (reader, doubt) = match picture.read(directory, care, journal) {
            Ok(found) => found,
            Err(Fault::Damaged(what)) => (None, Some(format!("the ledger is damaged ({what})"))),
            Err(Fault::Failed(error)) => return Err(error),
        };
        if let Some(why) = doubt {
            picture.lose(directory, journal, why)?;
        }
        Ok((picture, reader))
    }

    /// Reads the ledger, and tells why it is not to be believed.
    fn read(
        &mut self,
        directory: &Directory,
        care: Care,
        journal: Option<&JournalFile>,
    ) -> Result<(Option<Reader>, Option<String>), Fault> {
        let Some(reader) = Reader::open(directory)? else {
            // The first change of all makes an empty journal before there is a ledger.
            let why = match journal {
                Some(journal) if journal.len() > 0 => Some("the ledger is missing"),
                _ if directory.has_remains()? => {
                    Some("ledger and journal are missing, and only remains are left")
                }
                _ => None,
            };
            return Ok((None, why.map(ToOwned::to_owned)));
        };
        let ledger = reader.contents(care)?;
        let tail = Tail::find(journal, ledger.position.journal, || reader.outbox())?;
        let doubt = doubt(&ledger, &tail);
        if doubt.is_none() {
            self.condition = Condition::Whole;
        }
        (self.ledger, self.tail) = (Some(ledger), Some(tail));
        Ok((Some(reader), doubt))
    }

    /// Where a server stands.
    pub(crate) fn standing(&self, server: &ServerName) -> Standing {
        if self.condition.is_lost() {
            let record = self.remains.known.get(server).cloned();
            let lost = record.is_some() || self.remains.blind;
            return Standing {
                record,
                lost,
                lowered: None,
            };
        }
        let Some(ledger) = &self.ledger else {
            return Standing::default();
        };
        match ledger.servers.get(server) {
            Some(kept) => kept.standing(),
            None => Standing {
                lost: ledger.position.blind,
                ..Standing::default()
            },
        }
    }

    /// Where every known server stands, by name.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        if self.condition.is_lost() {
            return self
                .remains
                .known
                .keys()
                .map(|server| self.standing(server))
                .collect();
        }
        let servers = self
            .ledger
            .iter()
            .flat_map(|ledger| ledger.servers.values());
        servers.map(Kept::standing).collect()
    }

    /// The ledger, where it is to be believed.
    pub(crate) fn believed(&self) -> Option<&Contents> {
        self.ledger.as_ref().filter(|_| !self.condition.is_lost())
    }

    /// What is known of the plugins of stores, also where nothing else can be believed: what is
    /// said there only ever keeps something from being done.
    pub(crate) fn incidents(&self) -> Incidents {
        let mut known = match &self.ledger {
            Some(ledger) => ledger.incidents.clone(),
            None => Incidents::default(),
        };
        known.join(self.newer_incidents());
        known
    }

    /// What only the journal knows of them, since the ledger is lost or another one.
    pub(crate) fn newer_incidents(&self) -> Incidents {
        let mut newer = self.remains.incidents();
        let Some(Contents { incidents, .. }) = &self.ledger else {
            return newer;
        };
        newer
            .quarantines
            .retain(|store, _| !incidents.quarantines.contains_key(store));
        newer.attempts.retain(|attempt| {
            let mut known = incidents.attempts.iter();
            let is_known = known.any(|known| known.store == attempt.store);
            !is_known || self.remains.refused_since.contains(&attempt.store)
        });
        newer
    }

    /// Takes rows out of a scope table that are older than what the journal says of them.
    pub(crate) fn without_stale(&self, mut table: ScopeTable) -> ScopeTable {
        table
            .rows
            .retain(|fingerprint, _| !self.remains.stale.contains(fingerprint));
        table
    }

    /// Gathers what is left.
    fn lose(
        &mut self,
        directory: &Directory,
        journal: Option<&JournalFile>,
        why: String,
    ) -> Result<(), StateError> {
        self.condition = Condition::Lost { why };
        let position = self.ledger.as_ref().map(|ledger| ledger.position);
        let remains = &mut self.remains;
        remains.ledger = position.map_or(0, |position| position.number);
        remains.blind = position.is_some_and(|position| position.blind);
        if let Some(journal) = journal {
            remains.place = journal.last()?.map(|(_, place)| place);
            remains.read(journal, position.map(|position| position.number))?;
        }
        // An end that is missing only because a change was interrupted is in the ledger.
        remains.blind |= match &self.tail {
            None | Some(Tail::Ahead { .. } | Tail::Level { .. }) => remains.place.is_none(),
            Some(Tail::Pending { .. }) => false,
            Some(Tail::Altered | Tail::Missing | Tail::Shortened) => true,
        };
        match &self.ledger {
            Some(ledger) => remains.join(ledger),
            None => salvage(directory).iter().for_each(|server| {
                remains.know(server, 0);
            }),
        }
        Ok(())
    }
}

impl Remains {
    /// Takes every name and every change of scope out of the journal, whole or not.
    fn read(&mut self, journal: &JournalFile, ledger: Option<u64>) -> Result<(), StateError> {
        let mut walk = Walk::new();
        for found in journal.lines(journal.len())? {
            let (line, whole) = found?;
            // An unfinished line at the end was never acknowledged; anything else is damage.
            self.blind |= walk.step(&line).is_err() && whole;
            let Ok(Line { entry, .. }) = unseal(&line) else {
                continue;
            };
            self.ledger = self.ledger.max(entry.ledger);
            if let Some(server) = &entry.server {
                let record = self.know(server, entry.at.unix_timestamp());
                if entry.endpoint.is_some() {
                    record.endpoint.clone_from(&entry.endpoint);
                }
            }
            let is_newer = ledger.is_some_and(|ledger| entry.ledger > ledger);
            self.read_store(&entry, is_newer);
            if let Some(fingerprint) = entry.certificate
                && SCOPE_EVENTS.contains(&entry.event.as_str())
                && is_newer
            {
                self.stale.insert(fingerprint);
            }
        }
        Ok(())
    }

    /// Takes out of an entry what it says of a store's plugin.
    fn read_store(&mut self, entry: &Entry, is_newer: bool) {
        let Some(store) = &entry.store else { return };
        let at = entry.at.unix_timestamp();
        match entry.event.as_str() {
            PLUGIN_QUARANTINED => {
                let quarantine = Quarantine {
                    store: store.clone(),
                    code: String::new(),
                    since: at,
                    why: entry.detail.clone(),
                };
                self.quarantined.insert(store.clone(), quarantine);
            }
            PLUGIN_RELEASED => {
                self.quarantined.remove(store);
            }
            SECRET_REFUSED => {
                self.refused.insert(store.clone(), at);
                if is_newer {
                    self.refused_since.insert(store.clone());
                }
            }
            SECRET_TAKEN => {
                self.refused.remove(store);
                self.refused_since.remove(store);
            }
            _ => {}
        }
    }

    /// A plugin that was not to be started stays so, and a secret that was refused is not tried
    /// again without a person.
    fn incidents(&self) -> Incidents {
        let refused = self.refused.iter().map(|(store, at)| Attempt {
            store: store.clone(),
            setting: String::new(),
            mark: None,
            at: *at,
            count: 1,
        });
        Incidents {
            crashes: Vec::new(),
            quarantines: self.quarantined.clone(),
            attempts: refused.collect(),
        }
    }

    /// Adds what a ledger still says that cannot be believed.
    fn join(&mut self, ledger: &Contents) {
        for (server, kept) in &ledger.servers {
            let endpoint: Option<Endpoint> =
                self.known.remove(server).and_then(|record| record.endpoint);
            let mut record = Record {
                security: Security::Strict,
                ..kept.record.clone()
            };
            record.endpoint = record.endpoint.or(endpoint);
            self.known.insert(server.clone(), record);
        }
        for server in &ledger.strays {
            self.know(server, 0);
        }
    }

    fn know(&mut self, server: &ServerName, since: i64) -> &mut Record {
        self.known.entry(server.clone()).or_insert_with(|| {
            let record = Record::new(server.clone(), since);
            Record {
                security: Security::Strict,
                ..record
            }
        })
    }
}

impl Kept {
    /// The row as others see it.
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            record: Some(self.record.clone()),
            lost: self.lost,
            lowered: self.lowered.clone(),
        }
    }
}

/// The journal's words for changes of the scope table.
pub(crate) const SCOPE_SET: &str = "scope-set";
pub(crate) const SCOPE_REMOVED: &str = "scope-removed";
/// Its words for what happens to the plugins of stores.
pub(crate) const PLUGIN_CRASHED: &str = "plugin-crashed";
pub(crate) const PLUGIN_QUARANTINED: &str = "plugin-quarantined";
pub(crate) const PLUGIN_RELEASED: &str = "plugin-released";
pub(crate) const SECRET_REFUSED: &str = "secret-refused";
pub(crate) const SECRET_TAKEN: &str = "secret-taken";
const SCOPE_EVENTS: [&str; 2] = [SCOPE_SET, SCOPE_REMOVED];

/// Why a ledger that can be read is not to be believed.
fn doubt(ledger: &Contents, tail: &Tail) -> Option<String> {
    let position = ledger.position;
    let last = match tail {
        Tail::Level { last } | Tail::Pending { last, .. } => last,
        Tail::Ahead { last } => {
            return Some(format!(
                "the ledger is older than the journal: it ends at entry {}, the journal at {}",
                position.journal.seq, last.entry.seq
            ));
        }
        Tail::Altered => {
            return Some(format!(
                "the journal was altered: it does not have entry {} as the ledger knows it",
                position.journal.seq
            ));
        }
        Tail::Missing => return Some("the journal is missing".to_owned()),
        Tail::Shortened => {
            return Some(format!(
                "the journal was shortened: the ledger knows entry {}",
                position.journal.seq
            ));
        }
    };
    if let Some(server) = ledger.strays.first() {
        return Some(format!(
            "the scope table names {server}, which has no record"
        ));
    }
    if last.entry.ledger != position.number {
        return Some(format!(
            "the ledger is at position {}, and the journal says {}",
            position.number, last.entry.ledger
        ));
    }
    let records = last
        .records
        .as_deref()
        .filter(|records| has_known_layout(records));
    if records.is_some_and(|records| records != digest(ledger.servers.values())) {
        return Some("the ledger's records are not those that the journal ends with".to_owned());
    }
    None
}
