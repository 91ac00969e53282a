//! The store of the example that can be changed: a directory with a file for each item.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anchorhold_boundary::admit::{admit, inspect};
use anchorhold_boundary::batch::{Batch, Change, Effect, Outcome};
use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::item::{Decision, Item, ItemId, Kind, Purpose, Rule};
use anchorhold_boundary::table::PageRequest;
use anchorhold_boundary::{ApplyError, CallLimits, Plugin, Status, StoreConfig, Table};

use super::built;
use crate::support::{Home, Openssl};

const MANIFEST: &str = "org.example.directory.plugin.toml";

/// The plugin, loaded into this process, and directories for its stores.
struct Scene {
    home: Home,
    plugin: Plugin,
}

impl Scene {
    /// None where the plugin cannot be built here.
    fn new() -> Option<Self> {
        let home = Home::new();
        let manifest = built(&home)?.join(MANIFEST);
        let pins = inspect(&manifest).expect("fit to be loaded").pins;
        let admitted = admit(&manifest, &pins).expect("admitted");
        let plugin = Plugin::from_library(admitted).expect("loaded");
        fs::create_dir(home.path("certs")).expect("made");
        Some(Self { home, plugin })
    }

    fn directory(&self) -> PathBuf {
        self.home.path("certs")
    }

    /// A store in the directory, as another process would open one.
    fn open(&self) -> Table {
        self.open_at(&self.directory())
    }

    fn open_at(&self, directory: &Path) -> Table {
        let mut config = StoreConfig::new("test");
        let directory = directory.to_str().expect("text").to_owned();
        config.settings = vec![("dir".to_owned(), directory)];
        self.plugin.open(config).expect("opened")
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory()).expect("there");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("one").path()).collect();
        files.sort();
        files
    }
}

/// Bytes that are one DER SEQUENCE, and whatever else.
fn der(number: u8) -> Vec<u8> {
    vec![0x30, 3, 2, 1, number]
}

fn anchor(number: u8) -> Item {
    Item::certificate(der(number), format!("anchor {number}"))
}

/// An item with everything that an item can have.
fn loaded(number: u8) -> Item {
    let mut item = anchor(number);
    item.label = "100 %0A \u{fc}ber all".to_owned();
    item.rules.push(Rule {
        purpose: Purpose::Any,
        decision: Decision::Distrust,
        issued_before: -7,
    });
    item.scope = "TSM1\nTSM2".to_owned();
    item.name_constraints = vec![0x30, 0];
    item.created = 1_767_225_600;
    item.modified = i64::MAX;
    item
}

fn batch(changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch {
        changes: changes.into_iter().collect(),
        ..Batch::default()
    }
}

fn put(store: &Table, items: impl IntoIterator<Item = Item>) -> Vec<Outcome> {
    let batch = batch(items.into_iter().map(Change::Put));
    store.apply(&batch, &CallLimits::default()).expect("put")
}

fn effects(outcomes: &[Outcome]) -> Vec<Effect> {
    outcomes.iter().map(|outcome| outcome.effect).collect()
}

fn refused(store: &Table, batch: &Batch) -> ApplyError {
    let applied = store.apply(batch, &CallLimits::default());
    applied.expect_err("refused")
}

fn listed(store: &Table) -> (u64, Vec<Item>) {
    let listing = store.list(&CallLimits::default()).expect("listed");
    assert_eq!((listing.skipped, listing.repaired), (0, 0));
    (listing.generation, listing.items)
}

/// The same items, whatever their ids and their order.
#[track_caller]
fn holds(store: &Table, expected: &[Item]) {
    let (_, mut items) = listed(store);
    for item in &mut items {
        item.id = ItemId::default();
    }
    let mut expected = expected.to_vec();
    let key = |item: &Item| (item.der.clone(), item.label.clone());
    items.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(items, expected);
}

