//! What the README says can be typed.

use std::fs;

use crate::support::{Home, Openssl, Served, here, repository};

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).expect("a README")
}

/// The lines that are to be typed: those of its console blocks that begin with a prompt.
fn typed() -> Vec<String> {
    let mut lines = Vec::new();
    let mut console = false;
    for line in readme().lines() {
        match line.strip_prefix("$ ") {
            _ if line.starts_with("```") => console = line == "```console",
            Some(command) if console => lines.push(command.to_owned()),
            _ => {}
        }
    }
    lines
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
fn every_command_that_the_readme_mentions_is_there() {
    let text = readme();
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
