//! A library with one plugin: certificates in one file, which can be searched and changed.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anchorhold_sdk::{
    Batch, By, Call, Change, Config, Effect, Error, Find, Health, HealthState, Host, Item, Items,
    Kind, LogLevel, Outcomes, Page, Query, Rule, TrustStore, Write,
};
use sha2::{Digest, Sha256};

anchorhold_sdk::plugin! {
    /// The plugin `org.example.roots`.
    pub static PLUGIN:
    store: Roots,
    id: "org.example.roots",
    name: "Roots",
    version: env!("CARGO_PKG_VERSION"),
    manifest: include_str!("org.example.roots.plugin.toml"),
    also: [Find, Write],
}

anchorhold_sdk::export!(PLUGIN);

/// One configured store: a file.
pub struct Roots {
    path: PathBuf,
    host: Host,
    /// What the file held when it was last read or written, in the order of the ids. The lock is
    /// held for a moment only: `health` looks at this while another call reads, writes or pushes.
    held: Mutex<Arc<Vec<Root>>>,
}

/// One certificate.
#[derive(Clone, PartialEq)]
struct Root {
    /// The SHA-256 of the certificate, so that it is never the id of another one.
    id: [u8; 32],
    der: Vec<u8>,
    label: String,
    scope: String,
    /// Whether it vouches for servers, or is only kept.
    is_anchor: bool,
}

impl TrustStore for Roots {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let path = PathBuf::from(config.required("path")?);
        let held = Mutex::new(Arc::new(read(&path)?));
        host.log(LogLevel::Debug, &format!("opened {}", path.display()));
        Ok(Self { path, host, held })
    }

    fn health(&self) -> Health {
        let held = self.held();
        Health::new(HealthState::Ready)
            .generation(generation(&held))
            .item_count(held.len())
            .writable(true)
    }

    fn list(&self, _: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        let held = self.look()?;
        let range = page.range(generation(&held), held.len())?;
        let listed = held.get(range).unwrap_or_default();
        listed.iter().try_for_each(|root| root.push(items))
    }
}

impl Find for Roots {
    fn find(&self, _: &Call<'_>, query: &Query<'_>, items: &mut Items<'_>) -> Result<(), Error> {
        let wanted = match query.by() {
            By::Id(id) => id,
            By::Sha256(digest) => digest,
            // Nothing pushed would say that there is none, and this store does not know.
            _ => return Err(Error::unsupported("only ids and digests are looked for")),
        };
        let held = self.look()?;
        match held.iter().find(|root| root.id == wanted) {
            Some(root) if query.wants(Kind::Certificate) => root.push(items),
            _ => Ok(()),
        }
    }
}

impl Write for Roots {
    // One rename makes all changes, so that a power cut leaves all of them or none. A store that
    // shares its file with other writers takes a lock on it, too.
    const ATOMIC: bool = true;

    fn apply(
        &self,
        call: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error> {
        let held = self.look()?;
        batch.check_generation(generation(&held))?;
        let mut changed = held.as_ref().clone();
        let mut effects = Vec::new();
        for change in batch.changes() {
            call.check()?;
            effects.push(make(&mut changed, change)?);
        }
        if changed != *held && !batch.check_only() {
            write(&self.path, &changed)?;
            self.host.changed(generation(&changed));
            self.hold(changed);
        }
        effects
            .iter()
            .try_for_each(|(effect, id)| outcomes.push(*effect, id))
    }
}

impl Roots {
    /// What the file held when it was last looked at.
    fn held(&self) -> Arc<Vec<Root>> {
        // Nothing can panic while the lock is held.
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the file holds now.
    fn look(&self) -> Result<Arc<Vec<Root>>, Error> {
        self.hold(read(&self.path)?);
        Ok(self.held())
    }

    fn hold(&self, held: Vec<Root>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
    }
}

impl Root {
    /// What is to be held. What cannot be kept is refused: to forget what narrows trust would
    /// widen it.
    fn new(item: &Item<'_>) -> Result<Self, Error> {
        let rules = item.rules.as_ref();
        let is_anchor = rules == Rule::SERVER_ANCHOR;
        let is_plain = item.name_constraints.is_empty() && !item.trust_unknown;
        if item.kind != Kind::Certificate || !is_plain {
            return Err(Error::unsupported("only plain certificates are held"));
        }
        // The host looks closer, before it sends anything and whenever it lists.
        if item.der.first() != Some(&0x30) {
            return Err(Error::malformed("these bytes are no certificate"));
        }
        if !is_anchor && !rules.is_empty() {
            return Err(Error::unsupported("only anchors for TLS servers are held"));
        }
        Ok(Self {
            id: Sha256::digest(item.der).into(),
            der: item.der.to_vec(),
            label: item.label.to_owned(),
            scope: item.scope.to_owned(),
            is_anchor,
        })
    }

