//! A store as the cases call it: bare, through its table, or in a runner.

mod batch;
mod error;
mod lent;
mod linked;

use std::cell::Cell;
use std::ptr;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_call, ah_error, ah_health, ah_page, ah_query, ah_status, ah_store,
};
use anchorhold_boundary::batch::Batch;
use anchorhold_boundary::batch::Outcome;
use anchorhold_boundary::item::Item;
use anchorhold_boundary::query::Query;

use crate::arena::{Loan, Use};
use crate::host::{Host, Offer};
use crate::library::Plugin;
use crate::read;
use crate::running::{Lent, Terms};
use crate::sink::{self, Sink, Taken};
use crate::sized::{self, Out};
use crate::status;
use crate::voice::{breach, inside};
use crate::word::{Call, Thing};

use error::ErrorSlot;
use lent::{lent_bytes, lower_config, lower_query};

pub(crate) use linked::{Anywhere, Linked, Listed};

/// How a call ended that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What was called.
    pub(crate) call: String,
    /// What it returned.
    pub(crate) status: ah_status,
    /// What the plugin says of it.
    pub(crate) message: String,
}

/// What a call came to that has no answer of its own.
pub(crate) type Done = Result<(), Refusal>;

/// One open store, called through its table.
#[derive(Debug)]
pub(crate) struct Store {
    plugin: Plugin,
    store: *mut ah_store,
    host: Host,
    is_open: Cell<bool>,
}

/// One page, as the plugin answered.
#[derive(Debug)]
pub(crate) struct Page {
    /// How the call ended.
    pub(crate) done: Done,
    /// What was pushed.
    pub(crate) taken: Taken,
    /// Which state it shows.
    pub(crate) generation: u64,
    /// Where to go on; empty: the end.
    pub(crate) cursor: Vec<u8>,
}

/// What a store is opened with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    /// The settings, in canonical text.
    pub(crate) settings: Vec<(String, String)>,
    /// Where its state lies.
    pub(crate) state_dir: String,
    /// What the host offers.
    pub(crate) offer: Offer,
    /// Whether `err` is NULL.
    pub(crate) no_error: bool,
}

// SAFETY: R7: the cases call a store from several threads only where the plugin allows it, or
// where the function is [any].
unsafe impl Sync for Store {}

impl Store {
    /// Opens a store.
    pub(crate) fn open(plugin: &Plugin, setup: &Setup) -> Result<Self, Refusal> {
        let size = setup.offer.size;
        let host = Host::new(setup.offer.clone()).map_err(ours)?;
        let mut lent = Vec::new();
        let config = lower_config(setup, &mut lent).map_err(ours)?;
        let config = sized::lend(Call::Open, Thing::Config, &config, size).map_err(ours)?;
        let out = Loan::of(Call::Open, Thing::Store, Use::Out, &0_usize).map_err(ours)?;
        let error = ErrorSlot::new(Call::Open, setup.no_error, size).map_err(ours)?;
        let open = plugin.table.open.ok_or_else(|| ours("there is no open"))?;
        // SAFETY: R1, R3: everything is lent for this call, but for the host, which lives until
        // close has returned.
        let status = inside(Call::Open, || unsafe {
            open(
                host.address(),
                config.address(),
                out.address_mut(),
                error.address(),
            )
        });
        error.settle(status, None)?;
        let store: *mut ah_store = out.value().unwrap_or(ptr::null_mut());
        if store.is_null() {
            return Err(ours("open returned AH_OK and no store"));
        }
        Ok(Self {
            plugin: *plugin,
            store,
            host,
            is_open: Cell::new(true),
        })
    }

    /// Its plugin.
    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The host that it has.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Closes it; nothing of the host's may be used afterwards.
    pub(crate) fn close(&self) {
        if !self.is_open.replace(false) {
            return;
        }
        self.host.begin_call();
        if let Some(close) = self.plugin.ops.close {
            // SAFETY: R3: the store came out of `open`, and no call is made on it afterwards.
            inside(Call::Close, || unsafe { close(self.store) });
        }
        self.host.end();
    }

