//! The key database as the host sees it.

use std::time::Duration;

use anchorhold_formats::der;
use anchorhold_formats::p12::Entry;
use anchorhold_sdk::{
    Batch, Call, Config, Decision, Effect, Error, ErrorKind, Health, HealthState, Host, Item,
    Items, Kind, Outcomes, Page, Purpose, Rule, TrustStore, Write,
};

use crate::contents::{Id, fits};
use crate::database::{Database, Standing, State, Terms};
use crate::draft::Change;
use crate::lock::Patience;

/// One configured key database.
#[derive(Debug)]
pub(crate) struct KeyDatabase {
    database: Database,
}

impl TrustStore for KeyDatabase {
    fn open(_host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let path = config.required("path")?;
        let database = Database::open(path.as_ref())?;
        Ok(Self { database })
    }

    fn health(&self) -> Health {
        let standing = self.database.standing();
        let (state, detail) = describe(&standing);
        let health = Health::new(state)
            .detail(detail)
            .writable(standing.writable)
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
        let read_only = !contents.foreign().is_empty();
        for index in page.range(contents.generation(), contents.len())? {
            let Some((id, certificate)) = contents.item(index) else {
                break;
            };
            let mut item = Item::certificate(id.as_bytes(), certificate.der);
            item.label = certificate.label;
            item.rules = Rule::SERVER_ANCHOR.into();
            item.read_only = read_only;
            items.push(&item)?;
        }
        Ok(())
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
        let possible: Vec<_> = asked.iter().map(change).collect::<Result<_, _>>()?;
        let changes: Vec<_> = possible.iter().flatten().copied().collect();
        let terms = Terms {
            at: batch.if_generation(),
            check_only: batch.check_only(),
            patience: Patience {
                limit: call
                    .timeout()
                    .map_or(PATIENCE, |limit| PATIENCE.min(limit / 2)),
                cancelled: &|| call.cancelled(),
            },
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
        (State::Read(found), None) if !found.foreign.is_empty() => {
            let detail = "it holds more than certificates, so it is only read";
            (HealthState::Ready, detail.to_owned())
        }
        _ => (HealthState::Ready, String::new()),
    }
}

/// A change as the file can keep it; none where an id is to be removed that no file can hold.
fn change<'a>(change: &anchorhold_sdk::Change<'a>) -> Result<Option<Change<'a>>, Error> {
    match change {
        anchorhold_sdk::Change::Put(item) => put(item).map(Some),
        anchorhold_sdk::Change::Remove(id) => Ok(Id::parse(id).map(Change::Remove)),
        _ => Err(Error::unsupported("a change of a kind that is not known")),
    }
}

fn put<'a>(item: &Item<'a>) -> Result<Change<'a>, Error> {
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
    if !der::is_one_sequence(der) {
        return Err(Error::malformed("these bytes are not one certificate"));
    }
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(Error::invalid_argument(format!(
            "a label has at most {MAX_LABEL} bytes and no control characters"
        )));
    }
    let id = Id::of(der);
    let entry = Entry { label, der };
    // An id that no certificate has here counts as none.
    let claimed = Id::parse(item.id).filter(|claimed| *claimed != id);
    Ok(Change::Put { id, claimed, entry })
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

/// How long to wait for another writer, who needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Of what people call a certificate, in bytes.
const MAX_LABEL: usize = 1024;

#[cfg(test)]
mod tests;
