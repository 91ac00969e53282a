//! Key databases of either format, opened and written in the same way.

use std::ffi::OsStr;
use std::fmt;

use anchorhold_formats::der;
use anchorhold_formats::edit::{Edit, Edits, Entry, Key};
use anchorhold_formats::kdb::{self, Content, KdbError, Version};
use anchorhold_formats::p12::{self, P12Error, Randomness};

use crate::stash::Secret;

/// What a key database is written as, which the end of its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// GSKit's own (`.kdb`).
    Kdb,
    /// PKCS#12 (`.p12`).
    P12,
}

/// What was read from a database.
#[derive(Debug)]
pub(crate) enum Archive {
    Kdb(kdb::Database),
    P12(p12::Archive),
}

/// One certificate of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// Its label, empty where it has none.
    pub(crate) label: &'a str,
    /// The certificate.
    pub(crate) der: &'a [u8],
    /// Whether it belongs to a private key of the same database.
    pub(crate) of_key: bool,
    /// Whether it is known what the database says of it: that it may vouch.
    pub(crate) trust_known: bool,
}

/// Why the bytes of a database cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// It is a list of requests or of revocations, under the name of a key database.
    Content,
    /// It is no `.kdb` that can be read or written.
    Kdb(KdbError),
    /// The password is no text, without which no `.p12` can be opened.
    NotText,
    /// It is no `.p12` that can be read or written.
    P12(P12Error),
    /// Nothing tells whether it was altered.
    Unauthenticated,
}

impl Format {
    /// The format that the end of a file's name says.
    pub(crate) fn of_extension(extension: &OsStr) -> Option<Self> {
        let is = |known| extension.eq_ignore_ascii_case(known);
        match () {
            () if is("kdb") => Some(Self::Kdb),
            () if is("p12") => Some(Self::P12),
            () => None,
        }
    }

    /// The largest file that is read or written, in bytes.
    pub(crate) fn max_file(self) -> usize {
        match self {
            Self::Kdb => kdb::MAX_FILE,
            Self::P12 => p12::MAX_FILE,
        }
    }

    /// Whether a database can hold the entry, as far as it tells itself.
    pub(crate) fn can_hold(self, entry: &Entry<'_>) -> bool {
        match self {
            Self::Kdb => kdb::check_entry(entry).is_ok(),
            Self::P12 => der::is_one_sequence(entry.der),
        }
    }

    /// Makes a database of the certificates that the edits add; `version` is for a `.kdb`.
    pub(crate) fn create(
        self,
        edits: &Edits<'_>,
        secret: &mut Secret,
        version: Version,
        random: &Random,
    ) -> Result<Vec<u8>, FormatError> {
        Ok(match self {
            Self::Kdb => kdb::create(version, edits, secret.bytes(), &random.kdb)?,
            Self::P12 => p12::write(&edits.added, secret.derived()?, &random.p12)?,
        })
    }
}

/// The random bytes of one file, whatever its format. They are used for one file only.
#[derive(Debug)]
pub(crate) struct Random {
    pub(crate) kdb: kdb::Salt,
    pub(crate) p12: Randomness,
}

impl Archive {
    /// Opens the bytes of a database, of which nothing is read that could have been altered
    /// without its password.
    pub(crate) fn open(
        format: Format,
        bytes: Vec<u8>,
        secret: &mut Secret,
    ) -> Result<Self, FormatError> {
        match format {
            Format::Kdb => {
                let database = kdb::read(bytes, secret.bytes())?;
                if database.header().content != Content::Keys {
                    return Err(FormatError::Content);
                }
                if !database.is_authenticated() {
                    return Err(FormatError::Unauthenticated);
                }
                Ok(Self::Kdb(database))
            }
            Format::P12 => Ok(Self::P12(p12::read(bytes, secret.derived()?)?)),
        }
    }

