//! The smallest plugin in C, compiled in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The manifest that lies beside it.
pub(super) const MANIFEST: &str =
    "id = \"org.example.minimal\"\nabi = 1\nlibrary = \"libminimal.so\"\nneeds = [\"read\"]\n";

/// A plugin on disk.
pub(super) struct Compiled {
    directory: tempfile::TempDir,
    pub(super) manifest: PathBuf,
    pub(super) library: PathBuf,
}

impl Compiled {
    /// Compiles it in the directory for temporary files.
    pub(super) fn new(name: &str, words: &[&str]) -> Self {
        Self::below(&std::env::temp_dir(), name, words)
    }

    /// Compiles it in a new directory below this one.
    pub(super) fn below(parent: &Path, name: &str, words: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix(name).tempdir_in(parent);
        let directory = directory.unwrap();
        let manifest = directory.path().join("minimal.plugin.toml");
        fs::write(&manifest, MANIFEST).unwrap();
        let library = directory.path().join("libminimal.so");
        compile(directory.path(), &library, name, words);
        Self {
            directory,
            manifest,
            library,
        }
    }

    /// Compiles it with a library that it looks for beside itself.
    pub(super) fn with_companion(name: &str) -> Self {
        let this = Self::new(name, &[]);
        let lib = this.path().join("lib");
        fs::create_dir(&lib).unwrap();
        let source = this.path().join("companion.c");
        fs::write(&source, "int companion(void) { return 1; }").unwrap();
        let companion = lib.join("libcompanion.so");
        cc(&["-o", text(&companion), text(&source)]);
        let words = [
            "-Wl,-rpath,$ORIGIN/./lib",
            "-Wl,--no-as-needed",
            "-L",
            text(&lib),
            "-lcompanion",
        ];
        compile(this.path(), &this.library, name, &words);
        this
    }

    /// Its directory.
    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn compile(directory: &Path, library: &Path, name: &str, words: &[&str]) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let example = fs::read_to_string(repository.join("sdk/c/examples/minimal.c")).unwrap();
    // What a test changes is a macro here; the name makes each library different from all others.
    let changed = example
        .replace("STR(\"org.example.minimal\")", "STR(ID)")
        .replace("STR(\"0.1.0\")", "STR(VERSION)")
        .replace("{ NULL, 0 }, &ops", "{ OWN, sizeof OWN - 1 }, &ops")
        .replace("AH_ABI_MINOR, 0,", "AH_ABI_MINOR, FLAGS,")
        .replace("{ return &plugin; }", "{ return TABLE; }");
    assert_eq!(changed.matches("OWN, sizeof").count(), 1, "{changed}");
    let source = directory.join("minimal.c");
    fs::write(&source, format!("{HEAD}{changed}")).unwrap();
    fs::write(directory.join("anchor.inc"), "0x30, 0x03, 0x02, 0x01, 0x05").unwrap();
    let include = repository.join("sdk/c/include");
    let name = format!("-DNAME=\"{name}\"");
    let mut all = vec![
        "-o",
        text(library),
        "-I",
        text(&include),
        &name,
        text(&source),
    ];
    // A library that is not there when the plugin is linked is made for that moment.
    let absent = directory.join("absent");
    if words.contains(&"-labsent") {
        fs::create_dir(&absent).unwrap();
        let source = directory.join("absent.c");
        fs::write(&source, "int absent(void) { return 1; }").unwrap();
        cc(&["-o", text(&absent.join("libabsent.so")), text(&source)]);
        all.extend(["-L", text(&absent)]);
    }
    all.extend(words);
    cc(&all);
}

fn cc(words: &[&str]) {
    let compiler = Command::new("cc")
        .args(["-std=c99", "-shared", "-fPIC"])
        .args(words)
        .output()
        .expect("a C compiler is needed: apt-get install gcc libc6-dev");
    assert!(
        compiler.status.success(),
        "{}",
        String::from_utf8_lossy(&compiler.stderr)
    );
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const HEAD: &str = r#"
#include "anchorhold.h"
#ifdef MAGIC
#undef AH_MAGIC
#define AH_MAGIC MAGIC
#endif
#ifdef MAJOR
#undef AH_ABI_MAJOR
#define AH_ABI_MAJOR MAJOR
#endif
#ifndef ID
#define ID "org.example.minimal"
#endif
#ifndef VERSION
#define VERSION "0.1.0"
#endif
#ifndef OWN
#define OWN ""
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifdef NULL_TABLE
#define TABLE NULL
#else
#define TABLE &plugin
#endif
const char what_it_is[] = NAME;
#ifdef MARKER
#include <fcntl.h>
/* Leaves a trace as soon as it runs. */
__attribute__((constructor)) static void begin(void)
{
    int trace = open(MARKER, O_CREAT | O_WRONLY, 0600);
    (void)trace;
}
#endif
"#;
