//! A store, the ledger or the program fails at any moment of a change: all stores hold the same as
//! before or all what they were to, and the ledger agrees.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Contents, Held as Put};

use super::*;
use crate::fixture::{WHOLE, digest, stock};

/// Something that is done to stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// A certificate is new everywhere.
    Import,
    /// It is new, and another one goes.
    Replace,
    /// One that is there gets another label and its trust.
    Update,
    /// It goes everywhere.
    Remove,
}

impl Act {
    const ALL: [Self; 4] = [Self::Import, Self::Replace, Self::Update, Self::Remove];
}

/// What goes wrong at a moment, and stays wrong until somebody mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// The program dies.
    Death,
    /// A store cannot be listed.
    Silence(usize),
    /// A store fails after so many changes, which stay done where it is not whole.
    Refusal(usize, usize),
    /// A store answers that it does what it does not do.
    Lie(usize),
    /// The ledger can be neither read nor written.
    Ledger,
}

impl Mishap {
    /// Those that an act may meet with, which changes so many items of a store.
    fn all(act: Act) -> Vec<Self> {
        let changes = if act == Act::Replace { 2 } else { 1 };
        let of_stores = (0..STORES.len()).flat_map(|store| {
            let refusals = (0..changes).map(move |after| Self::Refusal(store, after));
            refusals.chain([Self::Silence(store), Self::Lie(store)])
        });
        of_stores.chain([Self::Death, Self::Ledger]).collect()
    }

    fn happen(self, contents: &[Arc<Contents>], state: &Path) {
        let fault = |store: usize, switch: &dyn Fn(&mut anchorhold_sdk::testing::Faults)| {
            contents[store].fault(|faults| switch(faults));
        };
        match self {
            // Nothing is printed of it, and nothing but destructors runs.
            Self::Death => resume_unwind(Box::new("died")),
            Self::Silence(store) => {
                fault(store, &|faults| faults.list = Some(ErrorKind::Unavailable));
            }
            Self::Refusal(store, after) => fault(store, &|faults| {
                faults.apply = Some((after, ErrorKind::Unavailable));
            }),
            Self::Lie(store) => fault(store, &|faults| faults.forgets_writes = true),
            Self::Ledger => block(state),
        }
    }
}

/// Puts something in the way of whoever reads or writes the ledger.
fn block(state: &Path) {
    let (gate, aside) = gates(state);
    if gate.is_file() {
        std::fs::rename(&gate, &aside).unwrap();
        std::fs::create_dir(&gate).unwrap();
    }
}

fn unblock(state: &Path) {
    let (gate, aside) = gates(state);
    if aside.exists() {
        std::fs::remove_dir(&gate).unwrap();
        std::fs::rename(&aside, &gate).unwrap();
    }
}

fn gates(state: &Path) -> (PathBuf, PathBuf) {
    let locks = state.join("locks");
    (locks.join("ledger.gate"), locks.join("ledger.aside"))
}

/// Stores, the second of which is whole, with two certificates in each.
struct Trial {
    bench: Bench,
    act: Act,
    old: Vec<u8>,
    new: Vec<u8>,
    before: Vec<Vec<Put>>,
    rows: ScopeTable,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    After,
    Before,
}

impl Trial {
    fn new(act: Act) -> Self {
        let stores = Stores::with(&STORES, |name, mut plan| {
            if name == "whole" {
                plan.plugin = WHOLE.to_owned();
            }
            plan
        });
        let bench = Bench::of(stores);
        let old = stock();
        bench.imported(&bench.request(&[&old], &["TSM1"]));
        for contents in &bench.stores.contents {
            contents.put(Put::anchor(stock(), "something else"));
            if act == Act::Update {
                // Somebody took its trust and its name.
                contents.put(Put::certificate(old.clone(), "mine", &[]));
            }
        }
        let mut trial = Self {
            before: Vec::new(),
            rows: bench.state.scope().unwrap(),
            new: stock(),
            act,
            old,
            bench,
        };
        trial.before = trial.held();
        trial
    }

    fn held(&self) -> Vec<Vec<Put>> {
        let contents = self.bench.stores.contents.iter();
        let held = contents.map(|contents| {
            let mut items: Vec<_> = contents
                .items()
                .into_iter()
                .map(|item| Put {
                    id: Vec::new(),
                    ..item
                })
                .collect();
            items.sort_by(|a, b| a.label.cmp(&b.label).then(a.der.cmp(&b.der)));
            items
        });
        held.collect()
    }