    /// Makes one call that fills an error; how often it asked comes with how it ended.
    fn call(
        &self,
        call: Call,
        terms: &Terms,
        make: impl FnOnce(*const ah_call, *mut ah_error) -> ah_status,
        stopped: impl FnOnce() -> Option<ah_status>,
    ) -> Result<u32, (u32, Refusal)> {
        let no_room = |why: String| (0, ours(why));
        let error = ErrorSlot::new(call, terms.no_error, terms.size).map_err(no_room)?;
        let lent = Lent::new(call, terms).map_err(no_room)?;
        self.host.begin_call();
        let status = inside(call, || make(lent.address(), error.address()));
        let asked = lent.running.asked();
        match error.settle(status, stopped()) {
            Ok(()) => Ok(asked),
            Err(refusal) => Err((asked, refusal)),
        }
    }

    /// Asks for its health.
    pub(crate) fn health(&self, terms: &Terms) -> Result<ah_health, Refusal> {
        let function = self.plugin.ops.health.ok_or_else(|| ours("no health"))?;
        let out = Out::new(Call::Health, Thing::Health, &ah_health::blank(), terms.size);
        let out = out.map_err(ours)?;
        let make = |call, err| {
            // SAFETY: R1, R3: the store is open, everything else is lent for this call.
            unsafe { function(self.store, call, out.address(), err) }
        };
        let done = self.call(Call::Health, terms, make, || None);
        let health = out.take();
        done.map_err(|(_, refusal)| refusal)?;
        if let Err(why) = read::fixed(&health.detail) {
            breach(format!("the detail of its health {why}"));
        }
        Ok(health)
    }

    /// Asks for one page.
    pub(crate) fn page(&self, cursor: &[u8], terms: &Terms, sink: sink::Terms) -> Page {
        let asked = self.page_of(cursor, terms, sink);
        asked.unwrap_or_else(|why| Page {
            done: Err(ours(why)),
            taken: Taken::default(),
            generation: 0,
            cursor: Vec::new(),
        })
    }

    fn page_of(&self, cursor: &[u8], terms: &Terms, limits: sink::Terms) -> Result<Page, String> {
        let function = self.plugin.ops.list.ok_or("no list")?;
        let mut page = ah_page::blank();
        page.limit = limits.limit;
        page.cursor_len = u32::try_from(cursor.len()).unwrap_or(u32::MAX);
        for (to, from) in page.cursor.iter_mut().zip(cursor) {
            *to = *from;
        }
        let out = Out::new(Call::List, Thing::Page, &page, terms.size)?;
        let sink = Sink::items(
            Call::List,
            sink::Terms {
                size: terms.size,
                ..limits
            },
        )?;
        let make = |call, err| {
            // SAFETY: R1, R3: the store is open, everything else is lent for this call.
            unsafe { function(self.store, call, out.address(), sink.address(), err) }
        };
        let done = self.call(Call::List, terms, make, || sink.stopped());
        let page = out.take();
        let taken = sink.end();
        let done = done.map(drop).map_err(|(_, refusal)| refusal);
        let length = usize::try_from(page.cursor_len).unwrap_or(usize::MAX);
        let cursor = page.cursor.get(..length);
        if cursor.is_none() && done.is_ok() {
            breach(format!(
                "answered a cursor of {length} bytes, and a cursor has {} at most",
                abi::AH_CURSOR_MAX
            ));
        }
        Ok(Page {
            done,
            taken,
            generation: page.generation,
            cursor: cursor.unwrap_or_default().to_vec(),
        })
    }

    /// Asks for certain items.
    pub(crate) fn find(&self, query: &Query, terms: &Terms) -> Result<Vec<Item>, Refusal> {
        let ops = self.plugin.find.and_then(|ops| ops.find);
        let function = ops.ok_or_else(|| ours("no find"))?;
        let mut lent = Vec::new();
        let raw = lower_query(query, &mut lent).map_err(ours)?;
        self.find_raw(&raw, function, terms)
    }

