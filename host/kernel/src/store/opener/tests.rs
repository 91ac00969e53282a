//! Settings of the type `library`, and where plugins run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anchorhold_boundary::admit::{self, AdmittedSettings};
use anchorhold_boundary::manifest::Value;

use super::*;
use crate::certificate::fingerprint;
use crate::plan::SecretSource;

fn manifest() -> Manifest {
    Manifest::parse(
        "id = 'org.example.x'\nabi = 1\nneeds = ['write:$path']\n[settings]\npath.type = 'path'\n\
         pin.type = 'secret'\nmodule.type = 'library'\n\
         other.type = 'string'\nother_sha256.type = 'string'\n",
    )
    .unwrap()
}

fn plan(settings: &[(&str, &str)]) -> StorePlan {
    let plan = StorePlan::new("hsm", "org.example.x", Path::new("/nowhere"));
    settings.iter().fold(plan, |plan, (key, value)| {
        plan.with_setting(*key, Value::String((*value).to_owned()))
    })
}

fn check(settings: &[(&str, &str)]) -> Result<AdmittedSettings, StoreErrorKind> {
    setting::check(&plan(settings), &manifest())
}

fn code(settings: &[(&str, &str)]) -> String {
    match check(settings).map(|settings| settings.texts) {
        Err(kind) => kind.code().unwrap().to_owned(),
        Ok(texts) => panic!("{texts:?}"),
    }
}

/// A file that a plugin would load, and its digest.
fn module() -> (tempfile::TempDir, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("libmodule.so");
    fs::write(&path, "a module").unwrap();
    let digest = fingerprint(b"a module").to_string();
    (directory, path.display().to_string(), digest)
}

#[test]
fn a_library_among_the_settings_is_admitted() {
    let (_directory, path, digest) = module();
    for pins in [
        &[][..],
        &[("module_sha256", digest.as_str())],
        &[("module_sha256", &digest.to_uppercase())],
    ] {
        let settings = [&[("module", path.as_str()), ("other", "x")], pins].concat();
        let checked = check(&settings).unwrap();
        assert_eq!(checked.files.len(), 1);
        assert_eq!(checked.files[0].0, "module");
        assert_eq!(
            checked.without_files(),
            [("other".to_owned(), "x".to_owned())]
        );
        let keys: Vec<_> = checked.texts.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["module", "other"], "the pin is not passed on");
    }
}

#[test]
fn a_library_that_is_another_is_refused() {
    let (_directory, path, digest) = module();
    fs::write(&path, "another module").unwrap();
    let pinned = [
        ("module", path.as_str()),
        ("module_sha256", digest.as_str()),
    ];
    assert_eq!(code(&pinned), "pin-mismatch");
    assert!(check(&pinned[..1]).is_ok(), "nothing was pinned");
    fs::remove_file(&path).unwrap();
    assert_eq!(code(&pinned), "not-found");
}

#[test]
fn a_pin_that_is_none_is_refused() {
    let (_directory, path, _) = module();
    for pin in ["", "00", "g".repeat(64).as_str(), "0".repeat(66).as_str()] {
        let settings = [("module", path.as_str()), ("module_sha256", pin)];
        assert_eq!(code(&settings), "pin-malformed", "{pin:?}");
    }
    // What pins nothing is a slip, and what the plugin has itself is the plugin's.
    assert_eq!(code(&[("url_sha256", "00")]), "setting-invalid");
    let own = check(&[("other_sha256", "00")]).unwrap();
    assert_eq!(own.texts, [("other_sha256".to_owned(), "00".to_owned())]);
}

#[test]
fn a_plugin_of_this_process_loads_what_was_admitted() {
    let (directory, path, _) = module();
    let texts = check(&[("module", path.as_str())]).unwrap().into_here();
    let [(key, loaded)] = texts.as_slice() else {
        panic!("{texts:?}")
    };
    assert_eq!(key, "module");
    fs::write(&path, "swapped since").unwrap();
    if loaded.starts_with("/proc/self/fd/") {
        assert_eq!(fs::read(loaded).unwrap(), b"a module");
    }
    drop(directory);
}

#[test]
fn plugins_run_where_their_kind_and_the_operator_say() {
    let options = Arc::new(KernelOptions::default());
    let library = LibraryPlan {
        id: "org.example.x".to_owned(),
        manifest: "/nowhere/x.plugin.toml".into(),
        pins: admit::Pins {
            library: [1; 32],
            manifest: [2; 32],
        },
        grants: Vec::new(),
    };
    let registry = Registry::default().with_libraries(vec![library]);
    let place = |isolation| {
        let mut plan = plan(&[]);
        plan.isolation = isolation;
        let answers = Answers::new("hsm", &plan.secrets, None, Arc::clone(&options.incidents));
        let opener = Opener::new(&plan, &registry, &options, Arc::new(answers));
        assert_eq!(opener.code().len(), 128, "both pins");
        opener.place(&plan)
    };
    assert_eq!(place(None), Place::Runner);
    assert_eq!(place(Some(Isolation::Runner)), Place::Runner);
    assert_eq!(place(Some(Isolation::InProcess)), Place::InProcess);
}

#[test]
fn a_source_of_a_secret_that_nothing_asks_for_is_a_slip() {
    let check = |key: &str| {
        let mut plan = plan(&[]);
        plan.secrets.insert(key.to_owned(), SecretSource::Ask);
        setting::check(&plan, &manifest()).map(|settings| settings.texts)
    };
    assert_eq!(check("pin").unwrap(), []);
    for slip in ["pim", "module"] {
        let error = check(slip).unwrap_err();
        assert_eq!(error.code(), Some("setting-invalid"));
        let told = error.to_string();
        assert!(
            told.contains(slip) && told.contains("there are: pin"),
            "{told}"
        );
    }
}

#[test]
fn the_directory_of_what_is_written_is_made_and_no_more() {
    let home = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let base = home.path().join("home");
    let mut plan = plan(&[]);
    plan.base_dir.clone_from(&base);
    let make = |path: &Path| {
        let texts = [("path".to_owned(), path.display().to_string())];
        reach::make_parents(&plan, &manifest(), &texts)
    };
    for path in [
        base.join("stores/a.p12"),
        base.join("stores/b.p12"),
        elsewhere.path().join("stores/a.p12"),
    ] {
        make(&path).unwrap();
        let made = fs::metadata(path.parent().unwrap()).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
        assert!(!path.exists());
    }
    let slip = elsewhere.path().join("strores/deep/a.p12");
    let StoreErrorKind::Refused { code, why, remedy } = make(&slip).unwrap_err() else {
        panic!("made")
    };
    assert_eq!(code, "directory-missing");
    assert!(why.contains("strores/deep"), "{why}");
    assert!(remedy.unwrap().contains("mkdir"));
    assert!(!elsewhere.path().join("strores").exists());
}
