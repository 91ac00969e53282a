//! Serving an open store until it is to be closed.

use std::sync::atomic::AtomicU32;
use std::thread;

use crate::runner::calls::{Call, Calls};
use crate::runner::end;
use crate::runner::open::Store;
use crate::runner::outbox::Outbox;
use crate::runner::prompt;
use crate::status::{CallError, Status};
use crate::table::{CallLimits, PageAnswer, Table};
use crate::wire::to_host::{self, PageEnd};
use crate::wire::{NO_REQUEST, ToHost, ToRunner};

/// How many threads make calls into a plugin that allows several at a time.
const WORKERS: usize = 4;

/// Makes the calls that the host asks for, closes the store once it says so, and returns the
/// request that said it.
pub(super) fn until_closed(store: Store, outbox: &Outbox, calls: &Calls) -> u32 {
    let table = &store.table;
    let work = || {
        while let Some(call) = calls.next() {
            make(call, table, outbox, calls, &store.only);
        }
    };
    thread::scope(|scope| {
        // How the store is is never asked behind another call.
        scope.spawn(|| {
            end::guarded(|| {
                while let Some(request) = calls.next_health() {
                    outbox.say(&told(table.health(), ToHost::Health), request);
                }
            });
        });
        if store.thread_safe {
            for _ in 1..WORKERS {
                scope.spawn(|| end::guarded(work));
            }
        }
        // A plugin that wants one thread has this one, on which it was opened.
        end::guarded(work);
    });
    drop(store);
    calls.closing().unwrap_or(NO_REQUEST)
}

fn make(call: Call, table: &Table, outbox: &Outbox, calls: &Calls, only: &AtomicU32) {
    let Call {
        request,
        what,
        cancel,
    } = call;
    prompt::begin(request, only);
    let mut bytes = Vec::new();
    let last = match what {
        ToRunner::ListPage { limits, page } => {
            let answer = table.page(&page, &limits.to_call(cancel));
            told(answer, |page| put_page(page, request, &mut bytes, outbox))
        }
        ToRunner::Find { limits, query } => {
            let answer = table.find(&query, &limits.to_call(cancel));
            told(answer, |found| {
                put_items(&found.items, request, &mut bytes, outbox);
                ToHost::FoundEnd {
                    skipped: count(found.skipped),
                    repaired: count(found.repaired),
                }
            })
        }
        ToRunner::Apply { limits, batch } => {
            let (done, last) = match table.apply(&batch, &limits.to_call(cancel)) {
                Ok(done) => (done, ToHost::Done),
                Err(early) => (early.done, ToHost::Failed(early.error)),
            };
            to_host::put_outcomes(&done, request, &mut bytes);
            last
        }
        what => short(what, table, |limits| limits.to_call(cancel)),
    };
    // What comes for this call from here on is late.
    calls.ended(request);
    last.put(request, &mut bytes);
    outbox.send(bytes);
}

/// The calls whose answer is one message.
fn short(
    what: ToRunner,
    table: &Table,
    limits: impl FnOnce(&crate::wire::Limits) -> CallLimits,
) -> ToHost {
    match what {
        ToRunner::Unlock(given) => told(table.unlock(&limits(&given)), |()| ToHost::Done),
        ToRunner::Lock(given) => told(table.lock(&limits(&given)), |()| ToHost::Done),
        ToRunner::Schemes { limits: given, key } => {
            told(table.schemes(&key, &limits(&given)), ToHost::Schemes)
        }
        ToRunner::Sign {
            limits: given,
            key,
            scheme,
            message,
        } => told(
            table.sign(&key, scheme, &message, &limits(&given)),
            ToHost::Signature,
        ),
        _ => ToHost::Failed(CallError::new(Status::Internal, "this is no call")),
    }
}

fn told<T>(answer: Result<T, CallError>, tell: impl FnOnce(T) -> ToHost) -> ToHost {
    answer.map_or_else(ToHost::Failed, tell)
}

fn put_page(page: PageAnswer, request: u32, bytes: &mut Vec<u8>, outbox: &Outbox) -> ToHost {
    put_items(&page.items, request, bytes, outbox);
    ToHost::PageEnd(PageEnd {
        skipped: count(page.skipped),
        repaired: count(page.repaired),
        notes: page.notes,
        generation: page.generation,
        cursor: page.cursor,
    })
}

fn put_items(items: &[crate::item::Item], request: u32, bytes: &mut Vec<u8>, outbox: &Outbox) {
    let sent = to_host::put_items(items, request, bytes, |bytes| {
        outbox.send(std::mem::take(bytes));
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = sent;
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
