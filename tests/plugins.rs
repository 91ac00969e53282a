//! Libraries that become plugins: registered, pinned, refused when they change, taken out again.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anchorhold_state::{Actor, State};
use serde_json::Value;
use time::OffsetDateTime;

use crate::support::{
    Authority, Foreign, Home, Leaf, Log, MINIMAL, Openssl, Watched, confines, here, stanza,
};

/// How long one held call may take on a machine that is busy with everything else.
const DEADLINE: Duration = Duration::from_secs(60);

/// Bytes that are listed all the same: what a certificate says is no matter of a plugin's.
const ANCHOR: &[u8] = &[0x30, 3, 2, 1, 5];

fn home_with_plugin() -> Option<(Home, Foreign)> {
    let home = Home::new();
    let plugin = Foreign::compile(&home, ANCHOR)?;
    Some((home, plugin))
}

/// The same with the plugin registered, and its store.
fn registered() -> Option<(Home, Foreign)> {
    let (home, plugin) = home_with_plugin()?;
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    Some((home, plugin))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changed");
}

/// The store of a name, as `store list` shows it.
#[track_caller]
fn store(home: &Home, name: &str) -> Value {
    let list = home.json(0, &["store", "list"]);
    let stores = list["stores"].as_array().expect("a list").clone();
    let found = stores.into_iter().find(|store| store["name"] == name);
    found.unwrap_or_else(|| panic!("no store {name} in {list:#}"))
}

/// The plugin as `plugin list` shows it.
#[track_caller]
fn shown(home: &Home) -> Value {
    let list = home.json(0, &["plugin", "list"]);
    let plugins = list["plugins"].as_array().expect("a list").clone();
    let found = plugins.into_iter().find(|plugin| plugin["id"] == MINIMAL);
    found.unwrap_or_else(|| panic!("no plugin in {list:#}"))
}

/// The plugin's store has failed with this code, every other store works, and so says the list.
#[track_caller]
fn refused(home: &Home, code: &str) {
    let minimal = store(home, "minimal");
    assert_eq!(minimal["health"], "failed", "{minimal:#}");
    assert_eq!(minimal["code"], code, "{minimal:#}");
    assert_eq!(store(home, "keydb")["health"], "ready");
    let plugin = shown(home);
    assert_eq!(plugin["state"], code, "{plugin:#}");
    assert!(plugin["remedy"].is_string(), "{plugin:#}");
}

#[track_caller]
fn serves(home: &Home) {
    let minimal = store(home, "minimal");
    assert_eq!(minimal["health"], "ready", "{minimal:#}");
    assert_eq!(minimal["items"], 1, "{minimal:#}");
}

/// The events of the journal, oldest first.
fn journal(home: &Home) -> Vec<String> {
    let journal = home.json(0, &["journal", "show"]);
    let entries = journal["entries"].as_array().expect("a list");
    let events = entries.iter().map(|entry| entry["event"].as_str());
    events
        .map(|event| event.expect("a word").to_owned())
        .collect()
}

#[test]
fn a_plugin_is_added_used_and_removed() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let refused = home.json(2, &["plugin", "add", &plugin.manifest]);
    assert_eq!(refused["error"]["code"], "confirmation-needed");
    assert!(home.snapshot().is_empty(), "nothing was written");
    let added = home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    assert_eq!(added["outcome"], "added");
    assert_eq!(added["store"], "minimal");
    assert_eq!(added["plugin"]["grants"], Value::Array(Vec::new()));
    let file = home.path("h/plugins.d/org.example.minimal.toml");
    assert_eq!(
        (mode(&file), mode(&home.path("h/plugins.d"))),
        (0o644, 0o755)
    );
    let listed = shown(&home);
    assert_eq!(listed["state"], "admitted", "{listed:#}");
    assert_eq!(listed["stores"], Value::from(vec!["minimal"]));
    assert_eq!(listed["sha256"], added["plugin"]["sha256"]);
    let minimal = store(&home, "minimal");
    assert_eq!(minimal["isolation"], "runner", "{minimal:#}");
    assert_eq!(minimal["version"], "0.1.0");
    serves(&home);
    // The same once more is no news.
    let again = home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    assert_eq!(again["outcome"], "unchanged");
    let removed = home.json(0, &["plugin", "remove", MINIMAL]);
    assert_eq!(removed["stores"], Value::from(vec!["minimal"]));
    assert!(!file.exists());
    let list = home.json(0, &["store", "list"]);
    assert_eq!(list["stores"].as_array().map(Vec::len), Some(1));
    assert_eq!(journal(&home), ["plugin-added", "plugin-removed"]);
    let unknown = home.json(2, &["plugin", "remove", MINIMAL]);
    assert_eq!(unknown["error"]["code"], "plugin-unknown");
}

