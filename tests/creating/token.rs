//! Stores on tokens: what is known of their modules, and what is easily mistyped.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Home, Outcome, SOFTHSM, here, make_token, module};

/// A home beside a token of SoftHSM that is called corp.
struct Token {
    home: Home,
    module: PathBuf,
}

impl Token {
    fn new() -> Option<Self> {
        if !here("softhsm2-util") {
            return None;
        }
        let module = module(SOFTHSM)?;
        let home = Home::new();
        let token = Self { home, module };
        make_token(&token.home, "corp");
        token.home.write_secret("pin", "1234\n");
        Some(token)
    }

    fn configuration(&self) -> PathBuf {
        self.home.path("softhsm2.conf")
    }

    /// `store create` for this module, with more words.
    fn words(&self, more: &[&str]) -> Vec<String> {
        let module = format!("module={}", self.module.display());
        let configuration = format!("SOFTHSM2_CONF={}", self.configuration().display());
        let words = [
            "store", "create", "--name", "hsm", "--plugin", PLUGIN, "--set",
        ];
        let words = [&words[..], &[&module, "--env", &configuration], more].concat();
        words.into_iter().map(str::to_owned).collect()
    }

    fn create(&self, code: i32, more: &[&str]) -> Value {
        let words = self.words(more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.home.json(code, &words)
    }

    fn is_made(&self) -> bool {
        self.home.path("h/stores.d/hsm.toml").exists()
    }
}

fn texts<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    let all = value.as_array().expect("a list").iter();
    all.map(|one| one[key].as_str().expect("a text")).collect()
}

const PLUGIN: &str = "anchorhold.pkcs11";

#[test]
fn what_a_module_needs_is_known_shown_and_written_with_a_remark_each() {
    let Some(token) = Token::new() else { return };
    let made = token.create(0, &["--set", "token=corp", "--secret", "pin=file:pin"]);
    let store = &made["stores"][0];
    let reach = &store["reach"];
    assert_eq!(reach["profile"]["name"], "softhsm", "{reach:#}");
    assert_eq!(
        (&reach["isolation"], &reach["trust"]),
        (&"runner".into(), &"imported".into())
    );
    let tokens = token.home.path("tokens").display().to_string();
    let configuration = token.configuration().display().to_string();
    let expected = [format!("read:{configuration}"), format!("write:{tokens}")];
    assert_eq!(texts(&reach["grants"], "what"), expected);
    assert_eq!(
        texts(&reach["env"], "what"),
        [format!("SOFTHSM2_CONF={configuration}")]
    );
    assert!(
        store["next"].to_string().contains("--store hsm"),
        "{store:#}"
    );
    let text = fs::read_to_string(token.home.path("h/stores.d/hsm.toml")).expect("written");
    for grant in &expected {
        let line = text.lines().find(|line| line.contains(grant.as_str()));
        let line = line.unwrap_or_else(|| panic!("{grant} is not in\n{text}"));
        assert!(line.contains(" # "), "{line} has a remark");
    }
    assert!(!text.contains("1234"), "{text}");
    // It is used as it stands there.
    let list = token.home.json(0, &["store", "check", "hsm"]);
    assert_eq!(list["passed"], true, "{list:#}");
    let found = token.home.json(0, &["doctor"]);
    let found = found["findings"].to_string();
    assert!(found.contains("trust = \\\"imported\\\""), "{found}");
}

#[test]
fn a_preview_writes_nothing_and_tries_no_pin() {
    let Some(token) = Token::new() else { return };
    token.home.write_secret("wrong", "9999");
    let more = [
        "--set",
        "token=corp",
        "--secret",
        "pin=file:wrong",
        "--dry-run",
    ];
    let preview = token.create(0, &more);
    assert_eq!(preview["dry_run"], true);
    assert!(!token.is_made());
    let list = token.create(0, &["--set", "token=corp", "--dry-run"]);
    let notes = list["stores"][0]["notes"].to_string();
    assert!(!notes.contains("wrong PIN"), "{notes}");
}

#[test]
fn a_wrong_pin_is_told_before_it_stands_in_the_configuration() {
    let Some(token) = Token::new() else { return };
    token.home.write_secret("wrong", "9999");
    let failure = token.create(2, &["--set", "token=corp", "--secret", "pin=file:wrong"]);
    assert_eq!(failure["error"]["code"], "secret-wrong", "{failure:#}");
    assert!(!token.is_made());
    // The right one is taken after that.
    token.create(0, &["--set", "token=corp", "--secret", "pin=file:pin"]);
}

#[test]
fn a_token_that_is_not_there_names_those_that_are() {
    let Some(token) = Token::new() else { return };
    let failure = token.create(2, &["--set", "token=crop"]);
    let error = &failure["error"];
    assert!(error["message"].to_string().contains("corp"), "{error:#}");
    assert!(
        error["remedy"].to_string().contains("--set token="),
        "{error:#}"
    );
    assert!(!token.is_made());
}

#[test]
fn what_the_module_cannot_find_is_told_with_its_failure() {
    let Some(token) = Token::new() else { return };
    let module = format!("module={}", token.module.display());
    let words = [
        "store",
        "create",
        "--name",
        "hsm",
        "--plugin",
        PLUGIN,
        "--set",
        &module,
        "--env",
        "SOFTHSM2_CONF=/nonexistent/softhsm2.conf",
    ];
    let failure = token.home.json(3, &words);
    let causes = failure["error"]["causes"].to_string();
    assert!(causes.contains("/nonexistent/softhsm2.conf"), "{failure:#}");
}

