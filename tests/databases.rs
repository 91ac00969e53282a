//! The file stores: who may read them, and what happens where they are damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Desk, Snapshot, stanza};

#[test]
fn what_is_written_is_for_its_owner_only() {
    let Some(desk) = Desk::set() else { return };
    desk.import(&["cert256.pem"]);
    let mode = |name: &str| {
        let metadata = fs::metadata(desk.home.path(name)).expect(name);
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("h/state"), 0o700);
    for file in ["h/stores/anchorhold.p12", "h/stores/anchorhold.sth"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    for file in ["h/state/ledger.db", "h/state/journal.jsonl"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn a_tampered_database_is_refused_and_left_as_it_is() {
    let Some(desk) = Desk::set() else { return };
    desk.import(&["cert256.pem"]);
    desk.openssl.stock("other");
    let sound = fs::read(desk.home.database()).expect("there");
    for at in [40, sound.len() / 2, sound.len() - 10] {
        let mut tampered = sound.clone();
        tampered[at] ^= 0x01;
        stays_untouched(&desk, &tampered);
    }
    stays_untouched(&desk, &sound[..sound.len() / 2]);
    stays_untouched(&desk, b"");
    fs::write(desk.home.database(), &sound).expect("written");
    desk.import(&["other.pem"]);
}

#[test]
fn a_database_without_its_stash_is_refused_and_left_as_it_is() {
    let Some(desk) = Desk::set() else { return };
    desk.import(&["cert256.pem"]);
    desk.openssl.stock("other");
    fs::remove_file(desk.home.path("h/stores/anchorhold.sth")).expect("there");
    let before = Snapshot::of(&desk.home.path("h/stores"));
    desk.home
        .json(3, &["import", "--server", "TSM1", "other.pem"]);
    assert_eq!(Snapshot::of(&desk.home.path("h/stores")), before);
}

#[test]
fn an_import_into_several_stores_goes_into_all_or_none() {
    let Some(desk) = Desk::set() else { return };
    desk.home.configure(TWO_STORES);
    let both = ["cert256.pem", "--store", "a", "--store", "b"];
    let imported = desk.import(&both);
    assert_eq!(imported["imported"].as_array().map(Vec::len), Some(2));
    desk.openssl.stock("other");
    fs::write(desk.home.path("h/stores/b.p12"), b"damaged").expect("written");
    let before = Snapshot::of(&desk.home.path("h/stores"));
    let words = [
        "import",
        "--server",
        "TSM1",
        "other.pem",
        "--store",
        "a",
        "--store",
        "b",
    ];
    desk.home.json(3, &words);
    assert_eq!(
        Snapshot::of(&desk.home.path("h/stores")),
        before,
        "a has nothing that b lacks"
    );
    let document = desk.home.json(
        2,
        &["import", "--server", "TSM1", "other.pem", "--store", "c"],
    );
    let message = document["error"]["message"].as_str().expect("a message");
    assert!(message.contains('c'), "{message}");
}

/// With this as the database every command fails closed, and no byte of it changes.
#[track_caller]
fn stays_untouched(desk: &Desk, content: &[u8]) {
    let home = &desk.home;
    fs::write(home.database(), content).expect("written");
    let before = Snapshot::of(&home.path("h/stores"));
    let document = home.json(3, &["import", "--server", "TSM1", "other.pem"]);
    let message = document["error"].to_string();
    assert!(message.contains("keydb"), "it names the store: {message}");
    // The level is not asked, so that nobody has to be there.
    home.write(
        "dsm.sys",
        stanza("TSM1", 1500, &["SSL Yes", "SSLACCEPTCERTFROMSERV No"]),
    );
    let report = home.json(3, &["connect", "TSM1"]);
    assert_eq!(report["code"], "store-unavailable", "{report:#}");
    let check = home.run(&["store", "check", "--json"]);
    let failed = matches!(check.status.code(), Some(1 | 3));
    assert!(failed, "{}", check.shown());
    assert!(check.stdout.contains("keydb"), "{}", check.shown());
    assert_eq!(Snapshot::of(&home.path("h/stores")), before);
}

const TWO_STORES: &str = r#"
[[store]]
name = "a"
plugin = "anchorhold.keydb"
settings = { path = "stores/a.p12" }

[[store]]
name = "b"
plugin = "anchorhold.keydb"
settings = { path = "stores/b.p12" }
"#;
