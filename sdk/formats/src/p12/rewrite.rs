//! Writes a file again with some of its certificates changed, and all else as it was.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::assembly::{Piece, Section, assemble};
use super::bag::{Bags, Kind};
use super::entry::relabelled;
use super::frame::{Frame, Part};
use super::owner::Pairs;
use super::read::decrypt;
use super::source::{Source, der_of};
use super::write::{check, of_added};
use super::{ITERATIONS, MAX_ITERATIONS, P12Error, Password, Randomness};
use crate::edit::{Edit, Edits};

/// Makes the edits in a whole file that [`super::read`] reads.
///
/// Parts that no edit concerns stay byte for byte; so do private keys and everything that is not
/// known here, wherever they are. What was encrypted is encrypted again, as [`super::write`] does
/// it but with no fewer rounds of key derivation than before. Certificates are added after all others: to the last part that has any, if that is
/// encrypted and has nothing else, and otherwise in a part of their own, so that a file does not
/// get a part, and a key to be derived, for each of them. A part that is or becomes empty goes.
///
/// What of a file is BER becomes the same in DER, but for encrypted bytes that no edit concerns.
/// The certificate of a private key is not changed: the key would be left without it.
pub fn rewrite(
    file: Vec<u8>,
    edits: &Edits<'_>,
    password: &mut Password,
    random: &Randomness,
) -> Result<Vec<u8>, P12Error> {
    let mut source = Source::new(file)?;
    let parts = source.authenticate(password)?;
    let mut original = Original::open(parts, &source.bytes, password)?;
    original.owned = original.owned(&source.bytes)?;
    original.rounds = kept_rounds(source.rounds());
    check_places(edits, original.certificates)?;
    let removed = edits.changes.values().filter(|edit| **edit == Edit::Remove);
    let bags: usize = original.parts.iter().map(|part| part.bags).sum();
    check(&edits.added, bags - removed.count())?;
    let sections = original.sections(&source.bytes, edits)?;
    let written = assemble(&sections, original.rounds, password, random)?;
    // Parts that stay have their own keys; what is written can be read again.
    Frame::read(&written)?.parts(&written)?;
    Ok(written)
}

/// A file whose parts were decrypted.
struct Original {
    parts: Vec<Opened>,
    /// How many there are in all parts.
    certificates: usize,
    /// The places of those that belong to a private key.
    owned: BTreeSet<usize>,
    /// The rounds of the key of its authenticator.
    rounds: u32,
}

/// A part that was decrypted.
struct Opened {
    part: Part,
    /// Its SafeContents, where they do not stand in the file as they are read.
    clear: Option<Zeroizing<Vec<u8>>>,
    /// The place of its first certificate among all.
    first: usize,
    certificates: usize,
    /// How many bags there are, with certificates or without.
    bags: usize,
}

impl Original {
    fn open(parts: Vec<Part>, bytes: &[u8], password: &mut Password) -> Result<Self, P12Error> {
        let mut original = Self {
            parts: Vec::with_capacity(parts.len()),
            certificates: 0,
            owned: BTreeSet::new(),
            rounds: ITERATIONS,
        };
        for part in parts {
            let mut opened = Opened::new(part, bytes, password)?;
            opened.first = original.certificates;
            if let Err(error) = opened.survey(bytes) {
                opened.clear = Some(opened.der(bytes, &error).ok_or(error)?);
                opened.survey(bytes)?;
            }
            original.certificates += opened.certificates;
            original.parts.push(opened);
        }
        Ok(original)
    }

    /// The places of the certificates that belong to a private key.
    fn owned(&self, bytes: &[u8]) -> Result<BTreeSet<usize>, P12Error> {
        let (mut keys, mut certificates) = (Vec::new(), Vec::new());
        for part in self
            .parts
            .iter()
            .filter(|part| part.bags > part.certificates)
        {
            let mut bags = part.bags(bytes)?;
            while let Some(bag) = bags.next()? {
                if let Kind::Key = bag.kind {
                    keys.push(bag.attributes.traits());
                }
            }
        }
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        for part in &self.parts {
            let mut bags = part.bags(bytes)?;
            while let Some(bag) = bags.next()? {
                if let Kind::Certificate(_) = bag.kind {
                    certificates.push(bag.attributes.traits());
                }
            }
        }
        let pairs = Pairs::of(&keys, certificates.into_iter());
        Ok(pairs.owned.into_iter().collect())
    }

