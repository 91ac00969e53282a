//! The file for support: everything that helps, and no secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{LOCAL, schema};
use crate::support::{Desk, Home, Snapshot, mismatches, stanza};

/// What must not be in it.
const SECRETS: [&str; 7] = [
    "hunter2-in-a-file",
    "hunter2-in-an-option",
    "hunter2-in-a-command",
    "hunter2-above-all-stanzas",
    "hunter2-in-a-variable",
    "hunter2-in-a-setting",
    "hunter2-in-a-mistake",
];

fn bundle(home: &Home, name: &str) -> (String, Value) {
    let outcome = home.run(&["doctor", "--json", "--bundle", name]);
    assert_eq!(super::diagnosis(&outcome)["bundle"], name);
    let text = fs::read_to_string(home.path(name)).expect("it is made");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let wrong = mismatches(&schema("doctor-bundle"), &document);
    assert!(wrong.is_empty(), "{wrong:#?}");
    (text, document)
}

/// A home full of secrets.
fn secretive() -> Option<Desk> {
    let desk = Desk::set()?;
    desk.import(&["cert256.pem"]);
    desk.home.write("h/pin", format!("{}\n", SECRETS[0]));
    let more = [
        &*format!("PASSWORD {}", SECRETS[1]),
        &format!("PRESCHEDULECMD \"job --password {}\"", SECRETS[2]),
        "NODENAME node1",
        "COMPRESSION Yes",
    ];
    let options = format!("PASSWORD {}\n{}", SECRETS[3], stanza("TSM1", 1500, &more));
    desk.home.write("dsm.sys", options);
    desk.home.configure(&format!(
        "{LOCAL}[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
         settings = {{ path = \"stores/anchorhold.p12\" }}\n\
         [[store]]\nname = \"hsm\"\nplugin = \"no.such\"\n\
         settings = {{ uri = \"pkcs11:token=a?pin-value={}\" }}\n\
         secrets = {{ pin = {{ file = \"pin\" }}, so-pin = {{ credential = \"hsm-so\" }} }}\n\
         env = {{ HSM_PIN = \"{}\" }}\nisolation = \"runner\"\ngrant = [\"read:/etc/hsm\"]\n",
        SECRETS[5], SECRETS[4]
    ));
    Some(desk)
}

#[test]
fn it_has_what_helps_and_no_secret() {
    let Some(desk) = secretive() else { return };
    let home = &desk.home;
    home.json(0, &["store", "password", "keydb", "-o", "pw"]);
    let password = fs::read_to_string(home.path("pw")).expect("there");
    assert!(password.len() > 10, "the stash has a password");
    let (text, document) = bundle(home, "b.json");
    for secret in SECRETS.iter().copied().chain([password.trim()]) {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    let hsm = &document["configured_stores"][1];
    assert_eq!(hsm["settings"][0]["key"], "uri");
    assert_eq!(hsm["settings"][0]["value"], Value::Null);
    assert_eq!(hsm["secrets"][0]["key"], "pin");
    let source = hsm["secrets"][0]["value"].as_str().expect("text");
    assert!(source.ends_with("/h/pin"), "{source}");
    assert_eq!(hsm["secrets"][1]["value"], "the credential hsm-so");
    assert_eq!(hsm["env"][0], "HSM_PIN");
    assert_eq!(hsm["grants"][0], "read:/etc/hsm");
    let keydb = &document["configured_stores"][0];
    assert_eq!(keydb["settings"][0]["value"], "stores/anchorhold.p12");
    assert_eq!(document["stores"][0]["health"], "ready");
    assert_eq!(document["stores"][1]["health"], "failed");
    let plugins = document["plugins"].as_array().expect("a list");
    assert!(plugins.iter().any(|one| one["id"] == "anchorhold.keydb"));
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    let server = &document["servers"][0];
    let has = |list: &Value, name: &str| {
        let list = list.as_array().expect("a list");
        list.iter().any(|option| option["name"] == name)
    };
    assert!(has(&server["options"], "NODename"), "{server:#}");
    assert!(has(&server["unused_options"], "COMPRESSIon"), "{server:#}");
    assert!(!has(&server["unused_options"], "PASsword"), "{server:#}");
    assert!(has(&server["policy"], "authentication"), "{server:#}");
    let journal = document["journal"].as_array().expect("a list");
    assert!(journal.iter().any(|entry| entry["event"] == "imported"));
    let sandbox = document["sandbox"].as_array().expect("a list");
    assert!(sandbox.iter().any(|offer| offer["what"] == "landlock"));
    let codes = document["findings"].as_array().expect("a list").iter();
    assert!(
        codes
            .map(|one| &one["code"])
            .any(|code| code == "plugin-missing")
    );
}

#[test]
fn it_has_no_secret_of_files_that_cannot_be_understood() {
    let Some(desk) = secretive() else { return };
    let home = &desk.home;
    home.write(
        "dsm.sys",
        format!("PASWORD {}\nPASSWORD = {}\n", SECRETS[6], SECRETS[6]),
    );
    home.configure(&format!(
        "[[store]]\nname = \"a\"\npin = \"{}\"\n",
        SECRETS[6]
    ));
    let (text, document) = bundle(home, "b.json");
    assert!(!text.contains(SECRETS[6]), "{text}");
    assert_eq!(document["servers"], Value::Array(Vec::new()));
    home.configure(&format!(
        "[[store]]\nname = \"a\"\npin = \"{}\n",
        SECRETS[6]
    ));
    let (text, _) = bundle(home, "c.json");
    assert!(!text.contains(SECRETS[6]), "{text}");
    // A secret in a place where none belongs.
    let misplaced = ["secrets", "settings", "env", "grant"];
    for (number, key) in misplaced.iter().enumerate() {
        home.configure(&format!(
            "[[store]]\nname = \"a\"\nplugin = \"p\"\n{key} = \"{}\"\n",
            SECRETS[6]
        ));
        let (text, _) = bundle(home, &format!("d{number}.json"));
        assert!(text.contains("config-invalid"), "{key}: {text}");
        assert!(!text.contains(SECRETS[6]), "{key}: {text}");
    }
    for value in [
        "\"hunter2-in-a-mistake\"",
        "{ word = \"hunter2-in-a-mistake\" }",
    ] {
        home.configure(&format!(
            "[[store]]\nname = \"a\"\nplugin = \"p\"\nsecrets = {{ pin = {value} }}\n"
        ));
        let (text, _) = bundle(home, &format!("e{}.json", value.len()));
        assert!(text.contains("config-invalid"), "{text}");
        assert!(!text.contains(SECRETS[6]), "{text}");
    }
}

#[test]
fn the_newest_entries_of_the_journal_go_into_it() {
    let home = super::healthy();
    super::change(&home, |change| {
        for number in 1..=250 {
            change.note(anchorhold_state::Event::new("imported", number.to_string()));
        }
    });
    let (_, document) = bundle(&home, "b.json");
    let journal = document["journal"].as_array().expect("a list");
    assert_eq!(journal.len(), 200);
    assert_eq!(journal[199]["detail"], "250");
    assert_eq!(journal[0]["detail"], "51");
}

#[test]
fn it_is_made_for_its_owner_only_and_overwrites_nothing() {
    let home = super::healthy();
    let outcome = home.run(&["doctor", "--bundle", "b.json"]).exits(0);
    assert!(outcome.stdout.contains("b.json"), "{}", outcome.shown());
    let metadata = fs::metadata(home.path("b.json")).expect("there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let before = Snapshot::of(home.directory());
    for taken in ["b.json", ".", "nowhere/b.json", "-"] {
        let document = home.run(&["doctor", "--json", "--bundle", taken]).exits(2);
        assert!(document.document()["error"]["code"].is_string(), "{taken}");
    }
    assert_eq!(Snapshot::of(home.directory()), before);
}
