//! What is wrong with the files that an operator writes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{LOCAL, findings, found, gone, healthy, mends, sound, told};
use crate::support::{Foreign, Home, stanza};

fn mode(home: &Home, name: &str, mode: u32) {
    fs::set_permissions(home.path(name), Permissions::from_mode(mode)).expect("set");
}

#[test]
fn every_mistake_of_anchorhold_toml_is_told_and_the_rest_is_looked_at() {
    let home = healthy();
    home.configure(
        "[server.TSM1]\nauthentication = \"local\"\n[server.TSM2]\nstores = [\"hsm\"]\n\
         [server.TSM3]\nplain = \"perhaps\"\n[[store]]\nname = \"a\"\nplugin = \"no.such\"\n",
    );
    let all = findings(&home);
    let invalid: Vec<_> = all
        .iter()
        .filter(|finding| finding["code"] == "config-invalid")
        .collect();
    let [hsm, perhaps] = &invalid[..] else {
        panic!("both are told: {all:#?}")
    };
    let at = |line: u32| format!("{}:{line}", home.path("h/anchorhold.toml").display());
    assert_eq!(hsm["about"], at(3), "{hsm:#}");
    assert!(
        hsm["message"].as_str().expect("text").contains("\"hsm\""),
        "{hsm:#}"
    );
    assert_eq!(perhaps["about"], at(5), "{perhaps:#}");
    assert_eq!(perhaps["severity"], "error");
    // The store could be looked at all the same.
    told(&home, "error", "plugin-missing", "store \"a\"");
    home.configure(LOCAL);
    sound(&home);
}

#[test]
fn a_configuration_that_is_no_text_is_told() {
    let home = healthy();
    fs::remove_file(home.path("h/anchorhold.toml")).expect("there");
    fs::create_dir(home.path("h/anchorhold.toml")).expect("made");
    told(&home, "error", "input-unreadable", "anchorhold.toml");
    fs::remove_dir(home.path("h/anchorhold.toml")).expect("there");
    gone(&home, "input-unreadable");
}

#[test]
fn files_that_others_may_change_are_told() {
    let home = healthy();
    mode(&home, "h/anchorhold.toml", 0o666);
    mends(&home, "error", "unsafe-mode", "anchorhold.toml", "");
    mode(&home, "h", 0o777);
    mends(&home, "error", "unsafe-mode", "/h", "");
    sound(&home);
}

#[test]
fn a_directory_of_plugins_that_others_may_change_is_told() {
    let home = healthy();
    fs::create_dir(home.path("h/plugins.d")).expect("made");
    mode(&home, "h/plugins.d", 0o777);
    let finding = told(&home, "error", "config-unsafe", "plugins.d");
    super::paste(&home, &finding, "");
    sound(&home);
    home.write("h/plugins.d/a.toml", "");
    mode(&home, "h/plugins.d/a.toml", 0o666);
    mends(&home, "error", "config-unsafe", "a.toml", "");
    home.write("h/plugins.d/a.toml", "nonsense = 1\n");
    told(&home, "error", "config-invalid", "a.toml:1");
}

#[test]
fn option_files_that_cannot_be_read_are_told() {
    let mut home = healthy();
    home.take_options(&["--options", "dsm.sys", "--options", "other.sys"]);
    told(&home, "error", "options-unreadable", "other.sys");
    home.write("other.sys", stanza("TSM2", 1500, &[]));
    gone(&home, "options-unreadable");
    home.write(
        "dsm.sys",
        stanza("TSM1", 1500, &["PASWORDACCESS generate", "SSL perhaps"]),
    );
    let unknown = told(&home, "error", "option-unknown", "dsm.sys:4");
    assert!(
        unknown["message"]
            .as_str()
            .expect("text")
            .contains("PASWORDACCESS")
    );
    told(&home, "error", "options-invalid", "dsm.sys:5");
    home.write("dsm.sys", stanza("TSM1", 1500, &[]));
    sound(&home);
}

#[test]
fn a_server_that_is_told_of_twice_is_told() {
    let home = healthy();
    home.write(
        "dsm.sys",
        stanza("TSM1", 1500, &[]) + &stanza("tsm1", 1501, &[]),
    );
    told(&home, "error", "server-twice", "dsm.sys:4");
    home.write("dsm.sys", stanza("TSM1", 1500, &[]));
    home.configure("[server.TSM1]\nauthentication = \"local\"\naddress = \"h:1\"\n");
    told(&home, "error", "server-twice", "server TSM1");
    home.configure(LOCAL);
    sound(&home);
}

#[test]
fn no_server_at_all_is_worth_a_note() {
    let home = Home::new();
    told(&home, "note", "options-missing", "option files");
    home.configure("[server.A]\naddress = \"h:1\"\n");
    gone(&home, "options-missing");
}

#[test]
fn what_is_odd_of_servers_is_told() {
    let home = healthy();
    home.write("dsm.sys", stanza("TSM1", 40_000, &[]));
    told(&home, "note", "option-odd", "dsm.sys:3");
    home.write("dsm.sys", stanza("TSM1", 1500, &[]));
    home.configure("[server.TSM1]\nplain = \"never\"\n[server.TSM9]\nplain = \"never\"\n");
    told(&home, "warning", "policy-unused", "anchorhold.toml:3");
    let assumed = told(&home, "note", "authentication-assumed", "server TSM1");
    assert!(assumed["message"].as_str().expect("text").contains("LDAP"));
    home.configure(LOCAL);
    sound(&home);
    gone(&home, "authentication-assumed");
}

#[test]
fn a_store_that_cannot_take_what_is_accepted_is_told() {
    let home = healthy();
    let two = "[[store]]\nname = \"a\"\nplugin = \"anchorhold.keydb\"\n\
               settings = { path = \"a.p12\" }\n[[store]]\nname = \"b\"\n\
               plugin = \"anchorhold.keydb\"\nsettings = { path = \"b.p12\" }\n\
               [server.TSM1]\nauthentication = \"local\"\nstores = [\"a\"]\n";
    home.configure(&format!("{two}accept_into = \"b\"\n"));
    let finding = told(&home, "warning", "accept-into-unusable", "server TSM1");
    assert!(
        finding["message"]
            .as_str()
            .expect("text")
            .contains("none of the stores")
    );
    home.configure(&format!("{two}accept_into = \"a\"\n"));
    sound(&home);

    let Some(plugin) = Foreign::compile(&home, &[0x30, 3, 2, 1, 5]) else {
        return;
    };
    home.configure(LOCAL);
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    home.configure(&format!("{LOCAL}accept_into = \"minimal\"\n"));
    let finding = found(&home, "accept-into-unusable");
    assert!(
        finding["message"]
            .as_str()
            .expect("text")
            .contains("written"),
        "{finding:#}"
    );
}
