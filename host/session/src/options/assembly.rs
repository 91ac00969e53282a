//! Option files put together: which line belongs to which server, and what it sets there.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

use super::entry::{Entry, MOST_MISTAKES, entries};
use super::error::{Mistake, OptionError};
use super::known::Used;
use super::place::{Place, Placed};
use super::replication::{self, MOST_NAMES};
use super::setting::{is_replication, same_name, set_name, set_option, wrong};
use super::stanza::{CommMethod, Stanza, StanzaKind};
use super::value;
use super::{OptionNote, Options, Source, SourceRole};

/// Options on their way from files to stanzas.
#[derive(Default)]
pub(super) struct Assembly {
    options: Options,
    mistakes: Vec<OptionError>,
    /// Where each stanza begins, by kind and name in small letters.
    begun: HashMap<(StanzaKind, String), Place>,
    /// When so many mistakes are known, the rest of the file is not looked at.
    most: usize,
}

impl Assembly {
    /// Takes one file in.
    pub(super) fn add(&mut self, source: &Source<'_>) {
        let file: Arc<Path> = Arc::from(source.path);
        self.options.files.push(source.path.to_owned());
        let found = entries(&file, source.bytes);
        self.most = self.mistakes.len() + MOST_MISTAKES;
        self.mistakes.extend(found.mistakes);
        match source.role {
            _ if self.mistakes.len() > self.most => {}
            SourceRole::System => self.add_system(&found.entries),
            SourceRole::User => self.add_user(&found.entries),
        }
    }

    /// Looks at what only all the files together show.
    pub(super) fn check(&mut self) {
        replication::link(&mut self.options, &mut self.mistakes);
        let stanzas = &self.options.stanzas;
        let named = [
            ("DEFAULTServer", &self.options.default_server),
            ("SErvername", &self.options.chosen),
        ];
        for (option, name) in named {
            let unknown = name
                .as_ref()
                .and_then(|name| unknown(name, option, stanzas));
            self.mistakes.extend(unknown);
        }
        for stanza in stanzas {
            self.mistakes.extend(version_6(stanza));
        }
    }

    /// The options, or what is wrong with them in the order of files and lines.
    pub(super) fn finish(mut self) -> Result<Options, Vec<OptionError>> {
        if self.mistakes.is_empty() {
            return Ok(self.options);
        }
        let files = &self.options.files;
        self.mistakes.sort_by_key(|mistake| {
            let place = &mistake.place;
            let file = files.iter().position(|file| **file == *place.file);
            (file, place.line)
        });
        Err(self.mistakes)
    }