    /// Asks for what a query says that need not make sense.
    pub(crate) fn find_strange(&self, raw: &ah_query, terms: &Terms) -> Result<Vec<Item>, Refusal> {
        let ops = self.plugin.find.and_then(|ops| ops.find);
        let function = ops.ok_or_else(|| ours("no find"))?;
        self.find_raw(raw, function, terms)
    }

    fn find_raw(
        &self,
        raw: &ah_query,
        function: Find,
        terms: &Terms,
    ) -> Result<Vec<Item>, Refusal> {
        let query = sized::lend(Call::Find, Thing::Query, raw, terms.size).map_err(ours)?;
        let limits = sink::Terms {
            size: terms.size,
            ..sink::Terms::default()
        };
        let sink = Sink::items(Call::Find, limits).map_err(ours)?;
        let make = |call, err| {
            // SAFETY: R1, R3: the store is open, everything else is lent for this call.
            unsafe { function(self.store, call, query.address(), sink.address(), err) }
        };
        let done = self.call(Call::Find, terms, make, || sink.stopped());
        let taken = sink.end();
        match done {
            Ok(_) => Ok(taken.items),
            Err((_, refusal)) => {
                if refusal.status == abi::AH_NOT_FOUND {
                    breach("answered a find with AH_NOT_FOUND: nothing pushed and AH_OK is none");
                }
                Err(refusal)
            }
        }
    }

    /// Makes changes; the outcomes come with how it ended.
    pub(crate) fn apply(&self, batch: &Batch, terms: &Terms) -> (Vec<Outcome>, Done) {
        self.apply_until(batch, terms, None)
    }

    /// Makes changes for a sink that says stop.
    pub(crate) fn apply_until(
        &self,
        batch: &Batch,
        terms: &Terms,
        stop: Option<(usize, ah_status)>,
    ) -> (Vec<Outcome>, Done) {
        let mut lent = Vec::new();
        let Some(function) = self.plugin.write.and_then(|ops| ops.apply) else {
            return (Vec::new(), Err(ours("no apply")));
        };
        let limits = sink::Terms {
            stop,
            size: terms.size,
            ..sink::Terms::default()
        };
        let made = batch::lower(batch, terms.size, &mut lent)
            .and_then(|raw| sized::lend(Call::Apply, Thing::Batch, &raw, terms.size))
            .and_then(|raw| Ok((raw, Sink::outcomes(Call::Apply, limits)?)));
        let (raw, sink) = match made {
            Ok(made) => made,
            Err(why) => return (Vec::new(), Err(ours(why))),
        };
        let make = |call, err| {
            // SAFETY: R1, R3: the store is open, everything else is lent for this call.
            unsafe { function(self.store, call, raw.address(), sink.address(), err) }
        };
        let done = self.call(Call::Apply, terms, make, || sink.stopped());
        let taken = sink.end();
        (taken.outcomes, done.map(drop).map_err(|(_, why)| why))
    }

    /// Opens its lock; how often it asked comes with how it ended.
    pub(crate) fn unlock(&self, terms: &Terms) -> (u32, Done) {
        let Some(function) = self.plugin.unlock.and_then(|ops| ops.unlock) else {
            return (0, Err(ours("no unlock")));
        };
        // SAFETY: R1, R3: the store is open, everything else is lent for this call.
        let make = |call, err| unsafe { function(self.store, call, err) };
        match self.call(Call::Unlock, terms, make, || None) {
            Ok(asked) => (asked, Ok(())),
            Err((asked, refusal)) => (asked, Err(refusal)),
        }
    }

    /// Closes its lock.
    pub(crate) fn lock(&self, terms: &Terms) -> Done {
        let function = self.plugin.unlock.and_then(|ops| ops.lock);
        let function = function.ok_or_else(|| ours("no lock"))?;
        // SAFETY: R1, R3: the store is open, everything else is lent for this call.
        let make = |call, err| unsafe { function(self.store, call, err) };
        let done = self.call(Call::Lock, terms, make, || None);
        done.map(drop).map_err(|(_, refusal)| refusal)
    }

