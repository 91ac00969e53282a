//! Files that are swapped between the check and the load: never do the other bytes run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::compiled::{Compiled, MANIFEST};
use super::pins;
use crate::admit::step::{Step, with_hook};
use crate::admit::{self, Pins};
use crate::confinement::Place;
use crate::load::{self, LoadError, Way};
use crate::plugin::Plugin;

/// What is swapped, and how.
#[derive(Clone, Copy, Debug)]
enum Swap {
    LibraryReplaced,
    LibraryChanged,
    LibraryLinked,
    ManifestReplaced,
    ManifestChanged,
}

const SWAPS: [Swap; 5] = [
    Swap::LibraryReplaced,
    Swap::LibraryChanged,
    Swap::LibraryLinked,
    Swap::ManifestReplaced,
    Swap::ManifestChanged,
];

const STEPS: [Step; 7] = [
    Step::ManifestOpened,
    Step::ManifestRead,
    Step::LibraryOpened,
    Step::LibraryHeld,
    Step::HandedOver,
    Step::LookedAgain,
    Step::Loaded,
];

/// A good plugin, and another library that leaves a trace as soon as it runs.
struct Pair {
    good: Compiled,
    library: Vec<u8>,
    other: Vec<u8>,
    other_path: PathBuf,
    trace: PathBuf,
    _traces: tempfile::TempDir,
    pins: Pins,
}

impl Pair {
    fn new(parent: &Path, good: Compiled) -> Self {
        let traces = tempfile::tempdir().unwrap();
        let trace = traces.path().join("trace");
        let define = format!("-DMARKER=\"{}\"", trace.display());
        let other = Compiled::below(parent, "other", &[&define]);
        let bytes = fs::read(&other.library).unwrap();
        let kept = good.path().join("other.so");
        fs::write(&kept, &bytes).unwrap();
        Self {
            library: fs::read(&good.library).unwrap(),
            other: bytes,
            other_path: kept,
            pins: pins(&good.manifest),
            trace,
            _traces: traces,
            good,
        }
    }

    /// Puts everything back as it was pinned.
    fn restore(&self) {
        fs::remove_file(&self.good.library).unwrap();
        fs::write(&self.good.library, &self.library).unwrap();
        fs::remove_file(&self.good.manifest).unwrap();
        fs::write(&self.good.manifest, MANIFEST).unwrap();
    }

    fn swap(&self, swap: Swap) -> impl FnMut() + 'static {
        let (library, manifest) = (self.good.library.clone(), self.good.manifest.clone());
        let (other, other_path) = (self.other.clone(), self.other_path.clone());
        let beside = self.good.path().join("beside");
        move || match swap {
            Swap::LibraryReplaced => {
                fs::write(&beside, &other).unwrap();
                fs::rename(&beside, &library).unwrap();
            }
            Swap::LibraryChanged => fs::write(&library, &other).unwrap(),
            Swap::LibraryLinked => {
                std::os::unix::fs::symlink(&other_path, &beside).unwrap();
                fs::rename(&beside, &library).unwrap();
            }
            Swap::ManifestReplaced => {
                fs::write(&beside, format!("{MANIFEST}# other")).unwrap();
                fs::rename(&beside, &manifest).unwrap();
            }
            Swap::ManifestChanged => {
                fs::write(&manifest, format!("{MANIFEST}# other")).unwrap();
            }
        }
    }

    /// Admits and loads it as a runner would, with a swap at one moment.
    fn load(&self, at: Step, swap: Swap) -> (Result<Plugin, String>, bool) {
        let reached = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&reached);
        let mut swap = self.swap(swap);
        let hook = move |step| {
            if step == at && !seen.swap(true, Ordering::Relaxed) {
                swap();
            }
        };
        let result = with_hook(hook, || self.load_now().map_err(|error| error.0));
        (result, reached.load(Ordering::Relaxed))
    }

    fn load_now(&self) -> Result<Plugin, (String, &'static str)> {
        let told = |error: &dyn std::fmt::Display, code| (format!("{code}: {error}"), code);
        let admitted = admit::admit(&self.good.manifest, &self.pins)
            .map_err(|refusal| told(&refusal, refusal.code()))?;
        let loadable = admitted.file().leak().unwrap();
        load::load(&loadable, admitted.manifest_text(), Place::Runner)
            .map_err(|error| told(&error, error.code()))
    }

    fn way(&self) -> Way {
        let admitted = admit::admit(&self.good.manifest, &self.pins).unwrap();
        admitted.file().way()
    }

    /// At every moment, with every swap, the same error, and no trace.
    fn withstands(&self, steps: &[Step]) {
        for step in steps {
            for swap in SWAPS {
                let (result, reached) = self.load(*step, swap);
                assert!(reached, "{step:?} is reached");
                let error = result.expect_err(&format!("{step:?} {swap:?}"));
                assert!(
                    error.starts_with("pin-mismatch: "),
                    "{step:?} {swap:?}: {error}"
                );
                assert!(!self.trace.exists(), "{step:?} {swap:?}: the other ran");
                self.restore();
            }
        }
        assert!(
            self.load_now().is_ok(),
            "what was pinned is loaded after all"
        );
        assert!(!self.trace.exists());
    }
}

