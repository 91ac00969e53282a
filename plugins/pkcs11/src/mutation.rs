//! Changing a token: one certificate after the other, each read back before it is reported.

use std::borrow::Cow;

use anchorhold_sdk::{
    Batch, Call, Change, Decision, Effect, Error, Item, Kind, Outcomes, Purpose, Rule,
};
use cryptoki::session::Session;

use crate::entry::{self, Found, Id, Standing};
use crate::error::failed;
use crate::holding::{Holding, Open, logged_in};
use crate::login;
use crate::object::{self, Wanted};
use crate::settings::Trust;
use crate::token::Token;

/// Makes the changes in order, and stops at the first that fails.
pub(crate) fn apply(
    holding: &mut Holding,
    call: &Call<'_>,
    batch: &Batch<'_>,
    outcomes: &mut Outcomes<'_>,
) -> Result<(), Error> {
    holding.refresh(call)?;
    batch.check_generation(holding.found().generation())?;
    let steps = steps(holding, batch.changes())?;
    if batch.check_only() || steps.iter().all(|step| step.deed == Deed::Nothing) {
        return steps
            .iter()
            .try_for_each(|step| outcomes.push(step.effect, &step.id));
    }
    let open = holding.only("written to", Open::is_writable)?;
    let (token, is_writable) = (open.token.clone(), open.is_writable());
    if !is_writable {
        return Err(Error::read_only(format!(
            "{} is write protected",
            token.name()
        )));
    }
    let needs_officer = steps.iter().any(|step| step.marked);
    let made = write(holding, call, &token, needs_officer, |session| {
        for step in &steps {
            call.check()?;
            make(session, &token, step)?;
            outcomes.push(step.effect, &step.id)?;
        }
        Ok(())
    });
    // What was made is made; if it cannot be listed now, that is the next call's affair.
    if holding.refresh(call).is_err() {
        holding.forget();
    }
    made
}

/// What is to be done about one change.
struct Step<'a> {
    effect: Effect,
    id: Vec<u8>,
    deed: Deed,
    der: Vec<u8>,
    label: Cow<'a, str>,
    /// Whether the security officer has to do it.
    marked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Create,
    Nothing,
    /// Made again with the mark or without it, since none can be set on what is there.
    Remake,
    Remove,
    Rename,
}

/// What each change comes to, each seeing what those before it will have done.
fn steps<'a>(holding: &Holding, changes: &'a [Change<'a>]) -> Result<Vec<Step<'a>>, Error> {
    let trust = holding.settings().trust;
    let mut there = There {
        found: holding.found(),
        changed: Vec::new(),
    };
    let mut steps = Vec::new();
    for change in changes {
        let step = match change {
            Change::Put(item) => put(&there, item, trust)?,
            Change::Remove(id) => remove(&there, id)?,
            _ => return Err(Error::unsupported("a change of a kind that is not known")),
        };
        there.note(&step, trust);
        steps.push(step);
    }
    Ok(steps)
}

/// What will be on the token once the changes so far are made.
struct There<'f> {
    found: &'f Found,
    /// By id, and nothing where it will be gone.
    changed: Vec<(Vec<u8>, Option<One>)>,
}

/// A certificate on the token.
#[derive(Clone)]
struct One {
    der: Vec<u8>,
    label: String,
    standing: Standing,
}

impl There<'_> {
    fn certificate(&self, id: &[u8]) -> Option<One> {
        if let Some((_, there)) = self.changed.iter().rev().find(|(of, _)| of == id) {
            return there.clone();
        }
        let entry = self.found.entry(id)?;
        Some(One {
            der: entry.der.clone(),
            label: entry.label.clone(),
            standing: entry.standing,
        })
    }

    fn note(&mut self, step: &Step<'_>, trust: Trust) {
        let standing = match trust {
            Trust::Marked if !step.marked => Standing::Neutral,
            _ => Standing::Anchor,
        };
        let one = |standing| One {
            der: step.der.clone(),
            label: step.label.clone().into_owned(),
            standing,
        };
        let there = match step.deed {
            Deed::Nothing => return,
            Deed::Remove => None,
            Deed::Rename => self.certificate(&step.id).map(|known| one(known.standing)),
            Deed::Create | Deed::Remake => Some(one(standing)),
        };
        self.changed.push((step.id.clone(), there));
    }
}

