//! Tests that cannot run on this machine say so, and are counted.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anchorhold_boundary::sandbox::{self, Landlock, Namespaces};

/// Says why a test does not run, and notes it where the runner of the tests counts.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped {test}: {reason}");
    let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") else {
        return;
    };
    let file = OpenOptions::new().append(true).create(true).open(list);
    let mut file = file.expect("the list of skipped tests is there");
    // One write, so that the lines of several tests do not mix.
    file.write_all(format!("{test}: {reason}\n").as_bytes())
        .expect("noted");
}

/// Whether a program is on this machine; where not, the test is skipped.
pub(crate) fn here(program: &str) -> bool {
    let found = is_there(program);
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// Whether a program is on this machine.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| is_file(&directory.join(program)))
}

/// Whether this machine has all that confines a plugin; where not, the test is skipped.
pub(crate) fn confines() -> bool {
    let available = sandbox::available();
    let whole = matches!(available.landlock, Landlock::Version(6..))
        && available.seccomp
        && available.namespaces == Namespaces::Usable;
    if !whole {
        skip(&format!("a whole sandbox is not to be had: {available:?}"));
    }
    whole
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}