#[test]
fn a_new_store_does_not_inherit_what_an_old_one_of_its_name_did() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    let shown = shown(&home);
    let code: String = ["sha256", "manifest_sha256"]
        .iter()
        .map(|pin| shown[pin].as_str().expect("a digest"))
        .collect();
    let state = State::open(&home.path("h/state")).expect("a state");
    let mut change = state
        .write(&Actor::new("tester", "test"), OffsetDateTime::now_utc())
        .expect("a change");
    (0..3).for_each(|_| drop(change.record_crash("minimal", &code, "ended by signal 11")));
    change.commit().expect("committed");
    assert_eq!(store(&home, "minimal")["health"], "quarantined");
    home.json(0, &["plugin", "remove", MINIMAL]);
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    serves(&home);
}

#[test]
fn what_a_plugin_may_need_is_shown_and_missed_by_nobody() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let described = |more: &str| {
        format!(
            "id = \"{MINIMAL}\"\nabi = 1\nlibrary = \"libminimal.so\"\nneeds = [\"read\"]\n\
             may_need = [\"read:/etc\", \"session-bus\"{more}]\n"
        )
    };
    home.write(&plugin.manifest, described(""));
    let add = ["plugin", "add", &plugin.manifest, "--yes", "--update"];
    let added = home.json(0, &[&add[..], &["--grant", "read:/etc/hostname"]].concat());
    assert_eq!(added["plugin"]["needs"], serde_json::json!(["read"]));
    let may_need = serde_json::json!(["read:/etc", "session-bus"]);
    assert_eq!(added["plugin"]["may_need"], may_need);
    assert_eq!(added["notes"], serde_json::json!([]));
    let shown = home.run(&add).exits(0);
    assert!(shown.stdout.contains("may need"), "{}", shown.stdout);
    let idle = home.json(0, &[&add[..], &["--grant", "read:/srv"]].concat());
    let note = idle["notes"][0].as_str().expect("a note");
    assert!(note.contains("read:/srv has no effect"), "{note}");
    home.write(&plugin.manifest, described(", \"write\""));
    let refused = home.json(2, &add);
    assert_eq!(refused["error"]["code"], "manifest-invalid", "{refused:#}");
}

#[test]
fn the_bus_of_a_session_is_granted_where_its_path_is_known() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    if !here("xdg-dbus-proxy") || !confines() {
        return;
    }
    home.write(
        &plugin.manifest,
        format!(
            "id = \"{MINIMAL}\"\nabi = 1\nlibrary = \"libminimal.so\"\nneeds = [\"read\"]\n\
             may_need = [\"session-bus\"]\n"
        ),
    );
    let add = ["plugin", "add", &plugin.manifest, "--yes", "--update"];
    home.json(0, &[&add[..], &["--grant", "session-bus"]].concat());
    let file = format!("h/plugins.d/{MINIMAL}.toml");
    let text = fs::read_to_string(home.path(&file)).expect("there");
    let at = |address: &str| {
        let env = format!("env = {{ DBUS_SESSION_BUS_ADDRESS = \"{address}\" }}");
        home.write(
            &file,
            text.replace("[[store]]", &format!("[[store]]\n{env}")),
        );
        store(&home, "minimal")
    };
    let reached = at("unix:path=/nowhere/bus");
    assert_eq!(reached["health"], "ready", "{reached:#}");
    assert_eq!(reached["sandbox"], "full", "{reached:#}");
    let note = "there is no session bus at /nowhere/bus";
    assert_eq!(reached["sandbox_note"], note);
    for address in ["unix:abstract=/tmp/dbus-x", "tcp:host=localhost,port=1"] {
        let refused = at(address);
        assert_eq!(refused["health"], "failed", "{refused:#}");
        assert_eq!(refused["code"], "grant-invalid", "{refused:#}");
    }
}

