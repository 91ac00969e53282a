//! Libraries that are compiled here: what is loaded, what is refused, and what a swap comes to.

mod compiled;
mod swap;

use std::fs;
use std::path::Path;

use super::*;
use crate::admit::{self, Pins};
use crate::plugin::Fault;
use compiled::{Compiled, MANIFEST};

fn pins(manifest: &Path) -> Pins {
    admit::inspect(manifest).unwrap().pins
}

fn loaded(plugin: &Compiled) -> Result<Plugin, LoadError> {
    let admitted = admit::admit(&plugin.manifest, &pins(&plugin.manifest)).unwrap();
    Plugin::from_library(admitted)
}

#[test]
fn a_library_is_inspected_admitted_and_loaded() {
    let plugin = Compiled::new("whole", &[]);
    let inspected = admit::inspect(&plugin.manifest).unwrap();
    assert_eq!(inspected.manifest.id, "org.example.minimal");
    assert_eq!(inspected.library, plugin.library.canonicalize().unwrap());
    let admitted = admit::admit(&plugin.manifest, &inspected.pins).unwrap();
    assert_eq!(admitted.file().digest(), &inspected.pins.library);
    assert_eq!(admitted.file().way(), Way::Sealed);
    assert_eq!(admitted.manifest_text(), MANIFEST);
    let plugin = Plugin::from_library(admitted).unwrap();
    assert_eq!(
        (plugin.id(), plugin.version()),
        ("org.example.minimal", "0.1.0")
    );
    let table = plugin.open(crate::StoreConfig::new("c")).unwrap();
    assert_eq!(table.health().unwrap().item_count, Some(1));
}

#[test]
fn two_loads_of_one_library_are_one_plugin() {
    let library = Compiled::new("twice", &[]);
    let (one, other) = (loaded(&library).unwrap(), loaded(&library).unwrap());
    assert!(std::ptr::eq(one.manifest(), other.manifest()));
    // The same library under another manifest is another plugin.
    fs::write(&library.manifest, format!("{MANIFEST}# later\n")).unwrap();
    let later = loaded(&library).unwrap();
    assert!(!std::ptr::eq(one.manifest(), later.manifest()));
}

#[test]
fn another_number_never_stands_for_another_library() {
    // The loader takes the second of two files for the first where the number is used again.
    for name in ["first", "second"] {
        let library = Compiled::new("numbers", &[&format!("-DVERSION=\"{name}\"")]);
        assert_eq!(loaded(&library).unwrap().version(), name);
    }
}