/// What is said of a file that is named as the module.
#[track_caller]
fn refused(module: &str) -> Outcome {
    let home = Home::new();
    let module = format!("module={module}");
    let words = [
        "store", "create", "--name", "x", "--plugin", PLUGIN, "--set", &module,
    ];
    let outcome = home.run(&words).exits(2);
    assert!(!home.path("h").exists(), "nothing was written");
    outcome
}

#[test]
fn a_file_that_is_no_module_is_told_as_what_it_is() {
    let missing = refused("/nonexistent/lib.so").stderr;
    assert!(missing.contains("there is no such file"), "{missing}");
    let text = refused("/etc/passwd").stderr;
    assert!(text.contains("no ELF file"), "{text}");
    assert!(
        text.contains("the library that comes with the token"),
        "{text}"
    );
    let program = refused("/bin/true").stderr;
    assert!(program.contains("an ELF program"), "{program}");
    let home = Home::new();
    // The head of a library for a machine of another kind.
    let mut head = vec![0_u8; 64];
    head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    head[16] = 3;
    head[18] = if cfg!(target_arch = "aarch64") {
        62
    } else {
        183
    };
    let path = home.write("lib.so", head);
    let other = refused(&path.display().to_string()).stderr;
    assert!(other.contains("an ELF file for"), "{other}");
}

#[test]
fn a_proxy_for_all_modules_is_refused_and_what_it_stands_for_is_named() {
    let Some(proxy) = module("p11-kit-proxy.so") else {
        return;
    };
    let said = refused(&proxy.display().to_string()).stderr;
    assert!(said.contains("a store for each"), "{said}");
    assert!(said.contains("remedy: "), "{said}");
}

#[test]
fn what_a_module_cannot_do_without_is_asked_for() {
    let Some(module) = module("libsoftokn3.so") else {
        return;
    };
    let said = refused(&module.display().to_string()).stderr;
    assert!(said.contains("--set configdir="), "{said}");
}

#[test]
fn a_module_that_is_not_known_is_given_nothing_and_says_so() {
    let Some(token) = Token::new() else { return };
    let copy = token.home.path("libunheard-of.so");
    fs::copy(&token.module, &copy).expect("copied");
    let module = format!("module={}", copy.display());
    let configuration = format!("SOFTHSM2_CONF={}", token.configuration().display());
    let words = [
        "store", "create", "--name", "hsm", "--plugin", PLUGIN, "--set", &module, "--env",
    ];
    let words = [&words[..], &[&configuration]].concat();
    let failure = token.home.json(3, &words);
    let causes = failure["error"]["causes"].to_string();
    assert!(
        causes.contains("nothing is known of this module"),
        "{failure:#}"
    );
    let grants = [
        format!("read:{}", token.configuration().display()),
        format!("write:{}", token.home.path("tokens").display()),
    ];
    let granted = [&words[..], &["--grant", &grants[0], "--grant", &grants[1]]].concat();
    let made = token.home.json(0, &granted);
    let reach = &made["stores"][0]["reach"];
    assert_eq!(reach["profile"], Value::Null);
    assert_eq!(texts(&reach["grants"], "why"), ["granted with --grant"; 2]);
}

#[test]
fn a_token_is_opened_with_what_a_descriptor_or_a_file_gives() {
    let Some(token) = Token::new() else { return };
    token.home.write_secret("wrong", "9999");
    token.create(0, &["--set", "token=corp", "--secret", "pin=ask"]);
    let unlock = |how: &str| {
        let line = format!("anchorhold --home h store unlock hsm {how}");
        token.home.shell(&line)
    };
    unlock("--pin-fd 3 3<pin").exits(0);
    unlock("--pin-file pin").exits(0);
    let wrong = unlock("--pin-fd 3 3<wrong").exits(2).stderr;
    assert!(wrong.contains("store unlock hsm"), "{wrong}");
    let closed = unlock("--pin-fd 9").exits(2).stderr;
    assert!(closed.contains("file descriptor 9"), "{closed}");
    let nobody = unlock("").exits(2).stderr;
    assert!(nobody.contains("--pin-file"), "{nobody}");
}

#[test]
fn a_token_that_is_gone_is_offline_and_what_brings_it_back_is_told() {
    let Some(token) = Token::new() else { return };
    token.create(0, &["--set", "token=corp"]);
    let health = || {
        let list = token.home.json(0, &["store", "list"]);
        let stores = list["stores"].as_array().expect("a list").clone();
        let hsm = stores.into_iter().find(|store| store["name"] == "hsm");
        hsm.expect("it is listed")
    };
    assert_eq!(health()["health"], "ready");
    fs::rename(token.home.path("tokens"), token.home.path("away")).expect("moved");
    fs::create_dir(token.home.path("tokens")).expect("made");
    let gone = health();
    assert_eq!(gone["health"], "offline", "{gone:#}");
    let remedy = gone["remedy"].as_str().expect("a remedy");
    assert!(
        remedy.contains("put the token back") && remedy.ends_with("store check hsm"),
        "{remedy}"
    );
    let check = token.home.run(&["store", "check", "hsm"]).exits(3);
    assert_eq!(
        check.stdout.matches("put the token back").count(),
        1,
        "{}",
        check.shown()
    );
    let doctor = token.home.run(&["doctor"]).exits(1);
    assert!(
        doctor.stdout.contains("store-not-present"),
        "{}",
        doctor.shown()
    );
    fs::remove_dir(token.home.path("tokens")).expect("removed");
    fs::rename(token.home.path("away"), token.home.path("tokens")).expect("moved");
    assert_eq!(health()["health"], "ready");
}