#[test]
fn nothing_lets_a_plugin_change_what_decides_on_plugins() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let described = format!(
        "id = \"{MINIMAL}\"\nabi = 1\nlibrary = \"libminimal.so\"\n\
         needs = [\"read\", \"write:$path\"]\n[settings.path]\ntype = \"path\"\n"
    );
    home.write(&plugin.manifest, &described);
    let add = ["plugin", "add", &plugin.manifest, "--yes"];
    // Beside plugins.d, and beside the file of a store that is not its own: its runner could write
    // both.
    for (name, path) in [
        ("minimal", "path=h/items"),
        ("beside", "path=h/stores/items"),
    ] {
        home.json(0, &[&add[..], &["--store", name, "--set", path]].concat());
        let refused = store(&home, name);
        assert_eq!(refused["health"], "failed", "{refused:#}");
        assert_eq!(refused["code"], "grant-invalid", "{refused:#}");
    }
    let apart = ["--store", "apart", "--set", "path=h/apart/items"];
    home.json(0, &[&add[..], &apart].concat());
    assert_eq!(store(&home, "apart")["health"], "ready");
    let run = ["plugin", "run", &plugin.manifest, "list"];
    let words = [&run[..], &["--set", "path=h/items"]].concat();
    assert_eq!(home.json(2, &words)["error"]["code"], "grant-invalid");
    // Nor does its author grant it anything by a default.
    home.write(&plugin.manifest, format!("{described}default = \"/srv\"\n"));
    let refused = home.json(2, &[&add[..], &["--update"]].concat());
    assert_eq!(refused["error"]["code"], "manifest-invalid", "{refused:#}");
}

#[test]
fn another_library_is_refused_until_it_is_registered() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    let before = shown(&home)["sha256"].clone();
    plugin.replace();
    refused(&home, "pin-mismatch");
    let known = home.json(2, &["plugin", "add", &plugin.manifest, "--yes"]);
    assert_eq!(known["error"]["code"], "plugin-known");
    let remedy = known["error"]["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("--update"), "{remedy}");
    refused(&home, "pin-mismatch");
    let words = ["plugin", "add", &plugin.manifest, "--update", "--yes"];
    let updated = home.json(0, &words);
    assert_eq!(updated["outcome"], "updated");
    assert_ne!(updated["plugin"]["sha256"], before);
    serves(&home);
    assert_eq!(journal(&home), ["plugin-added", "plugin-updated"]);
}

#[test]
fn a_manifest_that_was_changed_is_refused() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    plugin.describe(&home, "# a word more\n");
    refused(&home, "pin-mismatch");
    fs::remove_file(home.path(&plugin.manifest)).expect("removed");
    refused(&home, "not-found");
    plugin.describe(&home, "");
    serves(&home);
    fs::remove_file(&plugin.library).expect("removed");
    refused(&home, "library-missing");
}