    /// Whether the bytes that it was opened from are needed to write it again.
    pub(crate) fn wants_file(&self) -> bool {
        matches!(self, Self::P12(archive) if !archive.is_plain())
    }

    /// What tells the state of these bytes from every other; nothing of them is checked.
    pub(crate) fn digest_of(format: Format, bytes: &[u8]) -> Result<[u8; 32], FormatError> {
        Ok(match format {
            Format::Kdb => kdb::digest(bytes)?,
            Format::P12 => p12::digest(bytes)?,
        })
    }

    /// Makes the edits. `file` is what it was opened from, where that is wanted.
    pub(crate) fn rewrite(
        &self,
        file: Vec<u8>,
        edits: &Edits<'_>,
        secret: &mut Secret,
        random: &Random,
    ) -> Result<Vec<u8>, FormatError> {
        Ok(match self {
            Self::Kdb(database) => kdb::rewrite(database, edits, secret.bytes(), &random.kdb)?,
            Self::P12(archive) if archive.is_plain() => {
                let entries: Vec<_> = self
                    .edited(edits)
                    .map(|certificate| Entry {
                        label: certificate.label,
                        der: certificate.der,
                    })
                    .collect();
                p12::write(&entries, secret.derived()?, &random.p12)?
            }
            Self::P12(_) => p12::rewrite(file, edits, secret.derived()?, &random.p12)?,
        })
    }

    /// The certificates that the edits make of those that are here.
    pub(crate) fn edited<'a>(
        &'a self,
        edits: &'a Edits<'a>,
    ) -> impl Iterator<Item = Certificate<'a>> {
        let kept = self
            .certificates()
            .enumerate()
            .filter_map(|(place, certificate)| match edits.changes.get(&place) {
                None => Some(certificate),
                Some(Edit::Label(label)) => Some(Certificate {
                    label,
                    ..certificate
                }),
                Some(Edit::Remove) => None,
            });
        kept.chain(added(edits))
    }

    /// Whether it holds these certificates in this order, and the keys and all else of `before`.
    pub(crate) fn holds<'a>(
        &'a self,
        certificates: impl Iterator<Item = Certificate<'a>>,
        before: Option<&Self>,
    ) -> bool {
        let none = (0, 0);
        let others = |archive: &Self| (archive.keys().count(), archive.others());
        self.certificates().eq(certificates)
            && others(self) == before.map_or(none, others)
            && before.is_none_or(|before| self.keys().eq(before.keys()))
    }

    /// The certificates, in the order of the file.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = Certificate<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The certificate at `index`, counted from 0.
    pub(crate) fn get(&self, index: usize) -> Option<Certificate<'_>> {
        match self {
            Self::Kdb(database) => database.get(index).map(|certificate| Certificate {
                label: certificate.label,
                der: certificate.der,
                of_key: certificate.of_key,
                trust_known: certificate.flags_known,
            }),
            Self::P12(archive) => archive.get(index).map(|certificate| Certificate {
                label: certificate.label,
                der: certificate.der,
                of_key: certificate.of_key,
                trust_known: true,
            }),
        }
    }

    /// How many certificates there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Kdb(database) => database.len(),
            Self::P12(archive) => archive.len(),
        }
    }

    /// The private keys, in the order of the file.
    pub(crate) fn keys(&self) -> Box<dyn Iterator<Item = Key<'_>> + '_> {
        match self {
            Self::Kdb(database) => Box::new(database.key_records()),
            Self::P12(archive) => Box::new(archive.key_records()),
        }
    }

    /// How many things there are that are neither certificate nor private key.
    fn others(&self) -> usize {
        match self {
            Self::Kdb(database) => database.others(),
            Self::P12(archive) => archive.others(),
        }
    }

    /// What tells this state of the file from every other.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        match self {
            Self::Kdb(database) => database.digest(),
            Self::P12(archive) => archive.digest(),
        }
    }
}

