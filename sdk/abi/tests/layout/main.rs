//! The contract in C, in Rust and in `sdk/abi.lock` is the same, and the header compiles everywhere.
//!
//! `UPDATE_ABI_LOCK=1 cargo test -p anchorhold-abi` writes the lock anew.

#![allow(
    clippy::unwrap_used,
    reason = "what a test cannot do without, fails it"
)]

mod compiler;
mod constant;
mod document;
mod header;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anchorhold_abi::layout::LAYOUTS;

use crate::constant::{CONSTANTS, TEXTS};
use crate::header::Header;

fn sdk(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What C says of everything that the header declares, one line a fact.
fn facts_of_c() -> String {
    let text = std::fs::read_to_string(sdk("c/include/anchorhold.h")).unwrap();
    compiler::run_c("facts", &Header::parse(&text).program())
}

/// What Rust says of everything that this crate declares.
fn facts_of_rust() -> String {
    let mut facts = String::new();
    for (name, value) in CONSTANTS {
        writeln!(facts, "const {name} {}", value()).unwrap();
    }
    for (name, text) in TEXTS {
        writeln!(facts, "text {name} {}", text.to_str().unwrap()).unwrap();
    }
    for layout in LAYOUTS {
        writeln!(facts, "struct {} size {}", layout.name, layout.size).unwrap();
        for field in layout.fields {
            let (name, offset, size) = (field.name, field.offset, field.size);
            writeln!(facts, "{}.{name} offset {offset} size {size}", layout.name).unwrap();
        }
    }
    facts
}

/// Fails with the facts that only one side has.
fn check_same(left: (&str, &str), right: (&str, &str)) {
    let only = |here: &str, there: &str| -> Vec<String> {
        let there: Vec<&str> = there.lines().collect();
        here.lines()
            .filter(|line| !there.contains(line))
            .map(str::to_owned)
            .collect()
    };
    let (left_only, right_only) = (only(left.1, right.1), only(right.1, left.1));
    assert!(
        left_only.is_empty() && right_only.is_empty(),
        "only {} says: {left_only:#?}\nonly {} says: {right_only:#?}",
        left.0,
        right.0,
    );
    assert_eq!(
        left.1, right.1,
        "{} and {} have another order",
        left.0, right.0
    );
}

#[test]
fn c_and_rust_and_the_lock_say_the_same() {
    let c = facts_of_c();
    check_same(("C", &c), ("Rust", &facts_of_rust()));
    if cfg!(not(target_pointer_width = "64")) {
        compiler::skip("the lock", "it holds the layout of 64-bit machines");
        return;
    }
    let lock = sdk("abi.lock");
    if std::env::var_os("UPDATE_ABI_LOCK").is_some() {
        std::fs::write(&lock, &c).unwrap();
    }
    let locked = std::fs::read_to_string(&lock).unwrap_or_default();
    check_same(
        ("C", &c),
        ("abi.lock (UPDATE_ABI_LOCK=1 writes it)", &locked),
    );
}

#[test]
fn field_that_moves_is_found() {
    let right = facts_of_rust();
    let wrong = right.replace("ah_item.der offset 64", "ah_item.der offset 72");
    assert_ne!(wrong, right);
    assert!(std::panic::catch_unwind(|| check_same(("one", &right), ("other", &wrong))).is_err());
}

#[test]
fn header_compiles_in_every_language() {
    // The header's own rules: no padding that is not written down, no extensions.
    let program = "#include \"anchorhold.h\"\n\
                   int main(void) { return sizeof(ah_plugin) == 0; }\n";
    for (tool, language, standards) in [
        ("gcc", "c", ["c99", "c11", "c17"]),
        ("g++", "c++", ["c++11", "c++17", "c++20"]),
    ] {
        let narrow = compiler::is_narrow_too(tool, language);
        if !narrow {
            let what = format!("{} checks of the header with {tool} -m32", standards.len());
            compiler::skip(&what, "this compiler knows no 32-bit machine");
        }
        for standard in standards {
            compiler::check(tool, language, standard, &[], program);
            if narrow {
                compiler::check(tool, language, standard, compiler::NARROW, program);
            }
        }
    }
}

#[test]
fn padding_in_the_header_would_be_found() {
    let padded = "#include <stdint.h>\nstruct padded { uint8_t a; uint32_t b; };\n";
    let found = std::panic::catch_unwind(|| compiler::check("gcc", "c", "c99", &[], padded));
    assert!(found.is_err());
}
