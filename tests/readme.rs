//! What the README says can be typed.

use std::fs;

use crate::support::{Home, Openssl, Outcome, Served, here, repository, skip, stanza};

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).expect("a README")
}

/// The lines that are to be typed: those of its console blocks that begin with a prompt.
fn typed() -> Vec<String> {
    typed_in(|heading| !OTHERS.contains(&heading))
}

/// The same of some chapters.
fn typed_in(chapter: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut console, mut heading) = (false, String::new());
    for line in readme().lines() {
        if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        }
        match line.strip_prefix("$ ") {
            _ if line.starts_with("```") => console = line == "```console",
            Some(command) if console && chapter(&heading) => lines.push(command.to_owned()),
            _ => {}
        }
    }
    lines
}

/// Plays a chapter in one shell, as a person types it, with a server that is there.
fn play(chapter: &str, home: &Home, before: &str, within: &str) -> Option<Outcome> {
    let openssl = Openssl::find(home.directory())?;
    let identity = openssl.stock("cert256");
    fs::copy(&identity.certificate, home.path("cert256.arm")).expect("copied");
    let server = Served::start(&identity, &[]);
    home.write("dsm.sys", stanza("TSM1", server.port, &[]));
    let lines = typed_in(|heading| heading == chapter);
    assert!(!lines.is_empty(), "there is a chapter {chapter}");
    let script = format!("set -e\n{before}\n{}\n", lines.join("\n"));
    home.write("typed", script);
    Some(home.shell(&format!("{within} sh ./typed")))
}

#[test]
fn the_first_five_minutes_with_a_keychain_go_as_the_readme_says() {
    let home = Home::new();
    let needed = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
    if !needed.iter().all(|program| here(program)) {
        return;
    }
    // A session of its own, whose keyring is open as after a login.
    let login = "export HOME=\"$PWD\" XDG_DATA_HOME=\"$PWD/data\" XDG_RUNTIME_DIR=\"$PWD/run\"\n\
                 mkdir -m 700 data run\n\
                 printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
    let Some(outcome) = play(OTHERS[1], &home, login, "dbus-run-session --") else {
        return;
    };
    outcome.exits(0).says("attribute.application = anchorhold");
}

#[test]
fn the_first_five_minutes_with_an_hsm_go_as_the_readme_says() {
    let home = Home::new();
    let module = "/usr/lib/softhsm/libsofthsm2.so";
    if !here("softhsm2-util") || !here("pkcs11-tool") {
        return;
    }
    if !fs::exists(module).expect("known") {
        skip("SoftHSM's module is elsewhere here");
        return;
    }
    let Some(outcome) = play(OTHERS[0], &home, "", "") else {
        return;
    };
    let outcome = outcome.exits(0);
    assert!(
        outcome.stdout.contains("Certificate Object"),
        "{}",
        outcome.shown()
    );
    assert!(
        outcome.stdout.contains("sandbox full"),
        "{}",
        outcome.shown()
    );
}

#[test]
fn the_roots_of_the_system_are_made_a_store_as_the_readme_says() {
    let home = Home::new();
    let Some(outcome) = play(OTHERS[2], &home, "", "") else {
        return;
    };
    outcome.exits(0);
}

#[test]
fn the_manual_names_every_setting_and_every_known_module() {
    let root = repository();
    let manual = fs::read_to_string(root.join(MANUAL)).expect("a manual");
    let mut missing = Vec::new();
    for plugin in ["pkcs11", "keychain", "system"] {
        let path = root.join(format!("plugins/{plugin}/{plugin}.plugin.toml"));
        let text = fs::read_to_string(path).expect("a manifest");
        let settings = text
            .lines()
            .filter_map(|line| line.strip_prefix("[settings."));
        let settings = settings.filter_map(|line| line.strip_suffix(']'));
        missing.extend(
            settings
                .filter(|key| !manual.contains(&format!("| `{key}` |")))
                .map(|key| format!("the setting {key} of {plugin}")),
        );
    }
    for entry in fs::read_dir(root.join("plugins/pkcs11/profiles")).expect("profiles") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("a profile");
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let tried = match (
            text.contains("\nrefused = "),
            text.contains("tested = true"),
        ) {
            (true, _) => continue,
            (_, true) => "the module itself",
            (_, false) => "its manual only",
        };
        let line = manual
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")));
        if !line.is_some_and(|line| line.contains(tried)) {
            missing.push(format!("the module {name}, tried with {tried}"));
        }
    }
    assert!(missing.is_empty(), "not in the manual: {missing:#?}");
}