#[test]
fn what_others_can_change_is_no_plugin() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    let folder = home.path("my");
    let manifest = home.path(&plugin.manifest);
    for (path, bad, good, code) in [
        (&plugin.library, 0o777, 0o755, "unsafe-mode"),
        (&plugin.library, 0o775, 0o755, "unsafe-mode"),
        (&manifest, 0o646, 0o644, "unsafe-mode"),
        (&folder, 0o777, 0o755, "unsafe-parent"),
        (&folder, 0o770, 0o755, "unsafe-parent"),
    ] {
        chmod(path, bad);
        refused(&home, code);
        let words = ["plugin", "add", &plugin.manifest, "--update", "--yes"];
        let failure = home.json(2, &words);
        assert_eq!(failure["error"]["code"], code, "{failure:#}");
        let remedy = failure["error"]["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains("chmod go-w"), "{remedy}");
        chmod(path, good);
    }
    serves(&home);
    // Only root can give a file away.
    for path in [&plugin.library, &manifest, &folder] {
        if chown(path, Some(4_000_000_001), None).is_ok() {
            let code = if path == &folder {
                "unsafe-parent"
            } else {
                "unsafe-owner"
            };
            refused(&home, code);
            chown(path, Some(0), None).expect("taken back");
        }
    }
    serves(&home);
}

#[test]
fn whoever_can_write_plugins_d_decides_what_runs() {
    let Some((home, _)) = registered() else {
        return;
    };
    let file = home.path("h/plugins.d/org.example.minimal.toml");
    for (path, bad) in [(home.path("h/plugins.d"), 0o777), (file, 0o666)] {
        let good = mode(&path);
        chmod(&path, bad);
        let failure = home.json(2, &["store", "list"]);
        assert_eq!(failure["error"]["code"], "config-unsafe");
        chmod(&path, good);
    }
    serves(&home);
}

#[test]
fn nothing_is_granted_that_is_not_named() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    plugin.describe(&home, "");
    let text = fs::read_to_string(home.path(&plugin.manifest)).expect("there");
    let needs = "needs = [\"read\", \"read:/etc/ssl\", \"network\"]";
    home.write(&plugin.manifest, text.replace("needs = [\"read\"]", needs));
    let added = home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    assert_eq!(added["plugin"]["grants"], Value::Array(Vec::new()));
    let notes = added["notes"].to_string();
    assert!(
        notes.contains("network") && notes.contains("/etc/ssl"),
        "{notes}"
    );
    let mut words = vec!["plugin", "add", &plugin.manifest, "--yes"];
    words.extend(["--grant", "read:/etc/ssl", "--grant", "fork"]);
    let known = home.json(2, &words);
    assert_eq!(known["error"]["code"], "plugin-known");
    words.push("--update");
    let updated = home.json(0, &words);
    let grants = Value::from(vec!["read:/etc/ssl", "fork"]);
    assert_eq!(updated["plugin"]["grants"], grants);
    assert!(updated["notes"].to_string().contains("fork"), "{updated:#}");
    // What was granted stays, where the next release is taken.
    plugin.replace();
    let words = ["plugin", "add", &plugin.manifest, "--update", "--yes"];
    assert_eq!(home.json(0, &words)["plugin"]["grants"], grants);
    for grant in ["everything", "read:etc", "connect:host"] {
        home.json(2, &["plugin", "add", &plugin.manifest, "--grant", grant]);
    }
}

#[test]
fn a_store_is_made_where_its_settings_are_known() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let setting = "[settings.url]\ntype = \"string\"\nrequired = true\n";
    plugin.describe(&home, setting);
    let add = |code: i32, more: &[&str]| {
        let words = [&["plugin", "add", &plugin.manifest, "--yes"], more].concat();
        home.json(code, &words)
    };
    let failure = add(2, &["--store", "mine"]);
    assert_eq!(failure["error"]["code"], "setting-invalid");
    let failure = add(2, &["--set", "url=x", "--set", "colour=red"]);
    assert!(failure["error"]["message"].to_string().contains("colour"));
    let added = add(0, &[]);
    assert_eq!(added["store"], Value::Null);
    assert!(added["notes"].to_string().contains("url"), "{added:#}");
    let failure = add(2, &["--store", "keydb", "--set", "url=x"]);
    assert_eq!(failure["error"]["code"], "store-known");
    let added = add(0, &["--store", "mine", "--set", "url=ldap://x"]);
    assert_eq!(added["store"], "mine");
    assert_eq!(store(&home, "mine")["health"], "ready");
    home.json(0, &["plugin", "remove", MINIMAL]);
    let added = add(0, &["--no-store"]);
    assert_eq!(
        (&added["store"], &added["notes"]),
        (&Value::Null, &Value::Array(Vec::new()))
    );
}