    fn push(&self, items: &mut Items<'_>) -> Result<(), Error> {
        let mut item = Item::certificate(&self.id, &self.der);
        item.label = &self.label;
        item.scope = &self.scope;
        if self.is_anchor {
            item.rules = Rule::SERVER_ANCHOR.into();
        }
        items.push(&item)
    }
}

/// Makes one change in memory, and says what it did, to which item.
fn make(held: &mut Vec<Root>, change: &Change<'_>) -> Result<(Effect, Vec<u8>), Error> {
    let place = |held: &[Root], id: &[u8]| held.binary_search_by(|root| root.id[..].cmp(id));
    match change {
        Change::Put(item) => {
            let new = Root::new(item)?;
            let id = new.id.to_vec();
            // The id of other bytes is held, and stays theirs.
            if !item.id.is_empty() && item.id != id && place(held, item.id).is_ok() {
                return Err(Error::invalid_argument("this id is of another certificate"));
            }
            let effect = match place(held, &id) {
                Ok(at) if held[at] == new => Effect::Unchanged,
                Ok(at) => {
                    held[at] = new;
                    Effect::Updated
                }
                Err(at) => {
                    held.insert(at, new);
                    Effect::New
                }
            };
            Ok((effect, id))
        }
        Change::Remove(id) => match place(held, id) {
            Ok(at) => {
                held.remove(at);
                Ok((Effect::Removed, id.to_vec()))
            }
            Err(_) => Ok((Effect::Unchanged, id.to_vec())),
        },
        _ => Err(Error::unsupported("a change of a later version")),
    }
}

/// A number that differs when the contents differ; not 0, which would say that it is not known.
fn generation(held: &[Root]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(text_of(held)).into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(first).max(1)
}

/// What the file holds; a file that is not there holds nothing.
fn read(path: &Path) -> Result<Vec<Root>, Error> {
    match fs::read(path) {
        Ok(bytes) => parse(&bytes)
            .ok_or_else(|| Error::malformed(format!("{} is no file of roots", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(&path.display().to_string(), &error)),
    }
}

/// Makes the file hold this, so that a power cut leaves the old file or the new one.
fn write(path: &Path, held: &[Root]) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(&path.display().to_string(), &error);
    let draft = path.with_extension("new");
    let mut file = File::create(&draft).map_err(failed)?;
    file.write_all(&text_of(held)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)?;
    match path.parent() {
        Some(directory) => File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed),
        None => Ok(()),
    }
}

/// The file: of each certificate a line with what it is and three lengths, then label, scope and
/// DER of these lengths.
fn text_of(held: &[Root]) -> Vec<u8> {
    let mut text = Vec::new();
    for root in held {
        let what = if root.is_anchor { "anchor" } else { "neutral" };
        let (label, scope, der) = (root.label.len(), root.scope.len(), root.der.len());
        text.extend(format!("{what} {label} {scope} {der}\n").as_bytes());
        text.extend([root.label.as_bytes(), root.scope.as_bytes(), &root.der].concat());
    }
    text
}

fn parse(mut text: &[u8]) -> Option<Vec<Root>> {
    let mut held = Vec::new();
    while !text.is_empty() {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let mut words = std::str::from_utf8(text.get(..end)?).ok()?.split(' ');
        let is_anchor = match words.next()? {
            "anchor" => true,
            "neutral" => false,
            _ => return None,
        };
        text = text.get(end + 1..)?;
        let mut take = || {
            let part = text.get(..words.next()?.parse().ok()?)?;
            text = text.get(part.len()..)?;
            Some(part)
        };
        let (label, scope, der) = (take()?, take()?, take()?);
        held.push(Root {
            id: Sha256::digest(der).into(),
            der: der.to_vec(),
            label: String::from_utf8(label.to_vec()).ok()?,
            scope: String::from_utf8(scope.to_vec()).ok()?,
            is_anchor,
        });
    }
    held.is_sorted_by(|one, other| one.id < other.id)
        .then_some(held)
}
