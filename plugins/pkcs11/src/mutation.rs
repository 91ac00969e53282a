//! Changing a token: one certificate after the other, each read back before it is reported.

use std::borrow::Cow;

use anchorhold_sdk::{Batch, Call, Change, Decision, Effect, Error, Item, Kind, Outcomes};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use crate::access::Access;
use crate::der::Certificate;
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
    let (mut steps, mut refused) = steps(holding, batch.changes());
    let token = match steps.iter().position(|step| step.deed != Deed::Nothing) {
        None => None,
        Some(first) => match writable(holding) {
            Ok(token) => Some(token),
            Err(error) => {
                steps.truncate(first);
                refused = Err(error);
                None
            }
        },
    };
    let elsewhere = token.as_ref().and_then(|token| {
        let place = steps.iter().position(|step| step.is_elsewhere(token))?;
        Some((place, token.name()))
    });
    if let Some((place, name)) = elsewhere {
        steps.truncate(place);
        refused = Err(Error::read_only(format!(
            "the certificate is on another token than {name}, which alone is written to"
        )));
    }
    let is_idle = steps.iter().all(|step| step.deed == Deed::Nothing);
    let Some(token) = token.filter(|_| !is_idle && !batch.check_only()) else {
        let mut answers = steps.iter();
        answers.try_for_each(|step| outcomes.push(step.effect, &step.id))?;
        return refused;
    };
    let needs_officer = steps.iter().any(|step| step.marked);
    let calls = holding.calls()?;
    let made = write(holding, call, &token, needs_officer, |session| {
        let access = Access {
            calls,
            session,
            token: &token,
        };
        for step in &steps {
            call.check()?;
            make(&access, step)?;
            outcomes.push(step.effect, &step.id)?;
        }
        Ok(())
    });
    // What was made is made; if it cannot be listed now, that is the next call's affair.
    if holding.refresh(call).is_err() {
        holding.forget();
    }
    made.and(refused)
}

/// The token that is written to.
fn writable(holding: &mut Holding) -> Result<Token, Error> {
    let open = holding.only("written to", Open::is_writable)?;
    match open.is_writable() {
        true => Ok(open.token.clone()),
        false => Err(Error::read_only(format!(
            "{} is write protected",
            open.token.name()
        ))),
    }
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
    /// The slots with objects that have to be changed for it.
    slots: Vec<Slot>,
}

impl Step<'_> {
    /// Whether what is to be changed is on another token as well, where it would stay as it is.
    fn is_elsewhere(&self, token: &Token) -> bool {
        self.slots.iter().any(|slot| *slot != token.slot)
    }
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

/// What each change comes to, each seeing what those before it will have done, as far as the first
/// that is refused.
fn steps<'a>(holding: &Holding, changes: &'a [Change<'a>]) -> (Vec<Step<'a>>, Result<(), Error>) {
    let trust = holding.settings().trust;
    let mut there = There {
        found: holding.found(),
        changed: Vec::new(),
    };
    let mut steps = Vec::new();
    for change in changes {
        let step = match change {
            Change::Put(item) => put(&there, item, trust),
            Change::Remove(id) => remove(&there, id),
            _ => Err(Error::unsupported("a change of a kind that is not known")),
        };
        match step {
            Ok(step) => {
                there.note(&step, trust);
                steps.push(step);
            }
            Err(error) => return (steps, Err(error)),
        }
    }
    (steps, Ok(()))
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
    slots: Vec<Slot>,
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
            slots: entry.places.iter().map(|(slot, _)| *slot).collect(),
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
            slots: Vec::new(),
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
    let mut decisions = item.rules.iter().map(|rule| rule.decision);
    let anchors = decisions.any(|decision| decision == Decision::Anchor);
    // As it will be listed: a token pads with blanks.
    let wanted = item.label.trim_end();
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
        Some(known) if !wanted.is_empty() && known.label != wanted => {
            (Effect::Updated, Deed::Rename)
        }
        Some(_) => (Effect::Unchanged, Deed::Nothing),
    };
    let (held, slots) = known.map(|known| (known.label, known.slots)).unzip();
    let label = match held {
        // No label at all says nothing of the one that is there.
        Some(held) if wanted.is_empty() => Cow::Owned(held),
        _ => Cow::Borrowed(wanted),
    };
    let slots = slots.filter(|_| deed != Deed::Nothing);
    Ok(Step {
        effect,
        id: id.to_vec(),
        deed,
        der: item.der.to_vec(),
        label,
        marked: wants_mark && matches!(deed, Deed::Create | Deed::Remake),
        slots: slots.unwrap_or_default(),
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
    let (der, slots) = known.map(|known| (known.der, known.slots)).unzip();
    Ok(Step {
        effect,
        id: id.to_vec(),
        deed,
        der: der.unwrap_or_default(),
        label: Cow::Borrowed(""),
        marked: false,
        slots: slots.unwrap_or_default(),
    })
}

/// Refuses what a token cannot keep: to forget what narrows trust would widen it.
fn check(item: &Item<'_>) -> Result<(), Error> {
    if item.kind != Kind::Certificate {
        return Err(Error::unsupported(
            "certificates are all that is written to a token",
        ));
    }
    if !item.is_server_anchor_at_most() {
        return Err(Error::unsupported(
            "a token can only trust for servers: no distrust, other purpose, cut-off or name \
             constraint",
        ));
    }
    if Certificate::read(item.der).is_none() {
        return Err(Error::malformed("these bytes are not one certificate"));
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
        log_out(holding, session);
        return made;
    }
    if !token.info.login_required() || logged_in(&session) {
        return make(&session);
    }
    // Some tokens let everybody write what everybody may read; this asks for the PIN all the same.
    login::user(&session, token, call)?;
    // Who was asked for this one call has not unlocked the store.
    let made = make(&session);
    log_out(holding, session);
    made
}

/// Logs out; where the token refuses, that ends with the last session. What was made is made.
fn log_out(holding: &mut Holding, session: Session) {
    if session.logout().is_err() {
        drop(session);
        holding.forget();
    }
}

fn make(access: &Access<'_>, step: &Step<'_>) -> Result<(), Error> {
    let wanted = Wanted {
        der: &step.der,
        label: &step.label,
        marked: step.marked,
        id: None,
    };
    match step.deed {
        Deed::Nothing => Ok(()),
        Deed::Create => object::create(access, &wanted),
        Deed::Remake => {
            let before = object::holding(access, &step.der)?;
            // The key beside it is known by the identifier that it has.
            let id = before.iter().find_map(|held| object::id_of(access, *held));
            object::create(access, &Wanted { id, ..wanted })?;
            before
                .into_iter()
                .try_for_each(|handle| object::destroy(access, handle))
        }
        Deed::Rename => held(access, step)?
            .into_iter()
            .try_for_each(|handle| object::rename(access, handle, &step.label)),
        Deed::Remove => {
            held(access, step)?
                .into_iter()
                .try_for_each(|handle| object::destroy(access, handle))?;
            match object::holding(access, &step.der)?[..] {
                [] => Ok(()),
                _ => Err(Error::internal(format!(
                    "{} says that it took the certificate away, and still shows it",
                    access.name()
                ))),
            }
        }
    }
}

/// The objects that are to be changed.
fn held(access: &Access<'_>, step: &Step<'_>) -> Result<Vec<ObjectHandle>, Error> {
    let held = object::holding(access, &step.der)?;
    match held.is_empty() {
        true => Err(Error::conflict("the certificate was taken away meanwhile")),
        false => Ok(held),
    }
}

/// The most bytes of a label.
const LABEL_MAX: usize = 1024;