/// The certificates that edits add.
pub(crate) fn added<'a>(edits: &'a Edits<'a>) -> impl Iterator<Item = Certificate<'a>> {
    edits.added.iter().map(|entry| Certificate {
        label: entry.label,
        der: entry.der,
        of_key: false,
        trust_known: true,
    })
}

impl FormatError {
    /// Whether another password would open it.
    pub(crate) fn is_wrong_password(&self) -> bool {
        matches!(
            self,
            Self::Kdb(KdbError::WrongPassword) | Self::P12(P12Error::WrongPassword)
        )
    }

    /// Whether the bytes are not those that a writer left there.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Kdb(KdbError::Altered | KdbError::Truncated { .. })
                | Self::P12(P12Error::Altered | P12Error::Truncated)
        )
    }

    /// Whether there is more of it than is read or written.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Kdb(KdbError::TooLarge | KdbError::TooMany)
                | Self::P12(P12Error::TooLarge | P12Error::TooMany)
        )
    }
}

impl From<KdbError> for FormatError {
    fn from(error: KdbError) -> Self {
        Self::Kdb(error)
    }
}

impl From<P12Error> for FormatError {
    fn from(error: P12Error) -> Self {
        Self::P12(error)
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content => f.write_str(
                "it is a list of requests or revocations; name the .kdb that it belongs to",
            ),
            Self::Kdb(error) => error.fmt(f),
            Self::NotText => f.write_str("the password in its stash is no text"),
            Self::P12(error) => error.fmt(f),
            Self::Unauthenticated => f.write_str(
                "it is of version 3, in which nothing tells whether it was altered; import from \
                 it into another store instead",
            ),
        }
    }
}

impl std::error::Error for FormatError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Kdb(error) => error.source(),
            Self::P12(error) => error.source(),
            Self::Content | Self::NotText | Self::Unauthenticated => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stash;
    use crate::workshop::{Record, certificate, kdb};

    fn secret() -> Secret {
        Secret::new(b"changeit".to_vec().into())
    }

    fn edits<'a>(entries: &[(&'a str, &'a [u8])]) -> Edits<'a> {
        let added = entries.iter().map(|&(label, der)| Entry { label, der });
        Edits {
            added: added.collect(),
            ..Edits::default()
        }
    }

    #[test]
    fn what_is_not_exactly_what_should_be_written_is_found() {
        let (one, two) = (certificate(1), certificate(2));
        let right = edits(&[("a", &one), ("b", &two)]);
        for format in [Format::Kdb, Format::P12] {
            let random = stash::random().unwrap();
            let bytes = format.create(&right, &mut secret(), Version::V6, &random);
            let archive = Archive::open(format, bytes.unwrap(), &mut secret()).unwrap();
            assert!(archive.holds(added(&right), None));
            for wrong in [
                &[("a", &*one)][..],
                &[("b", &two), ("a", &one)],
                &[("a", &one), ("B", &two)],
                &[("a", &one), ("b", &one)],
                &[("a", &one), ("b", &two), ("b", &two)],
            ] {
                assert!(!archive.holds(added(&edits(wrong)), None));
            }
        }
    }

    #[test]
    fn a_key_that_would_be_lost_is_found() {
        let one = certificate(1);
        let both = der::wrap(
            der::SEQUENCE,
            &[&certificate(7), &der::wrap(der::SEQUENCE, &[])],
        );
        let records = [Record::anchor("a", &one), Record::key("k", &both)];
        let open = |records: &[Record<'_>]| {
            let bytes = kdb(6, records, b"changeit");
            Archive::open(Format::Kdb, bytes, &mut secret()).unwrap()
        };
        let (before, without) = (open(&records), open(&records[..1]));
        let none = Edits::default();
        assert!(before.holds(before.edited(&none), Some(&before)));
        assert!(!without.holds(before.edited(&none), Some(&before)));
        assert!(!without.holds(without.certificates(), Some(&before)));
        assert!(!before.holds(before.certificates(), Some(&without)));
    }
}
