//! Plugins with one fault each, in the host: the store of one fails alone and says why once, or
//! works, and every other store answers.

#[path = "../sdk/conform/tests/bad/build.rs"]
pub(crate) mod build;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::support::{Home, here};

/// What comes of listing a store.
#[derive(Debug, PartialEq, Eq)]
enum Comes {
    /// It shows so many certificates.
    Shows(usize),
    /// It fails, and says this.
    Fails(&'static str),
    /// It is not registered, for this reason.
    Refused(&'static str),
}

use Comes::{Fails, Refused, Shows};

/// What the host makes of each bad plugin. Where it shows what is there, its fault does nobody any
/// harm: it is in a process of its own, behind a table that reads only what it may.
const FATES: &[(&str, Comes)] = &[
    (
        "aborts.c",
        Fails("SIGABRT); the last line that it wrote: \"out of luck\""),
    ),
    ("any-cursor.c", Shows(3)),
    ("apply-does-nothing.c", Shows(0)),
    ("asks-twice.c", Shows(3)),
    ("asks-without-leave.c", Shows(3)),
    ("calls-after-close.c", Shows(3)),
    ("error-not-filled.c", Shows(3)),
    (
        "exits.c",
        Fails("the process of the plugin ended: exit code 3"),
    ),
    ("exports-two.c", Shows(3)),
    ("fills-unknown-fields.c", Shows(3)),
    ("find-forgets.c", Shows(3)),
    ("find-not-found.c", Shows(3)),
    ("floods-items.c", Fails("it took too long")),
    ("floods-log.c", Shows(3)),
    ("forgets-stop.c", Shows(3)),
    // The sandbox refuses: what the plugin makes of that is its own affair.
    ("forks.c", Shows(3)),
    ("goes-on-after-stop.c", Shows(3)),
    ("good.c", Shows(3)),
    ("hangs.c", Fails("it took too long")),
    ("health-counts-wrong.c", Shows(3)),
    ("health-of-no-kind.c", Shows(3)),
    ("health-waits.c", Shows(3)),
    ("id-changes.c", Shows(3)),
    ("keeps-pointer.c", Shows(3)),
    ("keeps-secret.c", Shows(3)),
    ("keeps-setting.c", Shows(3)),
    ("label-not-utf8.c", Shows(3)),
    ("leaks-descriptor.c", Shows(3)),
    ("leaks-memory.c", Shows(3)),
    ("leaks-secret-memory.c", Shows(3)),
    ("logs-secret.c", Shows(3)),
    (
        "long-cursor.c",
        Fails("a cursor has 200 bytes, and may have 128"),
    ),
    (
        "long-id.c",
        Fails("an id has 65 bytes, and may have 1 to 64"),
    ),
    ("mangles-entry.cpp", Refused("no-entry")),
    (
        "missing-apply.c",
        Fails("lacks the function \"write.apply\""),
    ),
    ("missing-list.c", Fails("lacks the function \"ops.list\"")),
    ("more-than-the-page.c", Shows(3)),
    ("needs-an-error.c", Shows(3)),
    ("not-der.c", Shows(3)),
    ("one-store-for-all.c", Shows(3)),
    ("opens-network.c", Shows(3)),
    (
        "other-id.c",
        Fails("the plugin \"org.example.other\" has the manifest of"),
    ),
    ("other-table-each-time.c", Shows(3)),
    ("overflows-stack.c", Fails("SIGSEGV")),
    ("overwrites-size.c", Shows(3)),
    ("panic-abort.rs", Fails("SIGABRT")),
    ("prints-when-loaded.c", Shows(3)),
    ("prompts-in-list.c", Shows(3)),
    (
        "pushes-on-another-thread.c",
        Fails("it pushed an item on a thread of its own"),
    ),
    ("raw-signature.c", Shows(1)),
    ("reads-home.c", Shows(3)),
    ("reads-past-text.c", Shows(3)),
    ("same-cursor.c", Fails("does not come to an end")),
    ("same-id.c", Fails("have the same id")),
    ("segfaults.c", Fails("SIGSEGV")),
    (
        "short-table.c",
        Fails("has 32 bytes, and version 1.0 of the contract has 104"),
    ),
    ("starts-a-program.c", Shows(3)),
    ("status-of-the-host.c", Shows(3)),
    ("throws.cpp", Fails("SIGABRT")),
    ("two-generations.c", Shows(3)),
    ("writes-past-health.c", Shows(3)),
    ("writes-past-page.c", Shows(3)),
    ("writes-to-argument.c", Shows(3)),
    ("wrong-magic.c", Fails("its table begins with 0x31504842")),
    (
        "wrong-major.c",
        Fails("speaks version 2 of the plugin contract"),
    ),
];

/// Two stores: one of ours with a certificate, and one of the plugin that is tried.
const CONFIGURATION: &str = r#"
[[store]]
name = "keydb"
plugin = "anchorhold.keydb"
settings = { path = "stores/anchorhold.p12" }

[[store]]
name = "bad"
plugin = "org.example.bad"
timeout = "2s"
hang_after = "2s"
"#;

/// A home in which one certificate is held, and a plugin is tried after the other.
fn home() -> Home {
    let home = Home::new();
    let one = fs::read(build::sources().join("../../sdk/conform/data/one.der"));
    home.write("one.der", one.expect("readable"));
    home.run(&["import", "one.der", "--any-server"]).exits(0);
    home.configure(CONFIGURATION);
    home
}

/// What is wrong with what the host makes of a plugin.
fn amiss(home: &Home, file: &str, expected: &Comes) -> Option<String> {
    let library = build::build(file);
    if let Refused(code) = expected {
        let refused = home.json(2, &adding(&manifest(&library)));
        let found = &refused["error"]["code"];
        return (found != code).then(|| format!("{file}: {code} was expected: {found}"));
    }
    home.run(&adding(&manifest(&library))).exits(0);
    home.run(&["store", "release", "bad"]);
    let code = if matches!(expected, Shows(_)) { 0 } else { 3 };
    let outcome = home.run(&["list", "--json"]);
    let document = outcome.document();
    let shown = shown(&document);
    let failed = document["failed_stores"].as_array().expect("a list");
    let failed: Vec<(&str, &str)> = failed
        .iter()
        .map(|failed| (word(&failed["store"]), word(&failed["message"])))
        .collect();
    let count = shown.get("bad").copied().unwrap_or_default();
    let fits = match (expected, failed.as_slice()) {
        (Shows(expected), []) => count == *expected,
        (Fails(words), [("bad", message)]) => message.contains(words) && count == 0,
        _ => false,
    };
    let others_answer = shown.get("keydb") == Some(&1);
    if fits && others_answer && outcome.status.code() == Some(code) {
        return None;
    }
    Some(format!(
        "{file}: {expected:?} was expected: {}, {shown:?}, {failed:?}",
        outcome.status
    ))
}

/// Where the manifest of a bad plugin is.
fn manifest(library: &Path) -> String {
    let folder = library.parent().expect("in a folder");
    let manifest = folder.join("org.example.bad.plugin.toml");
    manifest.to_str().expect("a path").to_owned()
}

/// Registers a plugin as the one that is tried now.
fn adding(manifest: &str) -> [&str; 6] {
    ["plugin", "add", manifest, "--no-store", "--yes", "--update"]
}

/// How many certificates each store shows.
fn shown(document: &Value) -> BTreeMap<String, usize> {
    let mut shown = BTreeMap::new();
    for certificate in document["certificates"].as_array().expect("a list") {
        *shown
            .entry(word(&certificate["store"]).to_owned())
            .or_default() += 1;
    }
    shown
}

fn word(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn a_bad_plugin_fails_alone_and_says_why_once() {
    if !here("cc") || !here("c++") {
        return;
    }
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let home = home();
                while let Some((file, expected)) = FATES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let amiss = amiss(&home, file, expected);
                    wrong.lock().expect("whole").extend(amiss);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("whole");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_bad_plugin_is_put_into_the_host() {
    let mut files: Vec<String> = fs::read_dir(build::sources())
        .expect("readable")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        // A module of tokens lies beside them, which is no plugin.
        .filter(|name| !name.ends_with(".h") && !name.ends_with(".inc") && name != "p11-shim.c")
        .collect();
    files.sort();
    let mut tried: Vec<&str> = FATES.iter().map(|(file, _)| *file).collect();
    tried.sort_unstable();
    assert_eq!(files, tried);
}