#[test]
fn a_plugin_in_use_stays() {
    let Some((home, _)) = registered() else {
        return;
    };
    let own = "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
               settings = { path = \"stores/k.p12\" }\n";
    let other = format!("{own}[[store]]\nname = \"other\"\nplugin = \"{MINIMAL}\"\n");
    home.configure(&other);
    let failure = home.json(2, &["plugin", "remove", MINIMAL]);
    assert_eq!(failure["error"]["code"], "plugin-in-use");
    assert!(failure["error"]["message"].to_string().contains("other"));
    home.configure(&format!(
        "{own}[server.TSM1]\nstores = [\"minimal\", \"keydb\"]\n"
    ));
    let failure = home.json(2, &["plugin", "remove", MINIMAL]);
    assert!(failure["error"]["message"].to_string().contains("TSM1"));
    home.configure(own);
    home.json(0, &["plugin", "remove", MINIMAL]);
}

#[test]
fn a_library_never_takes_the_place_of_a_built_in() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let text = fs::read_to_string(home.path(&plugin.manifest)).expect("there");
    home.write(&plugin.manifest, text.replace(MINIMAL, "anchorhold.keydb"));
    let failure = home.json(2, &["plugin", "add", &plugin.manifest, "--yes"]);
    assert_eq!(failure["error"]["code"], "plugin-builtin");
    let failure = home.json(2, &["plugin", "remove", "anchorhold.keydb"]);
    assert_eq!(failure["error"]["code"], "plugin-builtin");
    // Nor by hand.
    home.write(&plugin.manifest, &text);
    home.json(
        0,
        &["plugin", "add", &plugin.manifest, "--yes", "--no-store"],
    );
    let file = home.path("h/plugins.d/org.example.minimal.toml");
    let registered = fs::read_to_string(&file).expect("there");
    fs::write(&file, registered.replace(MINIMAL, "anchorhold.keydb")).expect("written");
    let list = home.json(0, &["plugin", "list"]);
    assert!(
        list["faults"].to_string().contains("anchorhold.keydb"),
        "{list:#}"
    );
    assert_eq!(list["plugins"][0]["state"], "built-in");
    assert_eq!(store(&home, "keydb")["health"], "ready");
}

#[test]
fn what_a_plugin_lists_vouches_for_whom_the_operator_says() {
    let mut home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let root = Authority::root(&openssl, "root");
    let Some(plugin) = Foreign::compile(&home, &root.identity().der()) else {
        return;
    };
    home.write("chain.pem", root.sign(&Leaf::GOOD).pem());
    home.write("dsm.sys", stanza("TSM1", 1, &[]));
    home.take_options(&["--options", "dsm.sys"]);
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    let judge = |exit: i32| home.json(exit, &["verify", "chain.pem", "--server", "TSM1"]);
    assert_eq!(judge(1)["trusted"], false);
    let fingerprint = root.identity().sha256();
    // What its store calls an anchor, and lets nobody change, is one.
    home.json(0, &["scope", &fingerprint, "--server", "TSM1"]);
    let verdict = judge(0);
    assert_eq!(verdict["by"]["store"], "minimal", "{verdict:#}");
    assert_eq!(verdict["by"]["plugin"], MINIMAL, "{verdict:#}");
    assert_eq!(verdict["by"]["version"], "0.1.0", "{verdict:#}");
    let people = home
        .run(&["verify", "chain.pem", "--server", "TSM1"])
        .exits(0);
    let by = format!("as anchor from minimal ({MINIMAL} 0.1.0)");
    assert!(people.stdout.contains(&by), "{}", people.shown());
}

