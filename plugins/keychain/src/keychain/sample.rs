//! A keychain in memory, that can be told to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use anchorhold_sdk::Error;
use zeroize::Zeroizing;

use super::{Connect, Keychain, Name};

/// What the keychain holds, whoever has it open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) entries: BTreeMap<Name, Vec<u8>>,
    pub(crate) labels: BTreeMap<Name, String>,
    pub(crate) is_locked: bool,
    /// Whether it can be searched.
    pub(crate) is_plain: bool,
    /// After so many changes each one fails.
    pub(crate) changes_left: Option<usize>,
}

impl Memory {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn connect(&self) -> Connect {
        let memory = self.clone();
        Box::new(move |_| Ok(Box::new(memory.clone())))
    }

    fn change(&self, make: impl FnOnce(&mut State)) -> Result<(), Error> {
        let mut state = self.state();
        match &mut state.changes_left {
            Some(0) => return Err(Error::unavailable("told to fail")),
            Some(left) => *left -= 1,
            None => {}
        }
        make(&mut state);
        Ok(())
    }
}

impl Keychain for Memory {
    fn is_locked(&self) -> Result<bool, Error> {
        Ok(self.state().is_locked)
    }

    fn unlock(&self) -> Result<(), Error> {
        self.state().is_locked = false;
        Ok(())
    }

    fn lock(&self) -> Result<(), Error> {
        self.state().is_locked = true;
        Ok(())
    }

    fn read(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        Ok(self.state().entries.get(name).cloned().map(Zeroizing::new))
    }

    fn write(&self, name: &Name, label: &str, secret: &[u8]) -> Result<(), Error> {
        self.change(|state| {
            state.entries.insert(name.clone(), secret.to_vec());
            state.labels.insert(name.clone(), label.to_owned());
        })
    }

    fn remove(&self, name: &Name) -> Result<(), Error> {
        self.change(|state| {
            state.entries.remove(name);
        })
    }

    fn records(&self) -> Result<Option<BTreeSet<String>>, Error> {
        let state = self.state();
        let names = state.entries.keys().filter_map(|name| match name {
            Name::Record(sha256) => Some(sha256.clone()),
            Name::Master => None,
        });
        Ok((!state.is_plain).then(|| names.collect()))
    }
}