/// A directory in which only root can change anything, where this process is root.
fn roots_own() -> Option<PathBuf> {
    let places = ["/var/lib", "/usr/local/lib", "/root"].map(PathBuf::from);
    let can_write = |place: &PathBuf| tempfile::tempdir_in(place).is_ok();
    let is_root = rustix::process::geteuid().is_root();
    places.into_iter().find(|place| is_root && can_write(place))
}

#[test]
fn a_swap_never_runs_a_library_that_is_loaded_from_memory() {
    let parent = std::env::temp_dir();
    let pair = Pair::new(&parent, Compiled::new("memory", &[]));
    assert_eq!(pair.way(), Way::Sealed);
    pair.withstands(&STEPS);
}

#[test]
fn a_swap_never_runs_a_library_that_is_loaded_from_a_copy() {
    let parent = std::env::temp_dir();
    let pair = Pair::new(&parent, Compiled::with_companion("copy"));
    assert!(matches!(pair.way(), Way::Copied(_)));
    pair.withstands(&STEPS);
}

#[test]
fn a_swap_never_runs_a_library_that_is_loaded_by_its_path() {
    // Only root can put a library where only root can.
    let Some(parent) = roots_own() else { return };
    let pair = Pair::new(&parent, Compiled::below(&parent, "path", &[]));
    assert_eq!(pair.way(), Way::ByPath);
    let steps: Vec<Step> = STEPS
        .into_iter()
        .filter(|step| *step != Step::LookedAgain)
        .collect();
    pair.withstands(&steps);
}

#[test]
fn a_changed_copy_is_not_loaded() {
    let pair = Pair::new(&std::env::temp_dir(), Compiled::with_companion("mine"));
    let admitted = admit::admit(&pair.good.manifest, &pair.pins).unwrap();
    let loadable = admitted.file().leak().unwrap();
    let Way::Copied(copy) = loadable.way.clone() else {
        panic!("{loadable:?}")
    };
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, &pair.other).unwrap();
    let error = load::load(&loadable, MANIFEST, Place::Runner).unwrap_err();
    assert!(matches!(error, LoadError::Refused(_)), "{error}");
    assert!(!pair.trace.exists());
}

#[test]
fn the_other_library_leaves_a_trace_where_it_is_what_was_pinned() {
    let mut pair = Pair::new(&std::env::temp_dir(), Compiled::new("control", &[]));
    pair.swap(Swap::LibraryReplaced)();
    pair.pins = pins(&pair.good.manifest);
    assert!(pair.load_now().is_ok());
    assert!(pair.trace.exists(), "this is how it would be noticed");
}

#[test]
fn two_thousand_swaps_at_any_moment_run_nothing_else() {
    let pair = Pair::new(&std::env::temp_dir(), Compiled::new("race", &[]));
    let raised = raise_descriptors();
    let swaps = AtomicUsize::new(0);
    let (mut loaded, mut refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut to_other = [
                Swap::LibraryReplaced,
                Swap::LibraryChanged,
                Swap::LibraryLinked,
            ]
            .map(|swap| pair.swap(swap));
            for round in 0..SWAPS_COUNT / 2 {
                to_other[round % 3]();
                let back = pair.good.path().join("back");
                fs::write(&back, &pair.library).unwrap();
                fs::rename(&back, &pair.good.library).unwrap();
                swaps.fetch_add(2, Ordering::Release);
            }
        });
        while swaps.load(Ordering::Acquire) < SWAPS_COUNT {
            match pair.load_uncached(loaded < raised) {
                Ok(()) => loaded += 1,
                Err(code) => {
                    assert_eq!(code, "pin-mismatch");
                    refused += 1;
                }
            }
            assert!(!pair.trace.exists(), "the other ran after {loaded} loads");
        }
    });
    eprintln!("{loaded} loads and {refused} refusals during {SWAPS_COUNT} swaps");
    assert_eq!(pair.load_uncached(true), Ok(()));
    pair.swap(Swap::LibraryReplaced)();
    assert_eq!(pair.load_uncached(true), Err("pin-mismatch"));
    assert!(!pair.trace.exists());
}

impl Pair {
    /// Admits it, and loads it as if for the first time.
    fn load_uncached(&self, really: bool) -> Result<(), &'static str> {
        let admitted = admit::admit(&self.good.manifest, &self.pins);
        let admitted = admitted.map_err(|refusal| refusal.code())?;
        if !really {
            return Ok(());
        }
        let loadable = admitted.file().leak().unwrap();
        let loaded = load::look_again(&loadable)
            .and_then(|()| load::load_first(&loadable, admitted.manifest_text()));
        loaded.map(drop).map_err(|error| error.code())
    }
}

/// Each load keeps a descriptor for ever; how many loads there may be.
fn raise_descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(8192).min(8192);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(most),
            maximum: limit.maximum,
        },
    );
    let most = if raised.is_ok() {
        most
    } else {
        limit.current.unwrap_or(256)
    };
    usize::try_from(most / 2).unwrap()
}

const SWAPS_COUNT: usize = 2000;