    /// The schemes of a key, into room for so many; how many there are comes with them.
    pub(crate) fn schemes(
        &self,
        key: &[u8],
        room: usize,
        terms: &Terms,
    ) -> (Vec<u16>, usize, Done) {
        let asked = self.schemes_of(key, room, terms);
        asked.unwrap_or_else(|why| (Vec::new(), 0, Err(ours(why))))
    }

    fn schemes_of(
        &self,
        key: &[u8],
        room: usize,
        terms: &Terms,
    ) -> Result<(Vec<u16>, usize, Done), String> {
        let ops = self.plugin.sign.and_then(|ops| ops.schemes);
        let function = ops.ok_or("no schemes")?;
        let id = Loan::new(Call::Schemes, Thing::Bytes, Use::In, key)?;
        let out = Loan::new(
            Call::Schemes,
            Thing::SchemeArray,
            Use::Out,
            &vec![0; room * 2],
        )?;
        let count = Loan::of(Call::Schemes, Thing::Count, Use::Out, &0_usize)?;
        let make = |call, err| {
            let (out, count) = (out.address_mut::<u16>(), count.address_mut::<usize>());
            // SAFETY: R1, R3: the store is open, everything else is lent for this call.
            unsafe {
                function(
                    self.store,
                    call,
                    lent_bytes(&id, key),
                    out,
                    room,
                    count,
                    err,
                )
            }
        };
        let done = self.call(Call::Schemes, terms, make, || None);
        let count: usize = count.value().unwrap_or(0);
        let filled = out.contents();
        let all = filled.chunks_exact(2);
        let all = all.filter_map(|pair| pair.try_into().ok().map(u16::from_ne_bytes));
        Ok((
            all.take(count).collect(),
            count,
            done.map(drop).map_err(|(_, refusal)| refusal),
        ))
    }

    /// Signs a message.
    pub(crate) fn sign(
        &self,
        key: &[u8],
        scheme: u16,
        message: &[u8],
        terms: &Terms,
    ) -> Result<Vec<u8>, Refusal> {
        let ops = self.plugin.sign.and_then(|ops| ops.sign);
        let function = ops.ok_or_else(|| ours("no sign"))?;
        let id = Loan::new(Call::Sign, Thing::Bytes, Use::In, key).map_err(ours)?;
        let text = Loan::new(Call::Sign, Thing::Bytes, Use::In, message).map_err(ours)?;
        let limits = sink::Terms {
            size: terms.size,
            ..sink::Terms::default()
        };
        let sink = Sink::bytes(Call::Sign, limits).map_err(ours)?;
        let make = |call, err| {
            let (key, message) = (lent_bytes(&id, key), lent_bytes(&text, message));
            // SAFETY: R1, R3: the store is open, everything else is lent for this call.
            unsafe { function(self.store, call, key, scheme, message, sink.address(), err) }
        };
        let done = self.call(Call::Sign, terms, make, || sink.stopped());
        let taken = sink.end();
        done.map_err(|(_, refusal)| refusal)?;
        let signature = taken.bytes.into_iter().next();
        signature.ok_or_else(|| ours("sign returned AH_OK and put no signature"))
    }
}

type Find = unsafe extern "C" fn(
    *mut ah_store,
    *const ah_call,
    *const ah_query,
    *const abi::ah_item_sink,
    *mut ah_error,
) -> ah_status;

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// A failure of the kit's own.
fn ours(why: impl Into<String>) -> Refusal {
    Refusal {
        call: String::new(),
        status: abi::AH_INTERNAL,
        message: why.into(),
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.call.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{} answered {}", self.call, status::name(self.status))?;
        if !self.message.is_empty() {
            write!(f, " ({})", self.message)?;
        }
        Ok(())
    }
}