#[test]
fn what_is_put_is_listed_by_every_store_of_the_directory() {
    let Some(scene) = Scene::new() else { return };
    let (one, other) = (scene.open(), scene.open());
    assert!(scene.plugin.can_write());
    assert_eq!(listed(&one).1, []);
    let mut crl = anchor(9);
    crl.kind = Kind::Crl;
    crl.rules.clear();
    let mut key = anchor(8);
    (key.kind, key.der) = (Kind::SpkiSha256, vec![7; 32]);
    let items = [loaded(1), anchor(2), crl, key];
    let outcomes = put(&one, items.clone());
    assert_eq!(effects(&outcomes), [Effect::New; 4]);
    holds(&one, &items);
    holds(&other, &items);
    holds(&scene.open(), &items);
    assert_eq!(listed(&one), listed(&other));
    let ids: Vec<_> = outcomes.into_iter().map(|outcome| outcome.id).collect();
    let again = put(&other, items);
    assert_eq!(effects(&again), [Effect::Unchanged; 4]);
    assert!(
        again
            .iter()
            .zip(&ids)
            .all(|(outcome, id)| outcome.id == *id)
    );
    assert_eq!(scene.files().len(), 4, "{:?}", scene.files());
}

#[test]
fn change_is_an_update_and_leaves_the_id() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    let first = put(&store, [anchor(1)]);
    let (before, _) = listed(&store);
    let changed = put(&store, [loaded(1)]);
    assert_eq!(effects(&changed), [Effect::Updated]);
    assert_eq!(changed[0].id, first[0].id);
    let (after, items) = listed(&store);
    assert_ne!(before, after);
    assert_eq!((items.len(), &items[0].scope), (1, &loaded(1).scope));
    // Back again it is the same state as before.
    put(&store, [anchor(1)]);
    assert_eq!(listed(&store).0, before);
}

#[test]
fn removing_is_done_once_and_answered_as_often_as_asked() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    let id = put(&store, [anchor(1), anchor(2)])[0].id.clone();
    let removed = batch([Change::Remove(id.clone()), Change::Remove(id.clone())]);
    let outcomes = store.apply(&removed, &CallLimits::default()).expect("done");
    assert_eq!(effects(&outcomes), [Effect::Removed, Effect::Unchanged]);
    assert!(outcomes.iter().all(|outcome| outcome.id == id));
    holds(&store, &[anchor(2)]);
    assert_eq!(scene.files().len(), 1);
}

#[test]
fn checking_changes_nothing() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    let id = put(&store, [anchor(1)])[0].id.clone();
    let before = (listed(&store), scene.files());
    let mut check = batch([
        Change::Put(anchor(2)),
        Change::Put(loaded(2)),
        Change::Remove(id),
        Change::Put(anchor(1)),
    ]);
    check.check_only = true;
    let outcomes = store
        .apply(&check, &CallLimits::default())
        .expect("checked");
    let expected = [Effect::New, Effect::Updated, Effect::Removed, Effect::New];
    assert_eq!(effects(&outcomes), expected);
    assert_eq!((listed(&store), scene.files()), before);
}

#[test]
fn first_change_that_fails_ends_the_batch() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    let mut broken = anchor(2);
    broken.der.push(0);
    let mut key = anchor(2);
    key.kind = Kind::PrivateKey;
    let mut renamed = anchor(2);
    renamed.id = put(&store, [anchor(1)])[0].id.clone();
    for (item, status) in [
        (broken, Status::Malformed),
        (key, Status::Unsupported),
        (renamed, Status::InvalidArgument),
    ] {
        let changes = [loaded(1), item, anchor(3)].map(Change::Put);
        let error = refused(&store, &batch(changes));
        assert_eq!(error.error.status, status, "{error:?}");
        assert!(!error.error.message.is_empty());
        assert_eq!(effects(&error.done), [Effect::Updated]);
        holds(&store, &[loaded(1)]);
        put(&store, [anchor(1)]);
    }
}