#[test]
fn the_two_commands_of_the_readme_come_first() {
    let typed = typed();
    assert_eq!(
        typed[..2],
        ["cargo run --release -- rehearse", "tests/run --install"]
    );
    let runner = repository().join("tests/run");
    assert!(runner.is_file(), "the second one is there");
    let checks = fs::read_to_string(repository().join(".ci/run")).expect("there");
    assert!(
        checks.lines().any(|line| line == "tests/run --install"),
        "and is what is checked"
    );
}

#[test]
fn the_first_five_minutes_go_as_the_readme_says() {
    let home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    if !here("keytool") || !here("make") || !here("cc") {
        return;
    }
    let identity = openssl.stock("cert256");
    fs::copy(&identity.certificate, home.path("cert256.arm")).expect("copied");
    let server = Served::start(&identity, &[]);
    let port = server.port.to_string();
    let mut played = Vec::new();
    for line in typed() {
        let ours = ["anchorhold ", "dsmcert ", "printf ", "keytool ", "make "];
        let elsewhere = ["/opt/", "/usr/lib/", "FINGERPRINT"];
        if !ours.iter().any(|word| line.starts_with(word))
            || elsewhere.iter().any(|word| line.contains(word))
        {
            continue;
        }
        let line = line.replace("15001", &port);
        let connects = line.ends_with("connect TSM1");
        let first = connects && !played.contains(&line);
        home.shell(&line).exits(i32::from(first));
        played.push(line);
    }
    for word in [
        "explain", "connect", "import", "password", "keytool", "adopt", "copy", "new", "check",
        "add",
    ] {
        assert!(
            played.iter().any(|line| line.contains(word)),
            "{word} is played: {played:#?}"
        );
    }
}

#[test]
fn the_operators_own_option_files_are_rehearsed_as_the_readme_says() {
    let lines = typed();
    let operators = |line: &&String| line.contains("/opt/") && line.contains(" rehearse ");
    let rehearse = lines.iter().filter(operators);
    let mut count = 0;
    for line in rehearse {
        count += 1;
        let home = Home::with_options("SErvername TSM1\n  TCPServeraddress 127.0.0.1\n");
        let path = line
            .split_whitespace()
            .find(|word| word.starts_with("/opt/"));
        let local = line.replace(path.expect("a path"), "dsm.sys");
        let outcome = home
            .shell(&local.replace("anchorhold ", "anchorhold --home h "))
            .exits(0);
        assert!(outcome.stdout.contains("TSM1"), "{}", outcome.shown());
    }
    assert!(count > 0, "the README begins with the operator's own files");
}

#[test]
fn every_command_that_readme_and_manual_mention_is_there() {
    let manual = fs::read_to_string(repository().join(MANUAL)).expect("a manual");
    let text = readme() + &manual;
    let home = Home::new();
    let spans = text.split('`').skip(1).step_by(2);
    let ours = spans.filter_map(|span| span.strip_prefix("anchorhold "));
    let mut count = 0;
    for call in ours {
        count += 1;
        let words: Vec<&str> = call.split_whitespace().collect();
        let is_command = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase());
        let commands: Vec<&str> = words.iter().take_while(is_command).copied().collect();
        let help = home
            .run(&[&commands[..], &["--help"]].concat())
            .exits(0)
            .stdout;
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(
                help.contains(option),
                "{option} of `anchorhold {call}` is not in\n{help}"
            );
        }
    }
    assert!(count > 3, "the README mentions commands");
}

/// The chapters that are played by themselves, each in a shell of its own.
const OTHERS: [&str; 3] = [
    "The first five minutes with an HSM",
    "The first five minutes with a keychain",
    "The roots of the operating system",
];

/// The manual of the stores that are no file of ours.
const MANUAL: &str = "packaging/manual/stores.md";
