//! The file and the keychain together: what counts, and how it changes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anchorhold_sdk::{Call, Error, ErrorKind};
use data_encoding::HEXLOWER;

use crate::contents::{self, Contents, Held, Id, Tag};
use crate::deadline::Deadline;
use crate::keychain::{Connect, Keychain, Name};
use crate::lock;
use crate::master::Master;
use crate::replace;
use crate::settings::{Kind, Settings};

/// The file and the keychain of one store.
pub(crate) struct Vault {
    settings: Settings,
    connect: Connect,
    file: PathBuf,
}

/// What the store holds at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) contents: Contents,
    /// What somebody has removed in the keychain itself; it is held no more, though the file has
    /// it until the next change.
    pub(crate) removed: BTreeSet<Id>,
    /// Records that stand for nothing in the file, left by a change that was interrupted.
    strays: BTreeSet<String>,
    master: Option<Master>,
    tag: Option<Tag>,
    has_records: bool,
}

impl Loaded {
    /// What is held.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&Id, &Held)> {
        let removed = &self.removed;
        self.contents
            .iter()
            .filter(move |(id, _)| !removed.contains(*id))
    }

    /// The entry that says no more than that this file counts, where it still lets the one before
    /// it count as well.
    fn settled(&self) -> Option<Master> {
        let unsettled = self
            .master
            .as_ref()
            .filter(|master| master.next.is_some())?;
        let mut master = unsettled.clone();
        master.present = self.tag;
        master.next = None;
        Some(master)
    }
}

impl Vault {
    pub(crate) fn new(settings: Settings, connect: Connect) -> Self {
        Self {
            file: settings.directory.join("keychain.anchors"),
            settings,
            connect,
        }
    }

    /// What the store holds now.
    pub(crate) fn load(&self, deadline: Deadline) -> Result<Loaded, Error> {
        let keychain = (self.connect)(deadline.left())?;
        let loaded = self.load_from(&*keychain)?;
        if loaded.settled().is_some() {
            self.settle(&*keychain);
        }
        Ok(loaded)
    }

    /// Has a person unlock the keychain, where it is locked; `ask` says first that there is
    /// somebody.
    pub(crate) fn unlock(
        &self,
        deadline: Deadline,
        ask: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let keychain = (self.connect)(deadline.left())?;
        if !keychain.is_locked()? {
            return Ok(());
        }
        ask()?;
        keychain.unlock()
    }

    /// Locks the keychain.
    pub(crate) fn lock(&self, deadline: Deadline) -> Result<(), Error> {
        (self.connect)(deadline.left())?.lock()
    }

    /// Changes what the store holds, alone: `make` says what it will hold, or that nothing changes.
    pub(crate) fn change<T>(
        &self,
        call: &Call<'_>,
        deadline: Deadline,
        make: impl FnOnce(&Loaded) -> Result<(Option<Contents>, T), Error>,
    ) -> Result<T, Error> {
        let _turn = lock::wait(&self.settings.directory, call, deadline)?;
        let keychain = (self.connect)(deadline.left())?;
        let loaded = self.load_from(&*keychain)?;
        let (wanted, made) = make(&loaded)?;
        if let Some(wanted) = wanted {
            self.write(&*keychain, &loaded, &wanted)?;
        }
        Ok(made)
    }

    /// Ends what an interrupted change left open, so that the file before it cannot be put back.
    /// Whoever changes something now does it anyway.
    fn settle(&self, keychain: &dyn Keychain) {
        let Some(_turn) = lock::at_once(&self.settings.directory) else {
            return;
        };
        let now = self.look(keychain).ok();
        if let Some(master) = now.and_then(|now| now.settled()) {
            // Where it fails, the next look does it.
            let _settled = self.write_master(keychain, &master);
        }
    }

    fn load_from(&self, keychain: &dyn Keychain) -> Result<Loaded, Error> {
        if keychain.is_locked()? {
            return Err(Error::locked(
                "the keychain is locked; unlocking the store lets it ask for its password",
            ));
        }
        let mut outcome = self.look(keychain);
        for _ in 0..LOOKS {
            match &outcome {
                // Another process may have been in the middle of a change.
                Err(error) if error.kind() == ErrorKind::Malformed => {}
                Ok(loaded) if !loaded.removed.is_empty() => {}
                _ => break,
            }
            let again = self.look(keychain);
            let is_settled = match (&outcome, &again) {
                (Ok(before), Ok(now)) => before.tag == now.tag,
                _ => false,
            };
            outcome = again;
            if is_settled {
                break;
            }
        }
        outcome
    }