#[test]
fn batch_is_for_the_generation_that_it_names() {
    let Some(scene) = Scene::new() else { return };
    let (store, other) = (scene.open(), scene.open());
    put(&store, [anchor(1)]);
    let (generation, _) = listed(&store);
    put(&other, [anchor(2)]);
    let mut late = batch([Change::Put(anchor(3))]);
    late.if_generation = generation;
    let error = refused(&store, &late);
    assert_eq!(
        (error.error.status, error.done.len()),
        (Status::Conflict, 0)
    );
    late.if_generation = listed(&store).0;
    store.apply(&late, &CallLimits::default()).expect("in time");
    holds(&other, &[anchor(1), anchor(2), anchor(3)]);
}

#[test]
fn pages_of_a_listing_show_one_state() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    put(&store, (1..=7).map(anchor));
    let whole = listed(&store);
    for limit in [1, 2, 7, 8] {
        let mut limits = CallLimits::default();
        limits.page = limit;
        let listing = store.list(&limits).expect("listed");
        assert_eq!((listing.generation, listing.items), whole);
    }
    let page = |store: &Table, cursor: &[u8]| {
        let request = PageRequest {
            cursor: cursor.to_vec(),
            limit: 3,
        };
        store.page(&request, &CallLimits::default())
    };
    let first = page(&store, &[]).expect("a page");
    // The cursor is as good in another process.
    let second = page(&scene.open(), &first.cursor).expect("a page");
    assert_eq!(second.items, whole.1[3..6]);
    put(&store, [anchor(8)]);
    for store in [&store, &scene.open()] {
        let error = page(store, &first.cursor).expect_err("another state");
        assert_eq!(error.status, Status::StaleCursor, "{error:?}");
        let error = page(store, b"nonsense").expect_err("no cursor");
        assert_eq!(error.status, Status::StaleCursor, "{error:?}");
    }
}

#[test]
fn files_that_are_not_whole_fail_the_listing() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    put(&store, [anchor(1), anchor(2)]);
    let file = scene.files().remove(0);
    let whole = fs::read_to_string(&file).expect("text");
    let other = fs::read_to_string(scene.files().remove(1)).expect("text");
    for damaged in [
        String::new(),
        whole.replace("-----END", "-----"),
        whole.replace("Rule: 1 1 0", "Rule: 1 9 0"),
        whole.replace("Rule:", "Ruin:"),
        whole.replace("MAMC", "MAM"),
        format!("{whole}more\n"),
        other,
    ] {
        assert_ne!(damaged, whole);
        fs::write(&file, &damaged).expect("written");
        let error = store.list(&CallLimits::default()).expect_err("damaged");
        assert_eq!(error.status, Status::Malformed, "{damaged}: {error:?}");
        let health = store.health().expect("an answer");
        assert_eq!(health.state, HealthState::Failed, "{health:?}");
        assert!(health.detail.contains(".pem"), "{health:?}");
        let error = refused(&store, &batch([Change::Put(anchor(3))]));
        assert_eq!(error.error.status, Status::Malformed);
    }
    fs::write(&file, whole).expect("written");
    holds(&store, &[anchor(1), anchor(2)]);
    assert_eq!(store.health().expect("an answer").state, HealthState::Ready);
}

#[test]
fn what_is_not_of_the_store_is_left_alone() {
    let Some(scene) = Scene::new() else { return };
    let store = scene.open();
    put(&store, [anchor(1)]);
    let link = scene.directory().join(format!("{}.pem", "0".repeat(64)));
    for name in ["README", "root.pem", ".new", ".hidden.pem"] {
        fs::write(scene.directory().join(name), "x").expect("written");
    }
    holds(&store, &[anchor(1)]);
    put(&store, [anchor(2)]);
    for name in ["README", "root.pem", ".hidden.pem"] {
        let kept = fs::read_to_string(scene.directory().join(name));
        assert_eq!(kept.expect("kept"), "x");
    }
    // A link that is called as an item is could lead anywhere, and is not followed.
    std::os::unix::fs::symlink(scene.files().remove(0), link).expect("linked");
    store.list(&CallLimits::default()).expect_err("a link");
}