#[test]
fn a_library_with_others_beside_it_is_loaded_with_them() {
    let library = Compiled::with_companion("beside");
    let admitted = admit::admit(&library.manifest, &pins(&library.manifest)).unwrap();
    let Way::Copied(copy) = admitted.file().way() else {
        panic!("{admitted:?}")
    };
    let libraries = admitted.file().libraries();
    assert_eq!(libraries.len(), 2, "{libraries:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(copy.parent().unwrap()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);
    assert!(Plugin::from_library(admitted).is_ok());
    // What was loaded stays loaded.
    assert!(!copy.exists());
}

#[test]
fn a_companion_that_others_can_change_is_refused() {
    let library = Compiled::with_companion("companion");
    let companion = library.library.with_file_name("lib/libcompanion.so");
    fs::set_permissions(
        &companion,
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .unwrap();
    let refusal = admit::admit(&library.manifest, &pins(&library.manifest)).unwrap_err();
    assert_eq!(refusal.code(), "unsafe-mode");
    assert!(refusal.path().ends_with("libcompanion.so"), "{refusal}");
}

#[test]
fn a_library_that_has_others_looked_for_where_anybody_can_put_one_is_refused() {
    let library = Compiled::new("search", &["-Wl,-rpath,/tmp"]);
    let refusal = admit::inspect(&library.manifest).unwrap_err();
    assert_eq!(refusal.code(), "unsafe-search-path");
    assert!(refusal.to_string().contains("\"/tmp\""), "{refusal}");
}

#[test]
fn memory_that_cannot_be_loaded_is_copied_to_where_it_can() {
    let library = Compiled::new("copied", &["-DVERSION=\"copied\""]);
    let admitted = admit::admit(&library.manifest, &pins(&library.manifest)).unwrap();
    let copied = admitted.into_copy().unwrap();
    assert!(matches!(copied.file().way(), Way::Copied(_)));
    assert_eq!(Plugin::from_library(copied).unwrap().version(), "copied");
}

#[test]
fn what_the_loader_says_of_a_copy_is_said_of_the_library() {
    let words = ["-Wl,--no-undefined", "-Wl,--no-as-needed", "-labsent"];
    for copied in [false, true] {
        let library = Compiled::new("told", &words);
        let mut admitted = admit::admit(&library.manifest, &pins(&library.manifest)).unwrap();
        if copied {
            admitted = admitted.into_copy().unwrap();
        }
        let loadable = admitted.file().leak().unwrap();
        let real = library.library.canonicalize().unwrap();
        let named = match &loadable.way {
            Way::Copied(copy) => copy.display().to_string(),
            _ => loadable.memory(),
        };
        let said = error::in_place(&loadable, &format!("{named}: undefined symbol: x"));
        assert_eq!(said, format!("{}: undefined symbol: x", real.display()));
        let error = load(&loadable, MANIFEST, Place::Runner).unwrap_err();
        assert!(!error.to_string().contains("/anchorhold-"), "{error}");
    }
}

#[test]
fn a_system_library_that_is_no_plugin_has_no_entry() {
    let system = admit::admit_file(Path::new("/lib/x86_64-linux-gnu/libm.so.6"), None);
    let Ok(file) = system else {
        return;
    };
    assert_eq!(file.way(), Way::ByPath);
    let error = load(&file.leak().unwrap(), MANIFEST, Place::InProcess).unwrap_err();
    assert_eq!(error.code(), "no-entry");
    assert!(
        error
            .to_string()
            .contains("undefined symbol: anchorhold_plugin_v1"),
        "{error}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_no_plugin_of_this_machine_is_refused_before_it_is_loaded() {
    let library = Compiled::new("foreign", &[]);
    let mut other = fs::read(&library.library).unwrap();
    let pins = pins(&library.manifest);
    // The machine that an ELF file is for.
    other[18] = 0xf3;
    for (bytes, said) in [
        (&[b'#'; 4096][..], "this is no ELF file at all"),
        (b"", "this is an empty file"),
        (&other, "this is an ELF file for"),
    ] {
        fs::write(&library.library, bytes).unwrap();
        let refusal = admit::inspect(&library.manifest).unwrap_err();
        assert_eq!(refusal.code(), "wrong-format", "{refusal}");
        assert!(refusal.to_string().contains(said), "{refusal}");
        let expected = format!("an ELF library for {}", std::env::consts::ARCH);
        assert!(refusal.to_string().contains(&expected), "{refusal}");
        assert!(refusal.remedy().starts_with("build it for"), "{refusal}");
        // A pin that was written down of it does not make it one.
        let pins = Pins {
            library: Sha256::digest(bytes).into(),
            ..pins
        };
        let refusal = admit::admit(&library.manifest, &pins).unwrap_err();
        assert_eq!(refusal.code(), "wrong-format", "{refusal}");
    }
    let hidden = Compiled::new("hidden", &["-Danchorhold_plugin_v1=anchorhold_plugin_v7"]);
    let refusal = admit::inspect(&hidden.manifest).unwrap_err();
    assert_eq!(refusal.code(), "no-entry", "{refusal}");
}

#[test]
fn what_the_loader_refuses_is_told_in_its_words() {
    let missing = Compiled::new("missing", &["-Wl,--no-as-needed", "-labsent"]);
    let error = loaded(&missing).unwrap_err().to_string();
    assert!(error.contains("libabsent.so: cannot open"), "{error}");
}

#[test]
fn a_table_that_breaks_the_contract_is_refused_with_what_was_found() {
    let fault = |name: &str, define: &str| {
        let library = Compiled::new(name, &[define]);
        match loaded(&library).unwrap_err() {
            LoadError::Faulty { source, .. } => source,
            other => panic!("{other}"),
        }
    };
    assert_eq!(
        fault("magic", "-DMAGIC=7u"),
        Fault::MagicUnknown { found: 7 }
    );
    assert_eq!(
        fault("major", "-DMAJOR=2"),
        Fault::MajorUnknown { major: 2 }
    );
    assert_eq!(
        fault("id", "-DID=\"org.example.other\""),
        Fault::IdMismatch {
            table: "org.example.other".to_owned(),
            manifest: "org.example.minimal".to_owned(),
        }
    );
    assert_eq!(
        fault("differs", "-DOWN=\"id='org.example.minimal'\""),
        Fault::ManifestDiffers {
            id: "org.example.minimal".to_owned()
        }
    );
    assert_eq!(fault("null", "-DNULL_TABLE"), Fault::NotAPlugin);
}

#[test]
fn the_manifest_in_the_table_may_be_the_very_bytes_of_the_file() {
    let own = format!("-DOWN={MANIFEST:?}");
    assert!(loaded(&Compiled::new("same", &[&own])).is_ok());
}

#[test]
fn a_library_that_aborts_on_panic_is_for_runners() {
    let library = Compiled::new("abort", &["-DFLAGS=AH_PLUGIN_PANIC_IS_ABORT"]);
    let admitted = admit::admit(&library.manifest, &pins(&library.manifest)).unwrap();
    let loadable = admitted.file().leak().unwrap();
    let error = load(&loadable, MANIFEST, Place::InProcess).unwrap_err();
    assert_eq!(error.code(), "panic-is-abort");
    assert!(load(&loadable, MANIFEST, Place::Runner).is_ok());
    // That it was loaded by then changes nothing.
    assert!(load(&loadable, MANIFEST, Place::InProcess).is_err());
}

#[test]
fn manifest_and_library_are_checked_before_anything_runs() {
    let refused = |change: &dyn Fn(&Compiled)| {
        let library = Compiled::new("checked", &[]);
        let pins = pins(&library.manifest);
        change(&library);
        admit::admit(&library.manifest, &pins).unwrap_err()
    };
    let refusal = refused(&|library| fs::remove_file(&library.library).unwrap());
    assert_eq!(refusal.code(), "library-missing");
    let refusal = refused(&|library| fs::remove_file(&library.manifest).unwrap());
    assert_eq!(refusal.code(), "not-found");
    let refusal = refused(&|library| fs::write(&library.manifest, "id = 1").unwrap());
    assert_eq!(refusal.code(), "pin-mismatch");
    let refusal = refused(&|library| fs::write(&library.library, "other").unwrap());
    assert_eq!(refusal.code(), "pin-mismatch");
    assert!(refusal.to_string().contains("is pinned"), "{refusal}");
    assert!(refusal.remedy().contains("--update"), "{refusal}");
    let inspected = |text: &str| {
        let library = Compiled::new("inspected", &[]);
        fs::write(&library.manifest, text).unwrap();
        admit::inspect(&library.manifest).unwrap_err()
    };
    let refusal = inspected("id = 'org.example.minimal'\nabi = 1\n");
    assert_eq!(refusal.code(), "manifest-invalid");
    assert!(refusal.to_string().contains("no library"), "{refusal}");
    let refusal = inspected("id = '../x'\nabi = 1\nlibrary = 'x.so'");
    assert_eq!(refusal.code(), "manifest-invalid");
    assert!(std::error::Error::source(&refusal).is_some());
    assert_eq!(inspected(&"#".repeat(70_000)).code(), "too-large");
}