    fn add_system(&mut self, entries: &[Entry<'_>]) {
        let single = !entries
            .iter()
            .any(|entry| entry.used() == Some(Used::ServerName));
        let mut only = None;
        let mut current = None;
        for entry in entries {
            if self.is_enough(entry) {
                return;
            }
            match entry.used() {
                Some(Used::ServerName) => {
                    current = Some(self.open(StanzaKind::Server, entry));
                }
                Some(Used::ReplServerName) => {
                    current = Some(self.open(StanzaKind::Replication, entry));
                }
                Some(Used::DefaultServer) => self.set_default(current, entry),
                used => {
                    let index = if single && !used.is_some_and(is_replication) {
                        Some(*only.get_or_insert_with(|| self.open_only(entry)))
                    } else {
                        current
                    };
                    self.take(index, used, entry);
                }
            }
        }
    }

    fn take(&mut self, index: Option<usize>, used: Option<Used>, entry: &Entry<'_>) {
        match (used, index) {
            (Some(used), Some(index)) => self.set_in(index, used, entry),
            (Some(used), None) => self.set_outside(used, entry),
            (None, Some(index)) => self.keep_in(index, entry),
            (None, None) => self.keep(entry),
        }
    }

    /// What the system file decides is not taken from the user file, silently least of all.
    fn add_user(&mut self, entries: &[Entry<'_>]) {
        for entry in entries {
            if self.is_enough(entry) {
                return;
            }
            let option = entry.known.name;
            match entry.used() {
                Some(Used::ServerName) => self.choose(entry),
                Some(Used::NodeName | Used::PasswordDir) => {
                    self.note(entry, "counts only in dsm.sys");
                    self.keep(entry);
                }
                Some(_) => self
                    .mistakes
                    .push(entry.wrong(Mistake::UserFile { option })),
                None => self.keep(entry),
            }
        }
    }

    fn is_enough(&mut self, entry: &Entry<'_>) -> bool {
        let enough = self.mistakes.len() >= self.most;
        if enough {
            self.mistakes.push(entry.wrong(Mistake::TooMany));
        }
        enough
    }

    fn choose(&mut self, entry: &Entry<'_>) {
        let set = set_name(&mut self.options.chosen, entry);
        self.mistakes.extend(set.err());
    }

    /// Opens the stanza that a line begins. One with a bad or a second name is opened too, so
    /// that the lines below it are looked at.
    fn open(&mut self, kind: StanzaKind, entry: &Entry<'_>) -> usize {
        let option = entry.known.name;
        match entry.read(&value::NAME) {
            Ok(name) => {
                if let Some(first) = self.claim(kind, &name) {
                    self.mistakes
                        .push(entry.wrong(Mistake::SecondStanza { option, first }));
                }
                self.push(&name.value, kind, entry)
            }
            Err(mistake) => {
                self.mistakes.push(mistake);
                self.push("", kind, entry)
            }
        }
    }

    /// Opens the stanza of a file that has none.
    fn open_only(&mut self, entry: &Entry<'_>) -> usize {
        let name = Placed {
            value: ONLY.to_owned(),
            written: String::new(),
            place: entry.place.clone(),
        };
        if let Some(first) = self.claim(StanzaKind::Server, &name) {
            self.mistakes
                .push(entry.wrong(Mistake::SecondDefault { first }));
        }
        self.push(ONLY, StanzaKind::Server, entry)
    }

    /// Takes a stanza's name, or tells where it is taken already.
    fn claim(&mut self, kind: StanzaKind, name: &Placed<String>) -> Option<Place> {
        match self.begun.entry((kind, name.value.to_lowercase())) {
            Slot::Occupied(first) => Some(first.get().clone()),
            Slot::Vacant(free) => {
                free.insert(name.place.clone());
                None
            }
        }
    }

    fn push(&mut self, name: &str, kind: StanzaKind, entry: &Entry<'_>) -> usize {
        let stanza = Stanza::new(name, kind, entry.place.clone());
        self.options.stanzas.push(stanza);
        self.options.stanzas.len() - 1
    }

    /// Replication stanzas are written by the server, where it pleases; so the option still
    /// counts below one of them.
    fn set_default(&mut self, current: Option<usize>, entry: &Entry<'_>) {
        let option = entry.known.name;
        let stanza = current.and_then(|index| self.options.stanzas.get(index));
        if stanza.is_some_and(|stanza| !stanza.is_replication()) {
            self.mistakes
                .push(entry.wrong(Mistake::InsideStanza { option }));
            return;
        }
        let set = set_name(&mut self.options.default_server, entry);
        self.mistakes.extend(set.err());
    }

    fn set_in(&mut self, index: usize, used: Used, entry: &Entry<'_>) {
        let Some(stanza) = self.options.stanzas.get_mut(index) else {
            return;
        };
        let set = set_option(stanza, used, entry);
        self.mistakes.extend(set.err());
        if matches!(used, Used::TcpPort | Used::TcpAdminPort) {
            self.note_port(entry);
        }
    }

    fn set_outside(&mut self, used: Used, entry: &Entry<'_>) {
        let option = entry.known.name;
        match used {
            Used::NodeName | Used::PasswordDir => {
                self.note(entry, "stands outside a stanza, where it does not count");
                self.keep(entry);
            }
            _ if is_replication(used) => self
                .mistakes
                .push(entry.wrong(Mistake::NoReplicationStanza { option })),
            _ => self
                .mistakes
                .push(entry.wrong(Mistake::OutsideStanza { option })),
        }
    }

    fn keep_in(&mut self, index: usize, entry: &Entry<'_>) {
        match (entry.keep(), self.options.stanzas.get_mut(index)) {
            (Ok(option), Some(stanza)) => stanza.others.push(option),
            (Ok(option), None) => self.options.others.push(option),
            (Err(mistake), _) => self.mistakes.push(mistake),
        }
    }

    fn keep(&mut self, entry: &Entry<'_>) {
        match entry.keep() {
            Ok(option) => self.options.others.push(option),
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    fn note_port(&mut self, entry: &Entry<'_>) {
        if entry
            .read(&value::PORT)
            .is_ok_and(|port| port.value > 32767)
        {
            self.note(entry, "is above 32767, where the vendor's client stops");
        }
    }

    fn note(&mut self, entry: &Entry<'_>, text: &str) {
        self.options.notes.push(OptionNote {
            place: entry.place.clone(),
            text: format!("{} {text}", entry.known.name),
        });
    }
}

/// A mistake if a name is no server's.
fn unknown(name: &Placed<String>, option: &'static str, stanzas: &[Stanza]) -> Option<OptionError> {
    let servers = || stanzas.iter().filter(|stanza| !stanza.is_replication());
    if servers().any(|server| same_name(&server.name, &name.value)) {
        return None;
    }
    let known = servers().take(MOST_NAMES).map(|server| server.name.clone());
    let known = known.collect();
    Some(wrong(name, Mistake::UnknownStanza { option, known }))
}

/// An IPv6 address counts only with the communication method for it.
fn version_6(stanza: &Stanza) -> Option<OptionError> {
    let address = stanza.address.as_ref()?;
    let wanted = address.value.parse::<Ipv6Addr>().is_ok();
    let missing = wanted && stanza.transport() == CommMethod::TcpIp;
    missing.then(|| wrong(address, Mistake::NeedsV6))
}

/// The server of a file without stanzas.
const ONLY: &str = "default";