#[test]
fn directory_that_is_not_there_or_is_everybodys_is_told() {
    let Some(scene) = Scene::new() else { return };
    let missing = scene.home.path("later");
    let store = scene.open_at(&missing);
    let health = store.health().expect("an answer");
    assert_eq!(health.state, HealthState::Offline, "{health:?}");
    assert!(health.detail.contains("later"), "{health:?}");
    let error = store.list(&CallLimits::default()).expect_err("missing");
    assert_eq!(error.status, Status::NotPresent, "{error:?}");
    fs::create_dir(&missing).expect("made");
    holds(&store, &[]);
    put(&store, [anchor(1)]);
    fs::set_permissions(&missing, fs::Permissions::from_mode(0o777)).expect("opened");
    let error = store.list(&CallLimits::default()).expect_err("open to all");
    assert_eq!(error.status, Status::Denied, "{error:?}");
    assert!(error.message.contains("chmod o-w"), "{error:?}");
}

#[test]
fn conformance_kit_has_nothing_to_say() {
    let home = Home::new();
    let Some(examples) = built(&home) else { return };
    let library = examples.join("libdirectory.so");
    let library = library.to_str().expect("text");
    let words = [
        "plugin",
        "check",
        library,
        "--set",
        "dir={scratch}",
        "--scratch",
    ];
    let check = home.json(0, &words);
    let cases = check["cases"].as_array().expect("a list");
    let result = |id: &str| {
        let case = cases.iter().find(|case| case["id"] == id);
        case.unwrap_or_else(|| panic!("no case {id}"))["result"].clone()
    };
    for case in ["write.put-and-remove", "write.survives", "write.check-only"] {
        assert_eq!(result(case), "passed", "{check:#}");
    }
    for case in cases {
        let fine = case["result"] == "passed" || case["result"] == "skipped";
        assert!(fine, "{case:#}");
    }
}

#[test]
fn program_imports_into_it_lists_it_and_takes_out_again() {
    let home = Home::with_options("SErvername TSM1\n  TCPServeraddress 127.0.0.1\n");
    let Some(examples) = built(&home) else { return };
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let root = openssl.stock("root");
    fs::create_dir(home.path("certs")).expect("made");
    let manifest = examples.join(MANIFEST);
    let manifest = manifest.to_str().expect("text");
    let set = format!("dir={}", home.path("certs").display());
    home.json(0, &["plugin", "add", manifest, "--set", &set, "--yes"]);
    let import = [
        "import",
        "root.pem",
        "--server",
        "TSM1",
        "--store",
        "directory",
        "--label",
        "L\u{f6}we",
    ];
    home.json(0, &import);
    let list = home.json(0, &["list", "--store", "directory"]);
    let certificates = list["certificates"].as_array().expect("a list");
    assert_eq!(certificates.len(), 1, "{list:#}");
    assert_eq!(certificates[0]["sha256"], root.sha256());
    assert_eq!(certificates[0]["label"], "L\u{f6}we");
    // Other programs read the file as well.
    let files: Vec<_> = fs::read_dir(home.path("certs")).expect("read").collect();
    let [Ok(file)] = &files[..] else {
        panic!("{files:?}")
    };
    let path = file.path();
    let path = path.to_str().expect("text");
    let read = openssl.run(&["x509", "-in", path, "-outform", "PEM"]);
    assert_eq!(read.stdout, root.pem());
    let shown = home.json(0, &["store", "list"]);
    let stores = shown["stores"].as_array().expect("a list");
    let store = stores.iter().find(|store| store["name"] == "directory");
    let store = store.expect("the store");
    assert_eq!(store["isolation"], "runner", "{store:#}");
    assert_eq!(store["health"], "ready", "{store:#}");
    assert_eq!(store["items"], 1, "{store:#}");
    home.json(
        0,
        &["remove", &root.sha256(), "--all", "--store", "directory"],
    );
    assert_eq!(fs::read_dir(home.path("certs")).expect("read").count(), 0);
}
