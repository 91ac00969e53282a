//! Bad plugins, built: the files of `tests/bad`, each in a directory of its own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the bad plugins are.
pub(crate) fn sources() -> PathBuf {
    repository().join("tests/bad")
}

/// Builds a plugin, once, with its manifest beside it; its library.
pub(crate) fn build(file: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, Arc<OnceLock<PathBuf>>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().expect("whole");
    let library = Arc::clone(built.entry(file.to_owned()).or_default());
    // Others are built meanwhile.
    drop(built);
    library.get_or_init(|| build_first(file)).clone()
}

fn build_first(file: &str) -> PathBuf {
    let name = file.split('.').next().expect("a name");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("bad")
        .join(name);
    fs::create_dir_all(&directory).expect("made");
    let library = directory.join("libbad.so");
    fs::write(
        directory.join("org.example.bad.plugin.toml"),
        "id = \"org.example.bad\"\nlibrary = \"libbad.so\"\nabi = 1\nneeds = [\"read\", \"write\"]\n",
    )
    .expect("written");
    if file.ends_with(".rs") {
        build_rust(file, &directory, &library);
    } else {
        build_c(file, &directory, &library);
    }
    library
}

fn build_c(file: &str, directory: &Path, library: &Path) {
    fs::write(directory.join("anchors.inc"), anchors()).expect("written");
    let (compiler, standard) = if file.ends_with(".cpp") {
        ("c++", "-std=c++17")
    } else {
        ("cc", "-std=gnu11")
    };
    let output = Command::new(compiler)
        .args([
            standard,
            "-O1",
            "-w",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-pthread",
        ])
        .arg("-I")
        .arg(repository().join("sdk/c/include"))
        .arg("-I")
        .arg(directory)
        .arg("-o")
        .arg(library)
        .arg(sources().join(file))
        .output()
        .expect("a C compiler is needed: apt-get install build-essential");
    assert_built(file, &output);
}

/// A crate of its own around one file, built as somebody else would build it.
fn build_rust(file: &str, directory: &Path, library: &Path) {
    let sdk = repository().join("sdk/rust").canonicalize().expect("there");
    let manifest = format!(
        "[package]\nname = \"bad\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n\
         [lib]\npath = {:?}\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nanchorhold-sdk = {{ path = {sdk:?} }}\n\n\
         [profile.dev]\npanic = \"abort\"\n\n[workspace]\n",
        sources().canonicalize().expect("there").join(file)
    );
    fs::write(directory.join("Cargo.toml"), manifest).expect("written");
    let lock = repository().join("Cargo.lock");
    fs::copy(lock, directory.join("Cargo.lock")).expect("copied");
    let target = directory.join("target");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(directory)
        .output()
        .expect("cargo runs");
    assert_built(file, &output);
    fs::copy(target.join("debug/libbad.so"), library).expect("copied");
}

fn assert_built(file: &str, output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file}: {errors}");
}

/// The certificates of a store, as C reads them.
fn anchors() -> String {
    let data = repository().join("sdk/conform/data");
    let mut text = String::new();
    for (index, name) in ["one", "other", "third"].iter().enumerate() {
        let der = fs::read(data.join(format!("{name}.der"))).expect("readable");
        text.push_str(&array(&format!("anchor_{index}"), &der));
    }
    text
}

fn array(name: &str, bytes: &[u8]) -> String {
    let mut text = format!("static const uint8_t {name}[] = {{");
    for byte in bytes {
        write!(text, "{byte},").expect("written");
    }
    text.push_str("};\n");
    text
}