    fn run(&self) -> Result<(), ImportError> {
        let bench = &self.bench;
        match self.act {
            Act::Import => {
                let mut request = bench.request(&[&self.new], &["TSM2"]);
                request.strict = true;
                bench.import(&request).map(drop)
            }
            Act::Replace => {
                let mut request = bench.request(&[&self.new], &["TSM1"]);
                request.replace = Some(digest(&self.old));
                bench.import(&request).map(drop)
            }
            Act::Update => {
                let mut request = bench.request(&[&self.old], &["TSM1", "TSM2"]);
                request.label = Some("another".to_owned());
                bench.import(&request).map(drop)
            }
            Act::Remove => {
                let request = RemovalRequest {
                    fingerprint: digest(&self.old),
                    servers: None,
                    stores: None,
                    dry_run: false,
                    actor: actor(),
                    now: now(),
                    known: bench.known(&["TSM1"]),
                };
                remove(&bench.stores.kernel, &bench.state, &request).map(drop)
            }
        }
    }

    /// Does it, while something happens at a moment; nothing where the program died of it.
    fn run_with(&self, moment: usize, mishap: Mishap) -> Option<Result<(), ImportError>> {
        let contents = self.bench.stores.contents.clone();
        let state = self.bench.home.path().join("state");
        let mut passed = 0;
        let hook = move || {
            passed += 1;
            if passed == moment {
                mishap.happen(&contents, &state);
            }
        };
        catch_unwind(AssertUnwindSafe(|| moment::with(hook, || self.run()))).ok()
    }

    /// Takes away what is wrong.
    fn mend(&self) {
        for contents in &self.bench.stores.contents {
            contents.fault(|faults| *faults = Default::default());
        }
        unblock(&self.bench.home.path().join("state"));
    }

    /// What the stores hold, if that is all of one kind and the ledger agrees.
    #[track_caller]
    fn end(&self, when: &str) -> End {
        let held = self.held();
        let rows = self.bench.state.scope().unwrap();
        let is_strict = |name: &str| {
            let standing = self.bench.state.server(&ServerName::new(name)).unwrap();
            standing.is_strict()
        };
        if held == self.before {
            assert_eq!(rows, self.rows, "{when}: the ledger is ahead of the stores");
            assert!(!is_strict("TSM2"), "{when}");
            return End::Before;
        }
        for (store, (held, before)) in held.iter().zip(&self.before).enumerate() {
            let labels: Vec<_> = held.iter().map(|item| &item.label).collect();
            let when = format!("{when}: store {store} holds {labels:?}");
            let is_there = |der: &[u8]| held.iter().any(|item| item.der == der);
            let (old, new) = (is_there(&self.old), is_there(&self.new));
            let expected = match self.act {
                Act::Import => (true, true),
                Act::Replace => (false, true),
                Act::Update => (true, false),
                Act::Remove => (false, false),
            };
            assert_eq!((old, new), expected, "{when}");
            if self.act == Act::Update {
                let item = held.iter().find(|item| item.der == self.old).unwrap();
                assert_eq!((&*item.label, item.rules.len()), ("another", 1), "{when}");
            }
            let others = |items: &[Put]| {
                let others = items.iter().filter(|item| item.label == "something else");
                others.cloned().collect::<Vec<_>>()
            };
            assert_eq!(others(held), others(before), "{when}");
        }
        let scoped = |der: &[u8]| rows.row(&digest(der)).map(|row| row.servers.clone());
        let (old, new) = (scoped(&self.old), scoped(&self.new));
        let of = |servers: &[&str]| Some(Servers::Named(names(servers)));
        let expected = match self.act {
            Act::Import => (of(&["TSM1"]), of(&["TSM2"])),
            Act::Replace => (None, of(&["TSM1"])),
            Act::Update => (of(&["TSM1", "TSM2"]), None),
            Act::Remove => (None, None),
        };
        assert_eq!(
            (old, new),
            expected,
            "{when}: the ledger is behind the stores"
        );
        assert_eq!(is_strict("TSM2"), self.act == Act::Import, "{when}");
        End::After
    }

    fn settle(&self) -> Vec<Settled> {
        let settled = settle(
            &self.bench.stores.kernel,
            &self.bench.state,
            &actor(),
            now(),
        );
        settled.unwrap()
    }
}

/// How many moments a change has when nothing goes wrong.
fn moments(act: Act) -> usize {
    let trial = Trial::new(act);
    let passed = Rc::new(Cell::new(0));
    let count = Rc::clone(&passed);
    let hook = move || count.set(count.get() + 1);
    moment::with(hook, || trial.run()).unwrap();
    assert_eq!(trial.end("nothing went wrong"), End::After);
    passed.get()
}