    fn look(&self, keychain: &dyn Keychain) -> Result<Loaded, Error> {
        let master = self.master(keychain)?;
        let file = replace::read(&self.file, FILE_MAX)
            .map_err(|error| Error::io(&self.file.display().to_string(), &error))?;
        let (contents, tag) = match (&master, &file) {
            (None, None) => (Contents::new(), None),
            (None, Some(_)) => return Err(self.key_lost()),
            (Some(master), None) if master.may_lack_file() => (Contents::new(), None),
            (Some(_), None) => return Err(self.file_lost()),
            (Some(master), Some(file)) => {
                let (contents, tag) = contents::read(file, &master.key)
                    .map_err(|error| self.file_refused(&error.to_string()))?;
                if !master.takes(&tag) {
                    return Err(self.file_refused("is an older one that was put back"));
                }
                (contents, Some(tag))
            }
        };
        let records = keychain.records()?;
        let has_records = records.is_some();
        let (mut removed, mut strays) = (BTreeSet::new(), BTreeSet::new());
        if let Some(records) = records {
            let is_there = |id: &&Id| !records.contains(&HEXLOWER.encode(*id));
            removed = contents.keys().filter(is_there).copied().collect();
            let known: BTreeSet<String> = contents.keys().map(|id| HEXLOWER.encode(id)).collect();
            strays = records.difference(&known).cloned().collect();
        }
        Ok(Loaded {
            contents,
            removed,
            strays,
            master,
            tag,
            has_records,
        })
    }

    fn master(&self, keychain: &dyn Keychain) -> Result<Option<Master>, Error> {
        let Some(secret) = keychain.read(&Name::Master)? else {
            return Ok(None);
        };
        let master = Master::read(&secret).ok_or_else(|| self.key_changed())?;
        Ok(Some(master))
    }

    /// Makes `wanted` what the store holds. The file's taking its place is the moment when it is.
    fn write(
        &self,
        keychain: &dyn Keychain,
        loaded: &Loaded,
        wanted: &Contents,
    ) -> Result<(), Error> {
        let mut master = match &loaded.master {
            Some(master) => master.clone(),
            None => Master::new()
                .map_err(|error| Error::internal(format!("no random numbers: {error}")))?,
        };
        let (file, tag) = contents::write(wanted, &master.key);
        if u64::try_from(file.len()).is_ok_and(|length| length > FILE_MAX) {
            return Err(Error::new(
                ErrorKind::Limit,
                "a store in a keychain holds 512 MiB of certificates at most",
            ));
        }
        if loaded.has_records {
            self.add_records(keychain, loaded, wanted)?;
        }
        master.present = loaded.tag;
        master.next = Some(tag);
        self.write_master(keychain, &master)?;
        replace::replace(&self.file, &file)
            .map_err(|error| Error::io(&self.file.display().to_string(), &error))?;
        master.present = Some(tag);
        master.next = None;
        // What is left undone from here on is done by the next change.
        let _settled = self.write_master(keychain, &master);
        if loaded.has_records {
            let gone = loaded
                .contents
                .keys()
                .filter(|id| !wanted.contains_key(*id))
                .map(|id| HEXLOWER.encode(id));
            let wanted_names: BTreeSet<String> =
                wanted.keys().map(|id| HEXLOWER.encode(id)).collect();
            let strays = loaded.strays.iter().cloned();
            let strays = strays.filter(|stray| !wanted_names.contains(stray));
            for sha256 in gone.chain(strays) {
                let _removed = keychain.remove(&Name::Record(sha256));
            }
        }
        Ok(())
    }

    /// A certificate is shown in the keychain before it counts, so that none counts unseen.
    fn add_records(
        &self,
        keychain: &dyn Keychain,
        loaded: &Loaded,
        wanted: &Contents,
    ) -> Result<(), Error> {
        for (id, held) in wanted {
            let before = loaded.contents.get(id);
            let is_shown = before.is_some_and(|before| before.label == held.label);
            if is_shown && !loaded.removed.contains(id) {
                continue;
            }
            let sha256 = HEXLOWER.encode(id);
            let label = match held.label.as_str() {
                "" => &sha256,
                label => label,
            };
            keychain.write(&Name::Record(sha256.clone()), label, sha256.as_bytes())?;
        }
        Ok(())
    }

    fn write_master(&self, keychain: &dyn Keychain, master: &Master) -> Result<(), Error> {
        keychain.write(&Name::Master, &self.title(), master.write().as_bytes())
    }

    /// What people see of the entry that everything hangs on.
    fn title(&self) -> String {
        format!("Anchorhold: key of {}", self.settings.account)
    }

    // The host takes 223 bytes of a message, and 127 of it into its health: what to do comes first,
    // and the path, which may be long, last.

    fn key_lost(&self) -> Error {
        let why = match self.settings.kind {
            Kind::Keyutils => "the kernel forgot its key (key rings forget at a restart): ",
            _ => "its key is not in this keychain: restore it, or ",
        };
        self.refused(&format!("{why}remove the file and import again"))
    }

    fn key_changed(&self) -> Error {
        self.refused(&format!(
            "another program changed the key of {}: remove it and the file, and import again",
            self.settings.account
        ))
    }

    fn file_lost(&self) -> Error {
        self.refused(&format!(
            "its file is gone: restore it, or remove the key of {}, and import again",
            self.settings.account
        ))
    }

    fn file_refused(&self, why: &str) -> Error {
        self.refused(&format!(
            "its file {why}: restore it, or remove it and the key of {}, and import again",
            self.settings.account
        ))
    }

    fn refused(&self, why: &str) -> Error {
        Error::malformed(format!("{why}; the file: {}", self.file.display()))
    }
}

/// How often a look is taken again that may have met another process's change.
const LOOKS: usize = 4;
/// The most bytes of a file.
const FILE_MAX: u64 = 512 << 20;

#[cfg(test)]
mod tests;