#[test]
fn a_library_that_only_root_can_change_is_loaded_by_its_path() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    // Only root can put it where only root can.
    let Ok(place) = tempfile::tempdir_in("/var/lib") else {
        return;
    };
    let folder = plugin.library.parent().expect("in a folder");
    for file in fs::read_dir(folder).expect("readable").flatten() {
        fs::copy(file.path(), place.path().join(file.file_name())).expect("copied");
    }
    let manifest = place.path().join(format!("{MINIMAL}.plugin.toml"));
    let manifest = manifest.to_str().expect("text");
    home.json(0, &["plugin", "add", manifest, "--yes"]);
    serves(&home);
    let listed = home.json(0, &["plugin", "run", manifest, "list"]);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    fs::copy(plugin.replaced(), place.path().join("libminimal.so")).expect("copied");
    refused(&home, "pin-mismatch");
}

#[test]
fn a_library_brings_those_along_that_lie_beside_it() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    plugin.build_with_companion(&home);
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    serves(&home);
    for place in [&[][..], &["--in-process"]] {
        let words = [&["plugin", "run", &plugin.manifest, "list"], place].concat();
        assert_eq!(home.json(0, &words)["items"][0]["label"], "Example Root");
    }
    chmod(&home.path("my/lib/libcompanion.so"), 0o666);
    let minimal = store(&home, "minimal");
    assert_eq!(minimal["code"], "unsafe-mode", "{minimal:#}");
}

#[test]
fn one_call_shows_what_a_plugin_does() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    for place in [&[][..], &["--in-process"]] {
        let run = |code: i32, more: &[&str]| {
            let words = [&["plugin", "run", &plugin.manifest], more, place].concat();
            home.json(code, &words)
        };
        let isolation = if place.is_empty() {
            "runner"
        } else {
            "in-process"
        };
        let listed = run(0, &["list"]);
        assert_eq!(listed["isolation"], isolation);
        assert_eq!(listed["items"][0]["label"], "Example Root", "{listed:#}");
        assert_eq!(listed["items"][0]["rules"][0], "anchor for server");
        let health = run(0, &["health"]);
        assert_eq!(health["health"]["state"], "ready");
        let failure = run(2, &["find"]);
        assert_eq!(failure["error"]["code"], "usage");
        let told = home.run(
            &[
                &["plugin", "run", &plugin.manifest],
                place,
                &["--trace", "list"],
            ]
            .concat(),
        );
        told.exits(0)
            .says("trace: list: ok, 1 item at generation 1");
    }
    assert!(home.snapshot().is_empty(), "nothing was written");
    plugin.build(&["-DAH_MAGIC_WRONG", "-Danchorhold_plugin_v1=other_name"]);
    let failure = home.json(
        2,
        &["plugin", "run", &plugin.manifest, "--in-process", "list"],
    );
    assert_eq!(failure["error"]["code"], "no-entry", "{failure:#}");
}

#[test]
fn what_is_no_plugin_of_this_machine_is_not_registered() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let add = ["plugin", "add", &plugin.manifest, "--yes"];
    let whole = fs::read(&plugin.library).expect("there");
    let mut other = whole.clone();
    // The machine that an ELF file is for.
    other[18..20].copy_from_slice(&[0xf7, 0]);
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"#!/bin/sh\n", "no ELF file at all"),
        (&whole[..20], "an ELF file that is cut off"),
        (&other, "an ELF file for the machine of number 247"),
    ] {
        fs::write(&plugin.library, bytes).expect("written");
        let failure = home.json(2, &add);
        assert_eq!(failure["error"]["code"], "wrong-format", "{failure:#}");
        let message = failure["error"]["message"].as_str().expect("a message");
        assert!(message.contains(found), "{message}");
    }
    plugin.build(&["-Danchorhold_plugin_v1=other_name"]);
    let failure = home.json(2, &add);
    assert_eq!(failure["error"]["code"], "no-entry", "{failure:#}");
    assert!(home.snapshot().is_empty(), "nothing was written");
}

