//! The smallest plugin in C, compiled here, behind the same table as every other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use anchorhold_abi::{Builtin, ah_entry};
use anchorhold_boundary::item::{Decision, Kind, Purpose};
use anchorhold_boundary::{CallLimits, Fault, Plugin, Status, StoreConfig};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

const RTLD_NOW: c_int = 2;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compiles the example, with a manifest of a built-in in it, and returns its entry.
fn compiled(name: &str, manifest: &str) -> ah_entry {
    let source = std::fs::read_to_string(repository().join("sdk/c/examples/minimal.c")).unwrap();
    let with_manifest = source.replace("{ NULL, 0 }, &ops", "STR(MANIFEST), &ops");
    assert_ne!(
        source, with_manifest,
        "the example has its manifest elsewhere"
    );
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("minimal.c"), with_manifest).unwrap();
    std::fs::write(dir.join("anchor.inc"), "0x30, 0x03, 0x02, 0x01, 0x05").unwrap();
    let library = dir.join("minimal.so");
    let compiler = Command::new("cc")
        .args([
            "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
        ])
        .arg(&library)
        .arg(format!("-DMANIFEST={manifest:?}"))
        .arg("-I")
        .arg(repository().join("sdk/c/include"))
        .arg(dir.join("minimal.c"))
        .output()
        .expect("a C compiler is needed: apt-get install gcc libc6-dev");
    assert!(
        compiler.status.success(),
        "{}",
        String::from_utf8_lossy(&compiler.stderr)
    );
    let library = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: R5: the library was compiled above, and runs no code when it is loaded.
    let handle = unsafe { dlopen(library.as_ptr(), RTLD_NOW) };
    assert!(!handle.is_null());
    // SAFETY: R3: the handle is never closed, so what its table leads to stays.
    let entry = unsafe { dlsym(handle, c"anchorhold_plugin_v1".as_ptr()) };
    assert!(!entry.is_null());
    // SAFETY: R2: within a major version the symbol of that name has that type.
    unsafe { std::mem::transmute::<*mut c_void, ah_entry>(entry) }
}

fn adopted(name: &str, manifest: &str) -> Result<Plugin, Fault> {
    // SAFETY: R3: the library is never unloaded, so its table lives for ever.
    Plugin::builtin(unsafe { Builtin::new(&*compiled(name, manifest)()) })
}

#[test]
fn plugin_in_c_is_opened_listed_and_closed() {
    let plugin = adopted("minimal", "id = 'org.example.minimal'\nabi = 1").unwrap();
    assert_eq!(plugin.id(), "org.example.minimal");
    assert_eq!((plugin.name(), plugin.version()), ("Minimal", "0.1.0"));
    assert!(!plugin.can_write());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let mut config = StoreConfig::new("c");
    config.log = Arc::new(move |_, line: &str| kept.lock().unwrap().push(line.to_owned()));
    let table = plugin.open(config).unwrap();
    assert_eq!(*lines.lock().unwrap(), ["minimal store opened"]);
    let health = table.health().unwrap();
    assert_eq!((health.generation, health.item_count), (1, Some(1)));
    let listing = table.list(&CallLimits::default()).unwrap();
    let [item] = listing.items.as_slice() else {
        panic!("{listing:?}")
    };
    assert_eq!(
        (item.kind, item.id.0.as_slice()),
        (Kind::Certificate, &[0x30, 3, 2, 1, 5][..])
    );
    assert_eq!(
        (item.label.as_str(), item.read_only),
        ("Example Root", true)
    );
    assert_eq!(item.der, [0x30, 3, 2, 1, 5]);
    assert_eq!(item.rules.len(), 1);
    assert_eq!(item.rules[0].purpose, Purpose::Server);
    assert_eq!(item.rules[0].decision, Decision::Anchor);
    let batch = anchorhold_boundary::batch::Batch::default();
    let error = table.apply(&batch, &CallLimits::default()).unwrap_err();
    assert_eq!(error.error.status, Status::Unsupported);
}

#[test]
fn manifest_of_another_plugin_is_refused() {
    let fault = adopted("other", "id = 'org.example.other'\nabi = 1").unwrap_err();
    assert!(matches!(fault, Fault::IdMismatch { .. }), "{fault}");
}
