//! A plugin in C, compiled in the directory of a test as its author would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Home, here, repository};

/// The id of the smallest plugin.
pub(crate) const MINIMAL: &str = "org.example.minimal";

/// The smallest plugin, which lists one anchor.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// Its manifest, as it is typed in the directory of the home.
    pub(crate) manifest: String,
    /// Its library.
    pub(crate) library: PathBuf,
    folder: PathBuf,
}

impl Foreign {
    /// Compiles it around an anchor; none where there is no compiler.
    pub(crate) fn compile(home: &Home, anchor: &[u8]) -> Option<Self> {
        if !here("cc") {
            return None;
        }
        let manifest = format!("my/{MINIMAL}.plugin.toml");
        let written = home.write(&manifest, manifest_of(""));
        let folder = written.parent().expect("in a folder").to_owned();
        let plugin = Self {
            manifest,
            library: folder.join("libminimal.so"),
            folder,
        };
        let bytes: Vec<String> = anchor.iter().map(u8::to_string).collect();
        home.write("my/anchor.inc", bytes.join(","));
        plugin.build(&[]);
        Some(plugin)
    }

    /// Compiles it anew, with more words for the compiler: another library of the same id.
    pub(crate) fn build(&self, words: &[&str]) {
        let source = repository().join("sdk/c/examples/minimal.c");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-std=c99", "-shared", "-fPIC", "-o"])
            .arg(&self.library)
            .arg("-I")
            .arg(repository().join("sdk/c/include"))
            .arg("-iquote")
            .arg(&self.folder)
            .args(words)
            .arg(self.changed(&source));
        let output = compiler.output().expect("a compiler runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
    }

    /// Replaces its library by another one that is as good.
    pub(crate) fn replace(&self) {
        let old = fs::read(&self.library).expect("there");
        self.build(&["-Wl,--build-id=0x0123", "-O2"]);
        assert_ne!(fs::read(&self.library).expect("there"), old);
    }

    /// The same, and where it is.
    pub(crate) fn replaced(&self) -> &Path {
        self.replace();
        &self.library
    }

    /// Compiles it anew with a library that it looks for beside itself.
    pub(crate) fn build_with_companion(&self, home: &Home) {
        let source = home.write("my/companion.c", "int companion(void) { return 1; }");
        let folder = self.folder.join("lib");
        fs::create_dir(&folder).expect("made");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        compiler.arg(folder.join("libcompanion.so")).arg(source);
        assert!(compiler.status().expect("a compiler runs").success());
        let beside = format!("-L{}", folder.display());
        let rpath = "-Wl,-rpath,$ORIGIN/lib";
        self.build(&[rpath, "-Wl,--no-as-needed", &beside, "-lcompanion"]);
    }

    /// Writes its manifest with more lines.
    pub(crate) fn describe(&self, home: &Home, more: &str) {
        home.write(&self.manifest, manifest_of(more));
    }

    /// A copy of the source beside the anchor that it includes.
    fn changed(&self, source: &Path) -> PathBuf {
        let copy = self.folder.join("minimal.c");
        fs::copy(source, &copy).expect("copied");
        copy
    }
}

fn manifest_of(more: &str) -> String {
    format!("id = \"{MINIMAL}\"\nabi = 1\nlibrary = \"libminimal.so\"\nneeds = [\"read\"]\n{more}")
}
