//! The key database as the host sees it.

use std::time::Duration;

use anchorhold_formats::edit::Entry;
use anchorhold_sdk::{
    Batch, Call, Config, Decision, Effect, Error, ErrorKind, Health, HealthState, Host, Item,
    Items, Kind, LogLevel, Outcomes, Page, Purpose, Rule, TrustStore, Write,
};

use crate::archive::Format;
use crate::contents::{Held, Id, fits};
use crate::database::{Database, Terms};
use crate::draft::Change;
use crate::lock::Patience;
use crate::settings::{Adoption, Settings};
use crate::standing::{Standing, State};
use crate::watch::Watch;

/// One configured key database.
#[derive(Debug)]
pub(crate) struct KeyDatabase {
    host: Host,
    database: Database,
    /// None where the host does not hear of changes, or nothing tells of them.
    watch: Option<Watch>,
    /// Whether the operator wants nothing of it changed.
    read_only: bool,
}

impl TrustStore for KeyDatabase {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let path = config.required("path")?;
        let settings = Settings::read(config)?;
        let database = Database::open(path.as_ref(), settings)?;
        let watch = host.hears_changes().then(|| {
            let host = host.clone();
            // Which generation it is by now is known once it is read.
            database.watch(move || host.changed(0))
        });
        Ok(Self {
            host,
            database,
            watch: watch.flatten(),
            read_only: settings.adoption == Some(Adoption::Read),
        })
    }

    fn health(&self) -> Health {
        let standing = self.database.standing();
        let (state, detail) = describe(&standing);
        let is_failed = matches!(standing.state, State::Failed(_));
        let health = Health::new(state)
            .detail(detail)
            .writable(standing.obstacle.is_none() && !is_failed)
            .watching(self.watch.as_ref().is_some_and(Watch::is_certain))
            .last_success(standing.last_success);
        match standing.state {
            State::Read(found) => health.generation(found.generation).item_count(found.items),
            State::Missing => health.item_count(0),
            State::Changed | State::Failed(_) => health,
        }
    }

    fn list(&self, call: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        call.check()?;
        let contents = self.database.contents()?;
        for index in page.range(contents.generation(), contents.len())? {
            let Some(held) = contents.item(index) else {
                break;
            };
            items.push(&self.item(&held))?;
        }
        Ok(())
    }
}

impl KeyDatabase {
    fn item<'a>(&self, held: &'a Held<'a>) -> Item<'a> {
        match held {
            Held::Certificate(id, certificate) => {
                let mut item = Item::certificate(id.as_bytes(), certificate.der);
                item.label = certificate.label;
                item.rules = Rule::SERVER_ANCHOR.into();
                item.trust_unknown = !certificate.trust_known;
                // What a mark says that is not known could not be written again.
                item.read_only = self.read_only || item.trust_unknown;
                item
            }
            Held::Key(key) => {
                let mut item = Item::new(Kind::PrivateKey, key.id.as_bytes(), &key.public);
                item.label = &key.label;
                item.read_only = true;
                item
            }
        }
    }
}

impl Write for KeyDatabase {
    const ATOMIC: bool = true;

    fn apply(
        &self,
        call: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error> {
        call.check()?;
        let asked = batch.changes();
        let format = self.database.format();
        let possible: Vec<_> = asked
            .iter()
            .map(|asked| change(asked, format))
            .collect::<Result<_, _>>()?;
        let changes: Vec<_> = possible.iter().flatten().copied().collect();
        let terms = Terms {
            at: batch.if_generation(),
            check_only: batch.check_only(),
            patience: Patience {
                // The rest is for the write itself.
                limit: call.timeout().map_or(PATIENCE, |limit| limit / 4 * 3),
                cancelled: &|| call.cancelled(),
            },
            tell: &|what| self.host.log(LogLevel::Warn, what),
        };
        let mut done = self.database.apply(&changes, &terms)?.into_iter();
        for (asked, possible) in asked.iter().zip(&possible) {
            match (asked, possible) {
                (anchorhold_sdk::Change::Remove(id), None) => {
                    outcomes.push(Effect::Unchanged, id)?;
                }
                _ => {
                    if let Some((effect, id)) = done.next() {
                        outcomes.push(effect, id.as_bytes())?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The state, and the one thing about it that is most worth knowing.
fn describe(standing: &Standing) -> (HealthState, String) {
    match (&standing.state, &standing.exposed) {
        (State::Failed(why), _) => (HealthState::Failed, why.clone()),
        (State::Missing, _) => {
            let detail = "the file is missing beside its stash: it was removed, or its first \
                          write was interrupted";
            (HealthState::Degraded, detail.to_owned())
        }
        (_, Some(how)) => (HealthState::Degraded, how.clone()),
        (_, None) => {
            let detail = standing.obstacle.clone().unwrap_or_default();
            (HealthState::Ready, detail)
        }
    }
}

/// A change as the file can keep it; none where an id is to be removed that no file can hold.
fn change<'a>(
    change: &anchorhold_sdk::Change<'a>,
    format: Format,
) -> Result<Option<Change<'a>>, Error> {
    match change {
        anchorhold_sdk::Change::Put(item) => put(item, format).map(Some),
        anchorhold_sdk::Change::Remove(id) => Ok(Id::parse(id).map(Change::Remove)),
        _ => Err(Error::unsupported("a change of a kind that is not known")),
    }
}

fn put<'a>(item: &Item<'a>, format: Format) -> Result<Change<'a>, Error> {
    let &Item { der, label, .. } = item;
    if item.kind != Kind::Certificate {
        return Err(Error::unsupported("a key database holds certificates only"));
    }
    if !item.rules.iter().all(is_kept) || !item.name_constraints.is_empty() {
        // The file has only one kind of certificate: one that is trusted without condition.
        return Err(Error::unsupported(
            "a key database can only trust for servers: no distrust, other purpose, cut-off or \
             name constraint",
        ));
    }
    if !fits(der) {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("a certificate of {} bytes is too large", der.len()),
        ));
    }
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(Error::invalid_argument(format!(
            "a label has at most {MAX_LABEL} bytes and no control characters"
        )));
    }
    let (id, marked) = (Id::of(der), item.trust_unknown);
    let entry = Entry { label, der };
    if !format.can_hold(&entry) {
        return Err(Error::malformed("these bytes are not one certificate"));
    }
    // An id that no certificate has here counts as none.
    let claimed = Id::parse(item.id).filter(|claimed| *claimed != id);
    Ok(Change::Put {
        id,
        claimed,
        entry,
        marked,
    })
}

/// Whether being trusted for servers is what the rule says, or no more than it leaves open.
fn is_kept(rule: &Rule) -> bool {
    let server = matches!(rule.purpose, Purpose::Any | Purpose::Server);
    match rule.decision {
        Decision::Anchor => server && rule.issued_before == 0,
        Decision::Neutral => true,
        _ => false,
    }
}

/// How long to wait for another writer where the host waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of what people call a certificate, in bytes.
const MAX_LABEL: usize = 1024;

#[cfg(test)]
mod tests;
