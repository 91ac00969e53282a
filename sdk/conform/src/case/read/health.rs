//! How a store says that it is.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_abi::ah_health;

use crate::bench::Bench;
use crate::case::read::{listed, or_leave};
use crate::case::{Finding, Outcome, ensure};
use crate::running::Terms;
use crate::sink;

/// How long health may take while a listing is under way.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn first(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let health = store.health(&Terms::default());
    sensible(&health.map_err(|why| why.to_string())?)?;
    Ok(Finding::Passed)
}

fn sensible(health: &ah_health) -> Result<(), String> {
    ensure(
        (abi::AH_READY..=abi::AH_FAILED).contains(&health.state),
        || {
            format!(
                "its health has the state {}, which there is none of",
                health.state
            )
        },
    )?;
    let known = abi::AH_HEALTH_WATCHING | abi::AH_HEALTH_WRITABLE | abi::AH_HEALTH_ASKS_WRITE;
    ensure(health.flags & !known == 0, || {
        format!(
            "its health has the flags {:#x}, which there are none of",
            health.flags & !known
        )
    })?;
    ensure((0..FAR).contains(&health.last_success), || {
        format!(
            "its last success was at {}, which is no moment",
            health.last_success
        )
    })
}

/// The year 2200.
const FAR: i64 = 7_258_118_400;

pub(super) fn beside(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let whole = or_leave!(listed(&store, bench, 0));
    if whole.items.is_empty() {
        return Ok(Finding::Skipped("the store holds nothing".to_owned()));
    }
    thread::scope(|scope| {
        let (began, begin) = mpsc::channel();
        let (answered, answer) = mpsc::channel();
        let (waiting, over) = mpsc::channel::<()>();
        let store = &store;
        scope.spawn(move || {
            // The listing waits in its sink until health has answered, or was given up.
            let pause = move || {
                let _heard = began.send(());
                let _over = over.recv();
            };
            sink::pausing(pause, || {
                store.page(&[], &Terms::default(), sink::Terms::default())
            })
        });
        scope.spawn(move || {
            if begin.recv().is_ok() {
                let health = store.health(&Terms::default());
                let _heard = answered.send(health.map(|health| health.state));
            }
        });
        let health = answer.recv_timeout(PATIENCE);
        drop(waiting);
        match health {
            Ok(Ok(_)) => Ok(Finding::Passed),
            Ok(Err(refusal)) => Err(refusal.to_string()),
            Err(_) => Err("health waits until the listing is over".to_owned()),
        }
    })
}

pub(super) fn agrees(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    let whole = or_leave!(listed(&*store, bench, 0));
    let health = store.condition().map_err(|why| why.to_string())?;
    let again = or_leave!(listed(&*store, bench, 0));
    if again.items != whole.items {
        return Ok(Finding::Skipped("the store changed meanwhile".to_owned()));
    }
    let count = u64::try_from(whole.items.len()).unwrap_or(u64::MAX);
    ensure(health.item_count.is_none_or(|said| said == count), || {
        format!(
            "health says {} items, and the listing shows {count}",
            health.item_count.unwrap_or_default()
        )
    })?;
    let known = health.generation != 0 && whole.generation != 0;
    ensure(!known || health.generation == whole.generation, || {
        format!(
            "health says generation {}, and the listing {}",
            health.generation, whole.generation
        )
    })?;
    let fits = matches!(health.state, abi::AH_READY | abi::AH_DEGRADED);
    if !fits {
        return Ok(Finding::Warning(
            "the store can be listed, and says that it is not ready".to_owned(),
        ));
    }
    Ok(Finding::Passed)
}