/// One mishap at one moment: what is so afterwards, at once and once it is mended and settled.
fn survive(act: Act, moment: usize, mishap: Mishap) -> End {
    let when = format!("{act:?}, moment {moment}, {mishap:?}");
    let trial = Trial::new(act);
    let result = trial.run_with(moment, mishap);
    let state = &trial.bench.state;
    trial.mend();
    let open = state.undertakings().unwrap();
    match &result {
        None => assert_eq!(mishap, Mishap::Death, "{when}"),
        Some(Ok(())) => {
            // A ledger that is not there any more cannot be asked, and is not needed.
            assert!(open.is_empty(), "{when}: it is done and open");
            assert_eq!(trial.end(&when), End::After);
        }
        Some(Err(error)) => {
            assert_eq!(error.whose(), Whose::Store, "{when}: {error}");
            let told = matches!(error, ImportError::NotTakenBack { .. });
            assert!(
                !told || !open.is_empty(),
                "{when}: {error}, and nothing is open"
            );
            if !told {
                assert_eq!(trial.end(&when), End::Before, "{when}: {error}");
            }
        }
    }
    let settled = trial.settle();
    assert_eq!(settled.len(), open.len(), "{when}");
    for one in &settled {
        assert!(
            !matches!(one.end, SettledEnd::Open { .. }),
            "{when}: {one:?}"
        );
        assert!(one.left_alone.is_empty(), "{when}: {one:?}");
    }
    let end = trial.end(&format!("{when}, settled as {settled:?}"));
    assert_eq!(state.undertakings().unwrap(), [], "{when}");
    assert!(state.verify_journal().unwrap().is_whole(), "{when}");
    // Nothing is in the way of doing it once more.
    if end == End::Before {
        trial.run().unwrap();
        assert_eq!(trial.end(&format!("{when}, and once more")), End::After);
    }
    end
}

/// Every mishap at every moment of an act.
fn survive_all(act: Act) {
    let (mut before, mut after) = (0, 0);
    let moments = moments(act);
    assert!(moments >= 10, "{act:?} has {moments} moments");
    for moment in 1..=moments {
        for mishap in Mishap::all(act) {
            match survive(act, moment, mishap) {
                End::Before => before += 1,
                End::After => after += 1,
            }
        }
    }
    assert!(before > 40 && after > 10, "{before} before, {after} after");
}

#[test]
fn an_import_that_fails_at_any_moment_leaves_all_as_before_or_as_it_was_to_be() {
    survive_all(Act::Import);
}

#[test]
fn a_replacement_that_fails_at_any_moment_leaves_all_as_before_or_as_it_was_to_be() {
    survive_all(Act::Replace);
}

#[test]
fn an_update_that_fails_at_any_moment_leaves_all_as_before_or_as_it_was_to_be() {
    survive_all(Act::Update);
}

#[test]
fn a_removal_that_fails_at_any_moment_leaves_all_as_before_or_as_it_was_to_be() {
    survive_all(Act::Remove);
}

#[test]
fn what_fails_from_the_start_changes_nothing() {
    for act in Act::ALL {
        for mishap in Mishap::all(act) {
            if mishap == Mishap::Death {
                continue;
            }
            let when = format!("{act:?}, {mishap:?} from the start");
            let trial = Trial::new(act);
            let state = trial.bench.home.path().join("state");
            mishap.happen(&trial.bench.stores.contents, &state);
            let result = trial.run();
            trial.mend();
            let has_failed = result.is_err();
            assert!(has_failed, "{when}");
            trial.settle();
            assert_eq!(trial.end(&when), End::Before);
        }
    }
}

#[test]
fn a_store_that_is_whole_is_written_to_last() {
    let trial = Trial::new(Act::Import);
    let contents = trial.bench.stores.contents.clone();
    let last = Rc::new(Cell::new(false));
    let seen = Rc::clone(&last);
    let hook = move || {
        let counts: Vec<_> = contents.iter().map(|one| one.items().len()).collect();
        assert!(counts[WHOLE_AT] == 2 || counts.iter().all(|count| *count == 3));
        seen.set(seen.get() || (counts[WHOLE_AT] == 2 && counts.contains(&3)));
    };
    moment::with(hook, || trial.run()).unwrap();
    assert!(last.get(), "the others were written to before it");
}

#[test]
fn one_store_is_asked_too_before_anything_is_written_down() {
    let bench = Bench::new(&["keydb"]);
    bench.stores.contents[0].fault(|faults| faults.read_only = true);
    assert!(
        bench
            .import(&bench.request(&[&stock()], &["TSM1"]))
            .is_err()
    );
    assert!(bench.events().is_empty(), "{:?}", bench.events());
}

#[test]
fn the_journal_says_what_was_begun_and_how_it_ended() {
    let trial = Trial::new(Act::Import);
    let before = trial.bench.events().len();
    trial.run().unwrap();
    let events = trial.bench.events().split_off(before);
    let begun = events.iter().filter(|event| **event == "undertaking-begun");
    assert_eq!(begun.count(), STORES.len());
    assert_eq!(events.last().unwrap(), "undertaking-completed");
    let trial = Trial::new(Act::Import);
    trial.bench.stores.contents[2].fault(|faults| faults.forgets_writes = true);
    assert!(trial.run().is_err());
    assert_eq!(trial.bench.events().last().unwrap(), "undertaking-undone");
}

const STORES: [&str; 3] = ["a", "whole", "c"];
const WHOLE_AT: usize = 1;
