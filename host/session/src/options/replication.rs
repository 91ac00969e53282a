//! Replication servers: what holds for them stands in the stanzas that name them.

use std::collections::HashMap;

use super::error::{Mistake, OptionError};
use super::line::shown;
use super::place::{Place, Placed};
use super::stanza::Stanza;
use super::{OptionNote, Options};
use crate::decision::SslRequired;

/// Gives every replication server the strictest of what the stanzas say that name it.
pub(super) fn link(options: &mut Options, mistakes: &mut Vec<OptionError>) {
    let by_name: HashMap<String, usize> = options
        .stanzas
        .iter()
        .enumerate()
        .filter(|(_, stanza)| stanza.is_replication())
        .map(|(index, stanza)| (stanza.bare_name().to_lowercase(), index))
        .collect();
    for index in 0..options.stanzas.len() {
        let Some(server) = options.stanzas.get(index).map(Naming::of) else {
            continue;
        };
        for named in &server.servers {
            let target = by_name
                .get(&named.value.to_lowercase())
                .and_then(|index| options.stanzas.get_mut(*index));
            match target {
                Some(target) => server.reach(target),
                None => mistakes.push(unknown(named, &options.stanzas)),
            }
        }
    }
    for stanza in options
        .stanzas
        .iter()
        .filter(|stanza| stanza.is_replication())
    {
        options.notes.extend(loose_ends(stanza));
    }
}

/// A stanza that names replication servers, as far as it matters to them.
struct Naming {
    name: String,
    servers: Vec<Placed<String>>,
    ssl: Option<Placed<bool>>,
    ssl_required: Option<Placed<SslRequired>>,
    fips: Option<Placed<bool>>,
}

impl Naming {
    fn of(stanza: &Stanza) -> Self {
        Self {
            name: stanza.name.clone(),
            servers: stanza.my_replication_servers.clone(),
            ssl: stanza.ssl.clone(),
            ssl_required: stanza.ssl_required.clone(),
            fips: stanza.fips.clone(),
        }
    }

    fn reach(&self, target: &mut Stanza) {
        let first = target.named_by.is_empty();
        target.named_by.push(self.name.clone());
        raise(&mut target.ssl, &self.ssl, first, switch);
        raise(&mut target.fips, &self.fips, first, switch);
        raise(
            &mut target.ssl_required,
            &self.ssl_required,
            first,
            requirement,
        );
    }
}

/// Takes over what another stanza says, or that it says nothing, where that is stricter.
fn raise<T: Clone>(
    slot: &mut Option<Placed<T>>,
    said: &Option<Placed<T>>,
    first: bool,
    strictness: fn(Option<&T>) -> u8,
) {
    let rank = |said: &Option<Placed<T>>| {
        let value = said.as_ref().map(|placed| &placed.value);
        // What is said is shown rather than what is not, where both are as strict.
        (strictness(value), said.is_some())
    };
    if first || rank(said) > rank(slot) {
        slot.clone_from(said);
    }
}

fn switch(on: Option<&bool>) -> u8 {
    u8::from(on.is_some_and(|on| *on))
}

fn requirement(required: Option<&SslRequired>) -> u8 {
    match required {
        Some(SslRequired::Yes | SslRequired::ServerOnly) => 2,
        Some(SslRequired::Default) | None => 1,
        Some(SslRequired::No) => 0,
    }
}

fn unknown(named: &Placed<String>, stanzas: &[Stanza]) -> OptionError {
    let targets = stanzas.iter().filter(|stanza| stanza.is_replication());
    OptionError {
        place: named.place.clone(),
        word: shown(named.value.as_bytes()),
        what: Mistake::UnknownStanza {
            option: "MYREPLICATIONServer",
            known: targets
                .take(MOST_NAMES)
                .map(|stanza| stanza.bare_name().to_owned())
                .collect(),
        },
    }
}

fn loose_ends(stanza: &Stanza) -> Vec<OptionNote> {
    let mut notes = Vec::new();
    if stanza.named_by.is_empty() {
        let text = "no MYREPLICATIONServer names this replication server, so nothing uses it";
        notes.push(note(&stanza.place, text));
    }
    if stanza.repl_address.is_none() {
        let text = "this replication server has no REPLTCPSERVERADDRESS, so it cannot be reached";
        notes.push(note(&stanza.place, text));
    }
    notes
}

fn note(place: &Place, text: &str) -> OptionNote {
    OptionNote {
        place: place.clone(),
        text: text.to_owned(),
    }
}

/// So many of the names that would have been right are told.
pub(super) const MOST_NAMES: usize = 8;