#[test]
fn a_runner_that_is_killed_while_it_is_held_is_a_crash() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    for ended in ["before", "after"] {
        let mut command = home.command(&["plugin", "run", &plugin.manifest, "--hold", "list"]);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut held = Watched::start(&mut command, DEADLINE);
        let log = Log::new();
        log.follow(held.child().stderr.take().expect("piped"));
        let mut input = held.child().stdin.take().expect("piped");
        let process = log.wait_for("the process", |line| {
            let rest = line.strip_prefix("held: process ")?;
            rest.split(';').next().map(str::to_owned)
        });
        let mut enter = || std::io::Write::write_all(&mut input, b"\n").expect("written");
        if ended == "after" {
            enter();
            log.wait_for("the end of the call", |line| {
                line.contains("press Enter to end").then_some(())
            });
        }
        // The signal is sent, and the process is gone, before anything goes on.
        let line = format!("kill -SEGV {process}; tail -s 0.01 --pid={process} -f /dev/null");
        home.shell(&line).exits(0);
        enter();
        if ended == "before" {
            enter();
        }
        drop(input);
        assert_eq!(held.wait().code(), Some(3), "{ended}");
        log.wait_for("the crash", |line| {
            line.starts_with("error: plugin").then_some(())
        });
    }
    assert_eq!(journal(&home), ["plugin-crashed", "plugin-crashed"]);
}

#[test]
fn a_library_that_is_held_is_a_file_where_a_debugger_finds_it() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    for place in [&["--hold"][..], &["--hold", "--in-process"]] {
        let words = [&["plugin", "run", &plugin.manifest], place, &["list"]].concat();
        let mut command = home.command(&words);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut held = Watched::start(&mut command, DEADLINE);
        let log = Log::new();
        log.follow(held.child().stderr.take().expect("piped"));
        let mut input = held.child().stdin.take().expect("piped");
        let process = log.wait_for("the process", |line| {
            let rest = line.strip_prefix("held: process ")?;
            rest.split(';').next().map(str::to_owned)
        });
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("there");
        let mapped = maps.lines().find(|line| line.contains("libminimal.so"));
        let path = mapped.and_then(|line| Some(&line[line.find('/')?..]));
        let path = path.unwrap_or_else(|| panic!("{place:?}: {maps}"));
        // As the process itself sees it; a file of memory, or one that was removed, is not there.
        let seen = format!("/proc/{process}/root{path}");
        assert!(fs::exists(&seen).expect("known"), "{place:?}: {seen}");
        let copy = path.strip_suffix(&plugin.library.display().to_string());
        std::io::Write::write_all(&mut input, b"\n\n").expect("written");
        drop(input);
        assert_eq!(held.wait().code(), Some(0), "{place:?}");
        let copy = copy.filter(|root| !root.is_empty()).expect("a copy");
        assert!(!fs::exists(copy).expect("known"), "{place:?}: {copy}");
    }
}

#[test]
fn a_registered_plugin_is_checked_by_its_id() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    let words = ["plugin", "check", MINIMAL, "--only", "load.manifest"];
    let checked = home.json(0, &words);
    assert_eq!(checked["passed"], 1, "{checked:#}");
    fs::remove_file(home.path(&plugin.manifest)).expect("removed");
    let failure = home.json(2, &words);
    let message = failure["error"]["message"].as_str().expect("a message");
    assert!(message.contains(".plugin.toml"), "{message}");
}
