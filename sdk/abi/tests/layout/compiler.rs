//! The C and C++ compilers of this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Compiles a C program and returns what it prints.
pub(crate) fn run_c(name: &str, program: &str) -> String {
    let source = written(&format!("{name}.c"), program);
    let binary = source.with_extension("");
    let mut compile = Command::new("cc");
    compile
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(include());
    succeed("gcc", compile.arg(&source).arg("-o").arg(&binary));
    let printed = succeed("gcc", &mut Command::new(binary));
    String::from_utf8(printed.stdout).unwrap()
}

/// Compiles a program as strictly as the header promises to be compiled.
pub(crate) fn check(tool: &str, language: &str, standard: &str, more: &[&str], program: &str) {
    let source = written(&format!("header-{standard}.txt"), program);
    let mut compile = Command::new(tool);
    compile
        .args([
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Wpadded",
            "-Werror",
            "-fsyntax-only",
        ])
        .arg(format!("-std={standard}"))
        .args(more)
        .args(["-x", language, "-I"])
        .arg(include())
        .arg(source);
    succeed(tool, &mut compile);
}

/// What makes the compiler think of a 32-bit machine; it needs no headers of one.
pub(crate) const NARROW: &[&str] = &["-m32", "-ffreestanding"];

/// Whether the compiler can compile for 32 bits.
pub(crate) fn is_narrow_too(tool: &str, language: &str) -> bool {
    let source = written(
        &format!("narrow-{tool}.txt"),
        "#include <stddef.h>\n#include <stdint.h>\nuint64_t zero(void);\n",
    );
    let mut compile = Command::new(tool);
    compile
        .args(NARROW)
        .args(["-fsyntax-only", "-x", language])
        .arg(source);
    output(tool, &mut compile).status.success()
}

/// Says what is left out and why, where the test runner cannot swallow it.
pub(crate) fn skip(what: &str, why: &str) {
    let _unread = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../c/include")
}

fn written(name: &str, text: &str) -> PathBuf {
    // Tests run side by side: each text is a file of its own.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{count}-{name}"));
    std::fs::write(&path, text).unwrap();
    path
}

fn succeed(tool: &str, command: &mut Command) -> Output {
    let output = output(tool, command);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn output(tool: &str, command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!("{command:?} does not start ({error}); install it: apt-get install {tool} libc6-dev")
    })
}