fn put<'a>(there: &There<'_>, item: &'a Item<'a>, trust: Trust) -> Result<Step<'a>, Error> {
    check(item)?;
    let id: Id = entry::id(Kind::Certificate, item.der);
    if !item.id.is_empty() && item.id != id && there.certificate(item.id).is_some() {
        return Err(Error::invalid_argument(
            "the id is that of another certificate, and an item keeps its bytes",
        ));
    }
    let anchors = !item.rules.is_empty();
    let wants_mark = trust == Trust::Marked && anchors;
    let is_remade = |known: &One| {
        let is_marked = known.standing == Standing::Anchor;
        trust == Trust::Marked && is_marked != anchors
    };
    let known = there.certificate(&id);
    let (effect, deed) = match &known {
        None => (Effect::New, Deed::Create),
        Some(known) if known.standing > Standing::Anchor => {
            return Err(Error::denied(
                "the token itself distrusts this certificate, and it is there as that",
            ));
        }
        Some(known) if is_remade(known) => (Effect::Updated, Deed::Remake),
        Some(known) if !item.label.is_empty() && known.label != item.label => {
            (Effect::Updated, Deed::Rename)
        }
        Some(_) => (Effect::Unchanged, Deed::Nothing),
    };
    let label = match known {
        // No label at all says nothing of the one that is there.
        Some(known) if item.label.is_empty() => Cow::Owned(known.label),
        _ => Cow::Borrowed(item.label),
    };
    Ok(Step {
        effect,
        id: id.to_vec(),
        deed,
        der: item.der.to_vec(),
        label,
        marked: wants_mark && matches!(deed, Deed::Create | Deed::Remake),
    })
}

fn remove<'a>(there: &There<'_>, id: &[u8]) -> Result<Step<'a>, Error> {
    let entry = there.found.entry(id);
    if entry.is_some_and(|entry| entry.kind != Kind::Certificate) {
        return Err(Error::read_only(
            "keys and what a token distrusts are removed with the token's own program",
        ));
    }
    let known = there.certificate(id);
    let (effect, deed) = match known {
        Some(_) => (Effect::Removed, Deed::Remove),
        None => (Effect::Unchanged, Deed::Nothing),
    };
    Ok(Step {
        effect,
        id: id.to_vec(),
        deed,
        der: known.map(|known| known.der).unwrap_or_default(),
        label: Cow::Borrowed(""),
        marked: false,
    })
}

/// Refuses what a token cannot keep: to forget what narrows trust would widen it.
fn check(item: &Item<'_>) -> Result<(), Error> {
    if item.kind != Kind::Certificate {
        return Err(Error::unsupported(
            "certificates are all that is written to a token",
        ));
    }
    let is_kept = |rule: &Rule| {
        rule.decision == Decision::Neutral
            || (rule.decision == Decision::Anchor
                && rule.purpose == Purpose::Server
                && rule.issued_before == 0)
    };
    if !item.rules.iter().all(is_kept) || !item.name_constraints.is_empty() || item.trust_unknown {
        return Err(Error::unsupported(
            "a token can only trust for servers: no distrust, other purpose, cut-off or name \
             constraint",
        ));
    }
    if item.label.len() > LABEL_MAX || item.label.chars().any(char::is_control) {
        return Err(Error::invalid_argument(format!(
            "a label has at most {LABEL_MAX} bytes and no control characters"
        )));
    }
    Ok(())
}

/// Writes in a session of its own, logged in as far as the token demands it.
fn write(
    holding: &mut Holding,
    call: &Call<'_>,
    token: &Token,
    needs_officer: bool,
    make: impl FnOnce(&Session) -> Result<(), Error>,
) -> Result<(), Error> {
    let module = holding.module()?;
    if needs_officer {
        // No session that only reads may be open while the officer is logged in.
        holding.lock()?;
    }
    let session = module
        .open_rw_session(token.slot)
        .map_err(|error| failed(&token.name(), &error))?;
    if needs_officer {
        login::officer(&session, token, call)?;
        let made = make(&session);
        let out = session
            .logout()
            .map_err(|error| failed(&token.name(), &error));
        return made.and(out);
    }
    if !token.info.login_required() || logged_in(&session) {
        return make(&session);
    }
    // Some tokens let everybody write what everybody may read; this asks for the PIN all the same.
    login::user(&session, token, call)?;
    // Who was asked for this one call has not unlocked the store.
    let made = make(&session);
    let out = session
        .logout()
        .map_err(|error| failed(&token.name(), &error));
    made.and(out)
}

fn make(session: &Session, token: &Token, step: &Step<'_>) -> Result<(), Error> {
    let name = token.name();
    let wanted = Wanted {
        der: &step.der,
        label: &step.label,
        marked: step.marked,
    };
    match step.deed {
        Deed::Nothing => Ok(()),
        Deed::Create => object::create(session, &name, &wanted),
        Deed::Remake => {
            let before = object::holding(session, &name, &step.der)?;
            object::create(session, &name, &wanted)?;
            before
                .into_iter()
                .try_for_each(|handle| object::destroy(session, &name, handle))
        }
        Deed::Rename => object::holding(session, &name, &step.der)?
            .into_iter()
            .try_for_each(|handle| object::rename(session, &name, handle, &step.label)),
        Deed::Remove => {
            let held = object::holding(session, &name, &step.der)?;
            if held.is_empty() {
                return Err(Error::conflict("the certificate was taken away meanwhile"));
            }
            held.into_iter()
                .try_for_each(|handle| object::destroy(session, &name, handle))?;
            match object::holding(session, &name, &step.der)?[..] {
                [] => Ok(()),
                _ => Err(Error::internal(format!(
                    "{name} says that it took the certificate away, and still shows it"
                ))),
            }
        }
    }
}

/// The most bytes of a label.
const LABEL_MAX: usize = 1024;
