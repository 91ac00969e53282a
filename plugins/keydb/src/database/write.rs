//! Writing a database: made in memory, read again there, and put in its place.

use std::sync::{Mutex, PoisonError};
use std::thread;

use anchorhold_formats::edit::Edits;
use anchorhold_sdk::Health;

use super::{Database, Memory};
use crate::archive::{self, Archive};
use crate::contents::Contents;
use crate::draft::Work;
use crate::error::DatabaseError;
use crate::likeness::Likeness;
use crate::location::{self, Location, Stamps};
use crate::replace;
use crate::standing::{Found, Known};
use crate::stash::{self, Secret};

impl Database {
    /// Writes the database with its changes, unless another program wrote it meanwhile. The lock
    /// is held.
    pub(super) fn write(
        &self,
        contents: &Contents,
        work: &Work<'_>,
        memory: &mut Memory,
    ) -> Result<Option<Known>, DatabaseError> {
        let mut seen = self.seen.turn();
        let likeness = Likeness::of(&self.location)?;
        let secret = match &mut memory.secret {
            Some(secret) => secret,
            // There is no database yet. A stash without one is what an interrupted first write
            // leaves behind.
            None => {
                let secret = memory.secret.insert(self.first_secret(&likeness)?);
                memory.stamps.stash = self.location.stamps()?.stash;
                secret
            }
        };
        let Some(bytes) = self.written(contents, &work.edits, secret)? else {
            return Ok(None);
        };
        let digest = Archive::digest_of(self.location.format, &bytes);
        let generation = Health::generation_of(&digest.map_err(DatabaseError::Write)?);
        let Some(stamps) = self.put(&bytes, &likeness, contents, &work.edits, memory)? else {
            return Ok(None);
        };
        *seen = stamps;
        Ok(Some(Known {
            stamps,
            found: Ok(Found {
                generation,
                items: work.items,
                has_keys: contents.has_keys(),
            }),
            last_success: Health::now(),
        }))
    }

    /// Puts the bytes in the place of the database, once they have been read as what they should
    /// be; none where another program was there before.
    fn put(
        &self,
        bytes: &[u8],
        likeness: &Likeness,
        contents: &Contents,
        edits: &Edits<'_>,
        memory: &mut Memory,
    ) -> Result<Option<Stamps>, DatabaseError> {
        let location = &self.location;
        let copy = bytes.to_vec();
        let secret = memory.secret.as_mut();
        let job = Mutex::new(Some(|| self.prove(copy, contents, edits, secret)));
        let prove = || {
            let job = job.lock().unwrap_or_else(PoisonError::into_inner).take();
            job.map(|prove| prove())
        };
        let (mut stamps, mut is_same) = (Stamps::default(), true);
        let replaced = thread::scope(|scope| {
            // Meanwhile the disk is at work. Where no thread can be had, it waits.
            let proof = thread::Builder::new().spawn_scoped(scope, prove).ok();
            replace::replace(&location.database, bytes, likeness, &*self.probe, || {
                let proven = match proof {
                    Some(proof) => proof.join().ok().flatten(),
                    None => prove(),
                };
                if proven != Some(true) {
                    let path = location.database.clone();
                    return Err(DatabaseError::Unproven { path });
                }
                stamps = location.stamps()?;
                // With another stash the database would be locked by a password that is gone.
                is_same = stamps == memory.stamps;
                match is_same {
                    true => Ok(()),
                    false => Err(DatabaseError::Conflict),
                }
            })
        });
        match replaced {
            Err(DatabaseError::Conflict) if !is_same => Ok(None),
            replaced => Ok(Some(Stamps {
                database: Some(replaced?),
                ..stamps
            })),
        }
    }

    /// The password of a database that is not there yet.
    fn first_secret(&self, likeness: &Likeness) -> Result<Secret, DatabaseError> {
        match stash::read(&self.location)? {
            Some(password) => Ok(Secret::new(password)),
            None => stash::create(
                &self.location,
                self.settings.stash,
                likeness.owner(),
                &*self.probe,
            ),
        }
    }

    /// The bytes of the database with these edits; none where the file is not the one that was
    /// read any more.
    fn written(
        &self,
        contents: &Contents,
        edits: &Edits<'_>,
        secret: &mut Secret,
    ) -> Result<Option<Vec<u8>>, DatabaseError> {
        let random = stash::random()?;
        let Location {
            database, format, ..
        } = &self.location;
        let Some(archive) = contents.archive() else {
            let made = format.create(edits, secret, self.settings.version, &random);
            return made.map(Some).map_err(DatabaseError::Write);
        };
        let mut file = Vec::new();
        if archive.wants_file() {
            let Some((_, bytes)) = location::read(database, format.max_file())? else {
                return Ok(None);
            };
            // It was decrypted where it was read, so it is read again.
            if Archive::digest_of(*format, &bytes).as_ref() != Ok(archive.digest()) {
                return Ok(None);
            }
            file = bytes;
        }
        let made = archive.rewrite(file, edits, secret, &random);
        made.map(Some).map_err(DatabaseError::Write)
    }

    /// Whether what is about to be written reads as what it should be, so that no fault of a
    /// writer reaches the disk.
    fn prove(
        &self,
        bytes: Vec<u8>,
        contents: &Contents,
        edits: &Edits<'_>,
        secret: Option<&mut Secret>,
    ) -> bool {
        let opened = secret.map(|secret| Archive::open(self.location.format, bytes, secret));
        let Some(Ok(archive)) = opened else {
            return false;
        };
        match contents.archive() {
            Some(before) => archive.holds(before.edited(edits), Some(before)),
            None => archive.holds(archive::added(edits), None),
        }
    }
}
