//! PKCS#11 modules of this machine, tokens of SoftHSM in the home of a test, and the shim.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Home, Watched, repository, skip};

/// The module of SoftHSM.
pub(crate) const SOFTHSM: &str = "softhsm/libsofthsm2.so";

/// A module of this machine; without it the test is skipped.
pub(crate) fn module(name: &str) -> Option<PathBuf> {
    let found = find_module(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// A module of this machine.
pub(crate) fn find_module(name: &str) -> Option<PathBuf> {
    let arch = std::env::consts::ARCH;
    let places = [
        "/usr/lib".to_owned(),
        format!("/usr/lib/{arch}-linux-gnu"),
        "/usr/lib64".into(),
    ];
    let mut paths = places.iter().map(|place| Path::new(place).join(name));
    paths.find(|path| path.is_file())
}

/// Makes a token of SoftHSM in `tokens`, which `softhsm2.conf` leads to. Its PIN is 1234, and that
/// of its security officer 12345678.
pub(crate) fn make_token(home: &Home, label: &str) {
    let tokens = home.path("tokens");
    fs::create_dir_all(&tokens).expect("made");
    let text = format!("directories.tokendir = {}\n", tokens.display());
    let configuration = home.write("softhsm2.conf", text);
    let mut command = Command::new("softhsm2-util");
    command.env("SOFTHSM2_CONF", configuration);
    command.args(["--init-token", "--free", "--label", label]);
    command.args(["--so-pin", "12345678", "--pin", "1234"]);
    Watched::output(&mut command, b"", LIMIT).exits(0);
}

/// The module that has things go wrong, as `tests/bad/p11-shim.c` says.
pub(crate) fn shim(home: &Home) -> PathBuf {
    let library = home.path("libshim.so");
    if library.exists() {
        return library;
    }
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    compiler.args(["-shared", "-fPIC", "-fvisibility=hidden", "-o"]);
    compiler.arg(&library);
    compiler.arg(repository().join("tests/bad/p11-shim.c"));
    compiler.arg("-ldl");
    Watched::output(&mut compiler, b"", LIMIT).exits(0);
    library
}

/// How long these programs may take.
const LIMIT: Duration = Duration::from_secs(60);
