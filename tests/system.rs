//! The operating system's own roots: what is read, what is told, and that nobody is judged by them
//! unasked.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Corp, Home, Identity, Leaf, Openssl, Outcome, Watched, confines, skip, stanza,
};

/// A store of the roots that the system itself has.
const ROOTS: &str = "[[store]]\nname = \"roots\"\nplugin = \"anchorhold.system\"\n";
/// The same in a sandbox, which has to be whole.
const APART: &str = "isolation = \"runner\"\nrequire_sandbox = true\n";

/// The system's bundle, where this one has it where Debian does.
fn bundle() -> Option<String> {
    let text = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").ok();
    if text.is_none() {
        skip("this system has no bundle where Debian has it");
    }
    text
}

/// Runs the program with this in its environment.
fn in_environment(home: &Home, words: &[&str], variables: &[(&str, &Path)]) -> Outcome {
    let mut command = home.command(words);
    command.envs(variables.iter().copied());
    Watched::output(&mut command, b"", Duration::from_secs(60))
}

/// The only store, as the list has it.
#[track_caller]
fn store(home: &Home) -> Value {
    let list = home.json(0, &["store", "list"]);
    let stores = list["stores"].as_array().expect("a list").clone();
    let found = stores.into_iter().find(|store| store["name"] == "roots");
    found.expect("the store is listed")
}

/// The labels of what the store lists.
fn labels(list: &Value) -> Vec<String> {
    let all = list["certificates"].as_array().expect("a list");
    let labels = all.iter().map(|one| one["label"].as_str().expect("text"));
    labels.map(str::to_owned).collect()
}

#[test]
fn the_systems_roots_are_read_whatever_the_environment_says() {
    let Some(text) = bundle() else { return };
    let home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let stranger = openssl.self_signed("stranger", "/CN=Stranger", &[]);
    fs::create_dir(home.path("certs")).expect("made");
    fs::copy(home.path("stranger.pem"), home.path("certs/stranger.pem")).expect("copied");
    home.configure(ROOTS);
    let pointed = [
        ("SSL_CERT_FILE", &*home.path("stranger.pem")),
        ("SSL_CERT_DIR", &*home.path("certs")),
    ];
    let words = ["list", "--store", "roots", "--json"];
    let list = in_environment(&home, &words, &pointed).exits(0).document();
    assert_eq!(list["failed_stores"], serde_json::json!([]));
    let all = list["certificates"].as_array().expect("a list");
    let blocks = text.matches("-----BEGIN CERTIFICATE-----").count();
    assert!(
        all.len() > 1 && all.len() <= blocks,
        "{} of {blocks}",
        all.len()
    );
    let sha256 = stranger.sha256();
    assert!(all.iter().all(|one| one["sha256"] != *sha256));
    let listed = store(&home);
    assert_eq!(listed["health"], "ready", "{listed:#}");
    assert_eq!(listed["writable"], false);
    assert_eq!(listed["isolation"], "in-process");
    assert_eq!(listed["items"].as_u64(), u64::try_from(all.len()).ok());
}

#[test]
fn a_place_that_the_operator_names_is_read_instead() {
    let home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    fs::create_dir(home.path("certs")).expect("made");
    openssl.self_signed("one", "/O=Example/CN=Root One", &[]);
    openssl.self_signed("certs/two", "/O=Example/CN=Root Two", &[]);
    let named =
        format!("{ROOTS}settings = {{ file = \"../one.pem\", directory = \"../certs\" }}\n");
    for how in ["", APART] {
        if !how.is_empty() && !confines() {
            continue;
        }
        home.configure(&format!("{named}{how}"));
        let list = home.json(0, &["list", "--store", "roots"]);
        let mut labels = labels(&list);
        labels.sort_unstable();
        assert_eq!(labels, ["Root One", "Root Two"]);
    }
}

