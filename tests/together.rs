//! Several of the program at the same time, in one home.

use std::thread;
use std::time::Duration;

use crate::support::{Answer, Home, Openssl, Outcome, Watched, stanza};

/// Starts these at the same time, and waits for all of them.
fn at_once(home: &Home, calls: &[Vec<String>]) -> Vec<Outcome> {
    thread::scope(|scope| {
        let started: Vec<_> = calls
            .iter()
            .map(|call| {
                scope.spawn(move || {
                    let words: Vec<&str> = call.iter().map(String::as_str).collect();
                    let mut command = home.command(&words);
                    Watched::output(&mut command, b"", Duration::from_secs(60))
                })
            })
            .collect();
        let ended = started.into_iter().map(|thread| thread.join());
        ended.map(|outcome| outcome.expect("ended")).collect()
    })
}

fn call(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn imports_at_the_same_time_all_count() {
    let names: Vec<String> = (0..6).map(|number| format!("S{number}")).collect();
    let text: String = names.iter().map(|name| stanza(name, 1, &[])).collect();
    let home = Home::with_options(&text);
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let certificates: Vec<String> = names
        .iter()
        .map(|name| openssl.stock(name).sha256())
        .collect();
    let calls: Vec<_> = names
        .iter()
        .map(|name| call(&format!("import --server {name} {name}.pem --json")))
        .collect();
    for outcome in at_once(&home, &calls) {
        outcome.exits(0);
    }
    let list = home.json(0, &["list"]);
    let held = list["certificates"].as_array().expect("a list");
    assert_eq!(held.len(), names.len(), "{list:#}");
    for (name, digits) in names.iter().zip(&certificates) {
        let one = held
            .iter()
            .find(|one| one["sha256"].as_str() == Some(digits));
        assert_eq!(one.expect("held")["servers"][0].as_str(), Some(&**name));
    }
    assert_eq!(home.json(0, &["journal", "verify"])["whole"], true);
    assert_eq!(home.json(0, &["store", "check"])["passed"], true);
}

#[test]
fn first_contacts_at_the_same_time_accept_once() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let home = Home::with_server(server.port, &[]);
    let calls = vec![call("connect TSM1 --json"); 5];
    let mut accepted = 0;
    for outcome in at_once(&home, &calls) {
        let outcome = outcome.exits(0);
        let report = outcome.document();
        assert_eq!(report["decision"], "tls", "{}", outcome.shown());
        assert_eq!(report["session_security"], "strict", "{}", outcome.shown());
        accepted += usize::from(report["code"] == "accepted-on-first-use");
    }
    assert_eq!(accepted, 1, "the others find it held");
    let list = home.json(0, &["list"]);
    assert_eq!(
        list["certificates"].as_array().map(Vec::len),
        Some(1),
        "{list:#}"
    );
    assert_eq!(home.json(0, &["journal", "verify"])["whole"], true);
}

#[test]
fn changes_of_every_kind_at_the_same_time_leave_a_whole_journal() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let text = stanza("TSM1", server.port, &[]) + &stanza("TSM2", 1, &[]) + &stanza("TSM3", 1, &[]);
    let home = Home::with_options(&text);
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    openssl.stock("cert256");
    let calls = [
        "connect TSM1 --json",
        "import --server TSM2 cert256.pem --json",
        "server raise TSM3 --json",
        "server lower TSM2 --reason tests --allow accept --json",
        "explain TSM1 --json",
        "list --json",
    ];
    for outcome in at_once(&home, &calls.map(call)) {
        outcome.exits(0);
    }
    assert_eq!(home.json(0, &["journal", "verify"])["whole"], true);
    assert_eq!(home.json(0, &["store", "check"])["passed"], true);
    assert_eq!(
        home.json(0, &["list"])["certificates"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    for (name, security) in [
        ("TSM1", "strict"),
        ("TSM2", "transitional"),
        ("TSM3", "strict"),
    ] {
        let record = home.json(0, &["server", "show", name]);
        assert_eq!(record["session_security"], security, "{record:#}");
    }
}