    /// What is to be written.
    fn sections<'a>(
        &'a self,
        bytes: &'a [u8],
        edits: &Edits<'a>,
    ) -> Result<Vec<Section<'a>>, P12Error> {
        let last = self.parts.iter().rposition(|part| part.certificates > 0);
        let last = last.filter(|last| self.parts[*last].takes_more() && !edits.added.is_empty());
        let mut sections = Vec::with_capacity(self.parts.len() + 1);
        for (index, opened) in self.parts.iter().enumerate() {
            let takes = Some(index) == last;
            if !takes && !opened.is_changed(edits) {
                if opened.bags > 0 {
                    sections.push(Section::Kept(&bytes[opened.part.whole.clone()]));
                }
                continue;
            }
            let mut bags = opened.pieces(bytes, edits, &self.owned)?;
            if takes {
                bags.extend(edits.added.iter().copied().map(Piece::Added));
            }
            if !bags.is_empty() {
                sections.push(Section::Made {
                    bags,
                    rounds: opened
                        .part
                        .encryption
                        .as_ref()
                        .map(|e| kept_rounds(e.key.rounds)),
                });
            }
        }
        if last.is_none() && !edits.added.is_empty() {
            sections.push(of_added(&edits.added, self.rounds));
        }
        Ok(sections)
    }
}

impl Opened {
    /// Decrypts a part into memory of its own, for its bytes in the file may have to stay.
    fn new(part: Part, bytes: &[u8], password: &mut Password) -> Result<Self, P12Error> {
        let mut clear = None;
        if let Some(encryption) = &part.encryption {
            let mut own = Zeroizing::new(bytes[part.bags.clone()].to_vec());
            let length = decrypt(encryption, &mut own, part.bags.start, password)?;
            own.truncate(length);
            clear = Some(own);
        }
        Ok(Self {
            part,
            clear,
            first: 0,
            certificates: 0,
            bags: 0,
        })
    }

    /// Counts what there is.
    fn survey(&mut self, bytes: &[u8]) -> Result<(), P12Error> {
        let (mut certificates, mut all) = (0, 0);
        let mut bags = self.bags(bytes)?;
        while let Some(bag) = bags.next()? {
            all += 1;
            certificates += usize::from(matches!(bag.kind, Kind::Certificate(_)));
        }
        (self.certificates, self.bags) = (certificates, all);
        Ok(())
    }

    /// Its SafeContents as DER, if they are BER.
    fn der(&self, bytes: &[u8], error: &P12Error) -> Option<Zeroizing<Vec<u8>>> {
        match &self.clear {
            Some(own) => der_of(own, 0..own.len(), error),
            None => der_of(bytes, self.part.bags.clone(), error),
        }
    }

    fn bags<'a>(&'a self, bytes: &'a [u8]) -> Result<Bags<'a>, P12Error> {
        let range = self.part.bags.clone();
        match &self.clear {
            Some(own) => Bags::of(own, range.start),
            None => Bags::of(&bytes[range.clone()], range.start),
        }
    }

    /// Whether certificates can be added that nobody but the owner of the password may see.
    fn takes_more(&self) -> bool {
        self.part.encryption.is_some() && self.certificates == self.bags
    }

    fn is_changed(&self, edits: &Edits<'_>) -> bool {
        let own = self.first..self.first + self.certificates;
        edits.changes.range(own).next().is_some()
    }

    /// The bags as they are to be.
    fn pieces<'a>(
        &'a self,
        bytes: &'a [u8],
        edits: &Edits<'_>,
        owned: &BTreeSet<usize>,
    ) -> Result<Vec<Piece<'a>>, P12Error> {
        let mut pieces = Vec::with_capacity(self.bags + edits.added.len());
        let mut index = self.first;
        let mut bags = self.bags(bytes)?;
        while let Some(bag) = bags.next()? {
            let mut edit = None;
            if let Kind::Certificate(_) = bag.kind {
                edit = edits.changes.get(&index);
                if edit.is_some() && owned.contains(&index) {
                    return Err(P12Error::CertificateOfKey { index });
                }
                index += 1;
            }
            match edit {
                None => pieces.push(Piece::Kept(bag.whole)),
                Some(Edit::Label(label)) => pieces.push(Piece::Changed(relabelled(&bag, label)?)),
                Some(Edit::Remove) => {}
            }
        }
        Ok(pieces)
    }
}

/// The rounds of a key that takes the place of one with so many.
///
/// A password that somebody made up, and that guards private keys too, is to be no easier to
/// guess by what is written. The bound leaves room for the other keys of a file.
fn kept_rounds(before: u32) -> u32 {
    before.clamp(ITERATIONS, MAX_ITERATIONS / 4)
}

/// Whether all that is to be changed is there.
fn check_places(edits: &Edits<'_>, certificates: usize) -> Result<(), P12Error> {
    match edits.changes.last_key_value() {
        Some((&index, _)) if index >= certificates => Err(P12Error::NoSuchCertificate { index }),
        _ => Ok(()),
    }
}
