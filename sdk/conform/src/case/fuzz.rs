//! Random calls, the same for the same seed.

mod random;

use anchorhold_abi as abi;
use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::ItemId;
use anchorhold_boundary::query::{By, Query};

use crate::bench::Bench;
use crate::case::read::{listed, or_leave};
use crate::case::write::{ALL, item};
use crate::case::{Case, Finding, Outcome, bare, ensure};
use crate::host::Answers;
use crate::running::Terms;
use crate::sink;
use crate::sized::Size;
use crate::store::Store;
use crate::voice;

use random::Random;

pub(super) const CASES: &[Case] = &[bare(
    "fuzz.calls",
    "random calls in a random order do no harm",
    calls,
)
.after("read.list")];

/// What random calls are made with.
struct Pool {
    cursors: Vec<Vec<u8>>,
    ids: Vec<Vec<u8>>,
    may_write: bool,
}

fn calls(bench: &Bench) -> Outcome {
    let mut random = Random::new(bench.job().seed);
    let store = bench.open()?;
    let before = or_leave!(listed(&store, bench, 0));
    let mut pool = Pool {
        cursors: vec![
            Vec::new(),
            b"garbage".to_vec(),
            vec![0xff; abi::AH_CURSOR_MAX],
        ],
        ids: before
            .items
            .iter()
            .take(50)
            .map(|item| item.id.0.clone())
            .collect(),
        may_write: bench.job().may_write,
    };
    pool.ids.push(b"conform-nothing".to_vec());
    let mut other: Option<Store> = None;
    for _ in 0..bench.job().limit {
        if random.below(64) == 0 {
            voice::say("step", if other.is_some() { "close" } else { "open" });
            other = match other.take() {
                Some(store) => {
                    store.close();
                    None
                }
                None => another(bench, &mut random),
            };
            continue;
        }
        let target = match &other {
            Some(other) if random.below(3) == 0 => other,
            _ => &store,
        };
        call(target, &mut random, &mut pool);
    }
    drop(other);
    let after = or_leave!(listed(&store, bench, 0));
    ensure(
        pool.may_write || after.items.len() == before.items.len(),
        || {
            format!(
                "the store shows {} items afterwards, and showed {} before",
                after.items.len(),
                before.items.len()
            )
        },
    )?;
    Ok(Finding::Passed)
}

/// One more store, of a host that is drawn.
fn another(bench: &Bench, random: &mut Random) -> Option<Store> {
    let mut setup = bench.setup();
    setup.offer = bench.offer(match random.below(3) {
        0 => Answers::Nobody,
        1 => Answers::Refused,
        _ => bench.stored(),
    });
    setup.offer.size = size(random);
    setup.offer.bare = random.below(4) == 0;
    setup.no_error = random.below(4) == 0;
    bench.open_with(&setup).ok()
}

fn size(random: &mut Random) -> Size {
    match random.below(3) {
        0 => Size::First,
        1 => Size::Longer,
        _ => Size::Own,
    }
}

fn terms(random: &mut Random) -> Terms {
    Terms {
        may_prompt: false,
        timeout_ms: random.pick(&[0, 0, 1, 1000, u32::MAX]),
        cancelled: random.below(8) == 0,
        strange_flags: random.below(8) == 0,
        no_error: random.below(4) == 0,
        size: size(random),
    }
}

/// One random call. What it answers does not matter; what it does is noted by the host, the sinks
/// and the pages.
fn call(store: &Store, random: &mut Random, pool: &mut Pool) {
    let terms = terms(random);
    match random.below(10) {
        0 | 1 => {
            voice::say("step", "health");
            let _health = store.health(&terms);
        }
        2 if store.plugin().sign.is_some() => {
            let id = pool.id(random);
            let (room, scheme) = (random.below(4), random.pick(&[0, 0x0403, 0x0804, 0xffff]));
            voice::say(
                "step",
                &format!("schemes {id:02x?} {room}, sign {scheme:#06x}"),
            );
            let _schemes = store.schemes(&id, room, &terms);
            let message = random.bytes(300);
            let _signature = store.sign(&id, scheme, &message, &terms);
        }
        3 | 4 if store.plugin().find.is_some() => {
            let query = pool.query(random);
            voice::say("step", &format!("find {:02x?}", query.by));
            let _found = store.find(&query, &terms);
        }
        5 | 6 if store.plugin().write.is_some() => {
            let batch = pool.batch(random);
            voice::say("step", &format!("apply {} changes", batch.changes.len()));
            let stop = (random.below(6) == 0).then_some((0, abi::AH_CANCELLED));
            let _outcomes = store.apply_until(&batch, &terms, stop);
        }
        7 if store.plugin().unlock.is_some() && random.below(8) == 0 => {
            voice::say("step", "unlock");
            let _unlocked = store.unlock(&terms);
        }
        _ => page(store, random, pool, &terms),
    }
}

fn page(store: &Store, random: &mut Random, pool: &mut Pool, terms: &Terms) {
    let cursor = pool.cursor(random);
    let limits = sink::Terms {
        limit: random.pick(&[0, 1, 2, 7, 256, u32::MAX]),
        stop: (random.below(6) == 0).then_some((random.below(3), abi::AH_LIMIT)),
        ..sink::Terms::default()
    };
    voice::say(
        "step",
        &format!("list {cursor:02x?} limit {}", limits.limit),
    );
    let page = store.page(&cursor, terms, limits);
    if page.done.is_ok() && pool.cursors.len() < 64 {
        pool.cursors.push(page.cursor);
    }
}

impl Pool {
    fn cursor(&self, random: &mut Random) -> Vec<u8> {
        match random.below(4) {
            0 => random.bytes(abi::AH_CURSOR_MAX + 2),
            _ => random.pick_of(&self.cursors).cloned().unwrap_or_default(),
        }
    }

    fn id(&self, random: &mut Random) -> Vec<u8> {
        match random.below(4) {
            0 => random.bytes(abi::AH_ID_MAX),
            _ => random.pick_of(&self.ids).cloned().unwrap_or_default(),
        }
    }

    fn query(&self, random: &mut Random) -> Query {
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(random.bytes(32)) {
            *to = from;
        }
        Query::new(match random.below(5) {
            0 => By::Id(self.id(random)),
            1 => By::Sha256(digest),
            2 => By::SpkiSha256(digest),
            3 => By::Subject(random.bytes(200)),
            _ => By::IssuerSerial {
                issuer: random.bytes(200),
                serial: random.bytes(20),
            },
        })
    }

    fn batch(&self, random: &mut Random) -> Batch {
        let count = random.below(4);
        let changes = (0..count).map(|_| {
            if random.below(3) == 0 {
                return Change::Remove(ItemId(self.removable(random)));
            }
            let der = random.pick_of(&ALL).copied().unwrap_or_default();
            let mut put = item(der, random.pick(&["a", "\u{e9}", ""]));
            if random.below(8) == 0 {
                put.der = random.bytes(400);
            }
            Change::Put(put)
        });
        Batch {
            changes: changes.collect(),
            check_only: !self.may_write || random.below(3) == 0,
            if_generation: random.pick(&[0, 0, 1, u64::MAX]),
        }
    }

    /// An id that no item of the operator's has, unless the store may lose it.
    fn removable(&self, random: &mut Random) -> Vec<u8> {
        let mut id = self.id(random);
        if id.is_empty() {
            id.push(0);
        }
        id
    }
}
