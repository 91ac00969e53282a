//! What a container holds, and which of it is meant.

use std::collections::HashSet;

use super::OTHER_FILE;
use super::container::Container;
use crate::import::ImportError;

/// A certificate as it stands in a file.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) der: Vec<u8>,
    /// Empty where it has none.
    pub(super) label: String,
}

impl Raw {
    pub(super) fn new(der: &[u8], label: &str) -> Self {
        Self {
            der: der.to_vec(),
            label: label.to_owned(),
        }
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Held {
    /// The container that it is; none where it is a file of certificates and nothing else.
    container: Option<Container>,
    /// Certificates that belong to no private key of the file.
    others: Vec<Raw>,
    /// Those that do.
    of_keys: Vec<Raw>,
    /// Certificates that are marked in a way that is not known: perhaps as not trusted.
    pub(super) flagged: Vec<Raw>,
    /// How many private keys there are.
    keys: usize,
    /// What is to be looked at.
    pub(super) warnings: Vec<String>,
}

impl Held {
    /// What a container holds, of which only the number of private keys is known yet.
    pub(super) fn of(container: Container, keys: usize) -> Self {
        Self {
            container: Some(container),
            keys,
            ..Self::certificates(Vec::new())
        }
    }

    /// Certificates alone.
    pub(super) fn certificates(ders: Vec<Vec<u8>>) -> Self {
        let raw = ders.into_iter().map(|der| Raw {
            der,
            label: String::new(),
        });
        Self {
            container: None,
            others: raw.collect(),
            of_keys: Vec::new(),
            flagged: Vec::new(),
            keys: 0,
            warnings: Vec::new(),
        }
    }

    /// Takes a certificate.
    pub(super) fn take(&mut self, raw: Raw, of_key: bool) {
        match of_key {
            true => self.of_keys.push(raw),
            false => self.others.push(raw),
        }
    }

    /// Leaves out what is marked in a way that is not known, wherever else in it that stands as well:
    /// the narrower of two marks counts.
    pub(super) fn without_flagged(mut self) -> Self {
        let flagged: HashSet<&[u8]> = self.flagged.iter().map(|raw| &*raw.der).collect();
        self.others.retain(|raw| !flagged.contains(&*raw.der));
        self.of_keys.retain(|raw| !flagged.contains(&*raw.der));
        self
    }

    /// What is to be said of what it holds besides the certificates that are meant.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.keys {
            0 => {}
            1 => notes.push("it holds a private key, which is left alone".to_owned()),
            keys => notes.push(format!(
                "it holds {keys} private keys, which are left alone"
            )),
        }
        let Some(container) = self.container else {
            return notes;
        };
        if self.others.is_empty() && !self.of_keys.is_empty() {
            notes.push(
                "its certificates belong to its private keys: they are taken, for there is no \
                 other in it"
                    .to_owned(),
            );
        }
        let left = self.left_out();
        if !left.is_empty() {
            notes.push(format!(
                "what belongs to its private keys is left out: {}; where it is meant, take it out \
                 and import it by itself: {}",
                named(&left),
                container.command()
            ));
        }
        if !self.flagged.is_empty() {
            notes.push(format!(
                "it marks some in a way that is not known, perhaps as not trusted, and they are \
                 left out: {}; where one is meant, take it out and import it by itself: {}",
                named(&self.flagged.iter().collect::<Vec<_>>()),
                container.command()
            ));
        }
        notes
    }

    /// Certificates of private keys that are not among the others as well.
    fn left_out(&self) -> Vec<&Raw> {
        if self.others.is_empty() {
            return Vec::new();
        }
        let taken: HashSet<&[u8]> = self.others.iter().map(|raw| &*raw.der).collect();
        let left = self.of_keys.iter();
        left.filter(|raw| !taken.contains(&*raw.der)).collect()
    }

    /// The certificates that are meant; there is one at least.
    pub(super) fn chosen(self) -> Result<Vec<Raw>, ImportError> {
        if !self.others.is_empty() {
            return Ok(self.others);
        }
        if !self.of_keys.is_empty() {
            return Ok(self.of_keys);
        }
        let Some(container) = self.container else {
            return Err(ImportError::input(
                "the file cannot be used: it holds no certificate",
                OTHER_FILE,
            ));
        };
        let why = match (self.flagged.is_empty(), self.keys) {
            (false, _) => {
                "it marks every certificate in a way that is not known, perhaps as not trusted"
            }
            (true, 0) => "it holds no certificate",
            (true, _) => "it holds private keys, and no certificate that could be imported",
        };
        Err(container.refusal(&why))
    }
}

/// The first certificates by their labels, and how many more there are.
fn named(all: &[&Raw]) -> String {
    let labels = all.iter().take(NAMED).map(|raw| match raw.label.as_str() {
        "" => "one without a label".to_owned(),
        label => format!("\"{label}\""),
    });
    let mut text = labels.collect::<Vec<_>>().join(", ");
    if all.len() > NAMED {
        text.push_str(&format!(" and {} more", all.len() - NAMED));
    }
    text
}

/// So many certificates are named in a sentence.
const NAMED: usize = 5;