#[test]
fn in_a_runner_it_reads_what_is_granted() {
    if bundle().is_none() || !confines() {
        return;
    }
    let home = Home::new();
    home.configure(ROOTS);
    let here = home.json(0, &["list", "--store", "roots"]);
    home.configure(&format!(
        "{ROOTS}{APART}grant = [\"read:/etc/ssl/certs\"]\n"
    ));
    let apart = home.json(0, &["list", "--store", "roots"]);
    assert_eq!(apart["certificates"], here["certificates"]);
    let listed = store(&home);
    assert_eq!(listed["sandbox"], "full", "{listed:#}");
    assert_eq!(listed["sandbox_note"], "");
    // Without the grant it says what is missing.
    home.configure(&format!("{ROOTS}{APART}"));
    let failed = store(&home);
    assert_eq!(failed["health"], "failed", "{failed:#}");
    let detail = failed["detail"].as_str().expect("text");
    assert!(
        detail.contains("grant a runner read:/etc/ssl/certs"),
        "{detail}"
    );
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_there() {
    let home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let one = openssl.self_signed("one", "/CN=One", &[]).pem();
    let two = openssl.self_signed("two", "/CN=Two", &[]).pem();
    let damaged = two.replacen("MI", "!!", 1);
    home.write("roots.pem", format!("{one}{damaged}"));
    home.configure(&format!(
        "{ROOTS}settings = {{ file = \"../roots.pem\" }}\n"
    ));
    let list = home.json(0, &["list", "--store", "roots"]);
    assert_eq!(labels(&list), ["One"]);
    let listed = store(&home);
    assert_eq!(listed["health"], "degraded", "{listed:#}");
    let detail = listed["detail"].as_str().expect("text");
    assert!(detail.starts_with("1 root could not be read"), "{detail}");
    let doctor = home.run(&["doctor", "--json"]).document();
    let findings = doctor["findings"].as_array().expect("a list");
    let told = findings.iter().find(|one| one["code"] == "store-degraded");
    assert!(told.is_some(), "{doctor:#}");
    // Where nothing is left, nothing is what it is: no empty store.
    home.write("roots.pem", damaged);
    let failed = store(&home);
    assert_eq!(failed["health"], "failed", "{failed:#}");
    fs::remove_file(home.path("roots.pem")).expect("there");
    let failed = store(&home);
    assert_eq!(failed["health"], "failed", "{failed:#}");
    let detail = failed["detail"].as_str().expect("text");
    assert!(detail.contains("roots.pem"), "{detail}");
}

#[test]
fn no_server_is_judged_by_them_unless_it_names_them() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = corp.intermediate.sign(&Leaf::GOOD);
    let chain = [&leaf, corp.intermediate.identity()].map(Identity::pem);
    corp.home.write("chain.pem", chain.concat());
    corp.home.write("dsm.sys", stanza("TSM1", 1, &[]));
    corp.home.take_options(&["--options", "dsm.sys"]);
    let roots = format!("{ROOTS}scope = \"any\"\nsettings = {{ file = \"../root.pem\" }}\n");
    let verify = ["verify", "chain.pem", "--server", "TSM1"];
    corp.home.configure(&roots);
    let verdict = corp.home.json(1, &verify);
    assert_eq!(verdict["code"], "certificate-needed", "{verdict:#}");
    let named = format!("{roots}[server.TSM1]\nstores = [\"roots\"]\n");
    corp.home.configure(&named);
    let verdict = corp.home.json(0, &verify);
    assert_eq!(verdict["by"]["plugin"], "anchorhold.system", "{verdict:#}");
    // Without a scope it vouches for nobody, named or not.
    corp.home.configure(&named.replace("scope = \"any\"\n", ""));
    let verdict = corp.home.json(1, &verify);
    assert_eq!(verdict["code"], "certificate-needed", "{verdict:#}");
}

#[test]
fn nothing_is_written_into_them() {
    let home = Home::with_options(&stanza("TSM1", 1, &[]));
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    openssl.stock("one");
    openssl.stock("two");
    home.configure(&format!("{ROOTS}settings = {{ file = \"../one.pem\" }}\n"));
    let before = fs::read(home.path("one.pem")).expect("there");
    let words = ["import", "--server", "TSM1", "two.pem", "--store", "roots"];
    let refused = home.run(&[&words[..], &["--json"]].concat());
    assert_ne!(refused.status.code(), Some(0), "{}", refused.shown());
    let message = refused.document()["error"].to_string();
    assert!(message.contains("roots"), "{message}");
    assert_eq!(fs::read(home.path("one.pem")).expect("there"), before);
}
