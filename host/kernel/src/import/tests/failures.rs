//! A store or the ledger fails: everything is as before.

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Held as Put, Operation};

use super::*;
use crate::fixture::{digest, stock};
use crate::store::StoreErrorKind;

/// Three stores that hold something, one of which fails in some way.
struct Trial {
    bench: Bench,
    before: Vec<Vec<Put>>,
    old: Vec<u8>,
}

impl Trial {
    fn new() -> Self {
        let bench = Bench::new(&["a", "b", "c"]);
        let old = stock();
        bench.imported(&bench.request(&[&old], &["TSM1"]));
        for contents in &bench.stores.contents {
            contents.put(Put::anchor(stock(), "something else"));
        }
        let before = bench
            .stores
            .contents
            .iter()
            .map(|contents| contents.items())
            .collect();
        Self { bench, before, old }
    }

    /// What replaces the old certificate and adds a new server, so that everything occurs.
    fn request(&self) -> Request {
        let mut request = self.bench.request(&[&stock()], &["TSM1"]);
        request.replace = Some(digest(&self.old));
        request
    }

    #[track_caller]
    fn is_as_before(&self) {
        for (contents, before) in self.bench.stores.contents.iter().zip(&self.before) {
            let anonymous = |items: &[Put]| {
                let mut items: Vec<_> = items
                    .iter()
                    .map(|item| Put {
                        id: Vec::new(),
                        ..item.clone()
                    })
                    .collect();
                items.sort_by(|a, b| a.label.cmp(&b.label));
                items
            };
            assert_eq!(anonymous(&contents.items()), anonymous(before));
        }
        let scope = self.bench.state.scope().unwrap();
        assert_eq!(scope.rows.len(), 1);
        assert!(scope.row(&digest(&self.old)).is_some());
        assert!(self.bench.state.verify_journal().unwrap().fault.is_none());
    }
}

#[test]
fn a_store_that_fails_at_any_point_leaves_all_as_before() {
    for store in 0..3 {
        for after in 0..2 {
            let trial = Trial::new();
            let contents = &trial.bench.stores.contents[store];
            contents.fault(|faults| faults.apply = Some((after, ErrorKind::Unavailable)));
            let error = trial.bench.import(&trial.request()).unwrap_err();
            let stuck = after == 1;
            contents.fault(|faults| faults.apply = None);
            match (&error, stuck) {
                (ImportError::Store(error), _) => {
                    assert_eq!(error.store(), ["a", "b", "c"][store]);
                    trial.is_as_before();
                }
                // The failing store could not be put right while it failed; the others were.
                (ImportError::NotTakenBack { left, .. }, true) => {
                    assert_eq!(left.len(), 1);
                    assert_eq!(left[0].store(), ["a", "b", "c"][store]);
                    assert!(error.to_string().contains("still there"), "{error}");
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(error.whose(), Whose::Store);
            // The same command completes what is there.
            trial.bench.imported(&trial.request());
        }
    }
}

#[test]
fn a_store_that_only_says_that_it_wrote_is_found_out() {
    for store in 0..3 {
        let trial = Trial::new();
        trial.bench.stores.contents[store].fault(|faults| faults.forgets_writes = true);
        let error = trial.bench.import(&trial.request()).unwrap_err();
        let ImportError::Store(error) = &error else {
            panic!("{error:?}")
        };
        assert!(
            matches!(error.kind(), StoreErrorKind::NotReadBack { .. }),
            "{error}"
        );
        trial.is_as_before();
    }
}

#[test]
fn a_store_that_changes_bytes_is_found_out() {
    let bench = Bench::new(&["a", "b"]);
    bench.stores.contents[1].fault(|faults| faults.flips_bits = true);
    let error = bench
        .import(&bench.request(&[&stock()], &["TSM1"]))
        .unwrap_err();
    assert_eq!(error.whose(), Whose::Store);
    assert!(bench.stores.contents[0].items().is_empty());
    assert!(bench.state.scope().unwrap().rows.is_empty());
}

#[test]
fn a_panic_in_a_store_leaves_the_others_as_before() {
    let trial = Trial::new();
    trial.bench.stores.contents[1].fault(|faults| faults.panic = Some(Operation::Apply));
    assert!(trial.bench.import(&trial.request()).is_err());
    trial.is_as_before();
}

#[test]
fn a_store_that_cannot_be_listed_is_not_written_to() {
    let trial = Trial::new();
    trial.bench.stores.contents[2].fault(|faults| faults.list = Some(ErrorKind::Locked));
    let applies: Vec<_> = trial
        .bench
        .stores
        .contents
        .iter()
        .map(|c| c.applies())
        .collect();
    let error = trial.bench.import(&trial.request()).unwrap_err();
    assert!(
        error.remedy().contains("anchorhold store check c"),
        "{}",
        error.remedy()
    );
    let now: Vec<_> = trial
        .bench
        .stores
        .contents
        .iter()
        .map(|c| c.applies())
        .collect();
    assert_eq!(applies, now);
}

#[test]
fn a_store_that_only_reads_is_refused_before_any_is_written() {
    let trial = Trial::new();
    trial.bench.stores.contents[2].fault(|faults| faults.read_only = true);
    assert!(trial.bench.import(&trial.request()).is_err());
    trial.is_as_before();
}

#[test]
fn a_ledger_that_cannot_be_written_takes_everything_back() {
    let certificate = stock();
    let bench = Bench::new(&["keydb"]);
    // A name that the ledger does not take.
    let request = bench.request(&[&certificate], &["TSM\u{7}"]);
    let error = bench.import(&request).unwrap_err();
    assert!(matches!(error, ImportError::State(_)), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
    assert!(bench.stores.contents[0].items().is_empty());
    assert!(bench.state.scope().unwrap().rows.is_empty());
}

#[test]
fn a_ledger_that_is_in_the_way_changes_nothing() {
    let bench = Bench::new(&["keydb"]);
    std::fs::write(bench.home.path().join("state"), b"a file").unwrap();
    assert!(
        bench
            .import(&bench.request(&[&stock()], &["TSM1"]))
            .is_err()
    );
    assert!(bench.stores.contents[0].items().is_empty());
}

#[test]
fn a_dry_run_meets_the_refusal_of_a_store() {
    let bench = Bench::new(&["keydb"]);
    bench.stores.contents[0].fault(|faults| faults.read_only = true);
    let mut request = bench.request(&[&stock()], &["TSM1"]);
    request.dry_run = true;
    assert_eq!(bench.import(&request).unwrap_err().whose(), Whose::Store);
    assert!(bench.is_untouched());
}
