//! Certificates that cannot vouch, soon cannot, or vouch for nobody.

use std::collections::BTreeSet;

use anchorhold_state::{CertificateKind, Fingerprint, Record, ScopeRow, ServerName, Servers};
use data_encoding::HEXLOWER;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{LOCAL, change, findings, gone, healthy, mends, sound, told};
use crate::support::{Authority, Foreign, Home, Identity, Leaf, Openssl, sha256};

/// A home, and a maker of certificates in its directory.
fn desk() -> Option<(Home, Openssl)> {
    let home = healthy();
    let openssl = Openssl::find(home.directory())?;
    Some((home, openssl))
}

/// A moment so many days from now, as `openssl ca` writes it.
fn in_days(days: i64) -> String {
    let at = OffsetDateTime::now_utc() + Duration::days(days);
    let text = at.format(&Rfc3339).expect("a time");
    let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
    format!("{digits}Z")
}

/// A certificate that is valid between two days from now, imported for TSM1.
#[track_caller]
fn imported(home: &Home, openssl: &Openssl, name: &str, days: (i64, i64)) -> Identity {
    let (from, until) = (in_days(days.0), in_days(days.1));
    let one = Authority::itself(
        openssl,
        &Leaf {
            name,
            validity: (&from, &until),
            ..Leaf::GOOD
        },
    );
    let file = format!("{name}.pem");
    home.json(0, &["import", "--server", "TSM1", &file, "--as", "pin"]);
    one
}

fn short(sha256: &str) -> String {
    format!("certificate {}", &sha256[..16])
}

#[test]
fn dates_are_told_where_they_matter() {
    let Some((home, openssl)) = desk() else {
        return;
    };
    for (name, days, severity, code) in [
        ("over", (-20, -1), "error", "certificate-expired"),
        ("early", (10, 400), "warning", "certificate-not-yet-valid"),
        ("soon", (-10, 29), "warning", "certificate-expiring"),
    ] {
        let one = imported(&home, &openssl, name, days);
        let finding = mends(&home, severity, code, &short(&one.sha256()), "");
        let message = finding["message"].as_str().expect("text");
        assert!(
            message.contains("TSM1") && message.contains("keydb"),
            "{message}"
        );
    }
    imported(&home, &openssl, "good", (-10, 60));
    sound(&home);
    // Where another one vouches, what has expired only lies about.
    imported(&home, &openssl, "old", (-20, -1));
    told(&home, "warning", "certificate-expired", "certificate");
}

#[test]
fn what_vouches_for_nobody_is_a_note_and_many_of_a_store_are_one() {
    let Some((home, openssl)) = desk() else {
        return;
    };
    let one = imported(&home, &openssl, "one", (-10, 60));
    home.json(0, &["scope", &one.sha256(), "--none"]);
    let finding = told(&home, "note", "certificate-unscoped", &short(&one.sha256()));
    let scope = super::commands(&finding).remove(0).replace("NAME", "TSM1");
    home.shell(&scope).exits(0);
    gone(&home, "certificate-unscoped");
    let mut words = vec!["scope".to_owned()];
    for name in ["a", "b", "c", "d", "e", "f"] {
        words.push(imported(&home, &openssl, name, (-10, 60)).sha256());
    }
    words.push("--none".to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    home.json(0, &words);
    let finding = told(&home, "note", "certificate-unscoped", "store \"keydb\"");
    assert!(
        finding["message"]
            .as_str()
            .expect("text")
            .starts_with("6 of ")
    );
}

#[test]
fn what_is_in_scope_and_in_no_store_is_told() {
    let Some((home, openssl)) = desk() else {
        return;
    };
    let one = imported(&home, &openssl, "one", (-10, 60));
    std::fs::remove_file(home.database()).expect("there");
    std::fs::remove_file(home.path("h/stores/anchorhold.sth")).expect("there");
    let about = short(&one.sha256());
    let finding = told(&home, "error", "certificate-missing", &about);
    super::paste(&home, &finding, "");
    gone(&home, "certificate-missing");
    // Nothing follows from stores that are not known.
    home.configure("[[[");
    gone(&home, "certificate-missing");
}

#[test]
fn an_older_pin_is_named_once_a_newer_one_has_vouched() {
    let Some((home, openssl)) = desk() else {
        return;
    };
    let old = imported(&home, &openssl, "old", (-20, 60));
    let new = imported(&home, &openssl, "new", (-10, 90));
    gone(&home, "certificate-superseded");
    let bytes = HEXLOWER.decode(new.sha256().as_bytes()).expect("digits");
    change(&home, |change| {
        change.put_record(&Record {
            certificate: Some(Fingerprint(bytes.try_into().expect("32 bytes"))),
            ..Record::new(ServerName::new("TSM1"), 1)
        });
    });
    mends(
        &home,
        "note",
        "certificate-superseded",
        &short(&old.sha256()),
        "",
    );
    let left = home.json(0, &["list"]);
    let left = left["certificates"].as_array().expect("a list");
    let left: Vec<&Value> = left.iter().map(|one| &one["sha256"]).collect();
    assert_eq!(left, [&Value::from(new.sha256())]);
}

/// A plugin's store that lists these bytes, which vouch for TSM1 as an anchor.
fn listed(home: &Home, der: &[u8]) -> Option<String> {
    let plugin = Foreign::compile(home, der)?;
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    let one = sha256(der);
    let bytes = HEXLOWER.decode(one.as_bytes()).expect("digits");
    let row = ScopeRow {
        kind: CertificateKind::Anchor,
        servers: Servers::Named(BTreeSet::from([ServerName::new("TSM1")])),
    };
    let fingerprint = Fingerprint(bytes.try_into().expect("32 bytes"));
    change(home, |change| change.put_scope(fingerprint, &row));
    Some(one)
}

#[test]
fn a_weak_key_that_vouches_is_told() {
    let Some((home, openssl)) = desk() else {
        return;
    };
    let more = [
        "-newkey",
        "rsa:1024",
        "-addext",
        "basicConstraints=critical,CA:true",
    ];
    let weak = openssl.self_signed("weak", "/CN=weak", &more);
    let Some(one) = listed(&home, &weak.der()) else {
        return;
    };
    let finding = told(&home, "error", "certificate-weak", &short(&one));
    assert!(
        finding["message"].as_str().expect("text").contains("1024"),
        "{finding:#}"
    );
    home.json(0, &["scope", &one, "--none"]);
    gone(&home, "certificate-weak");
}

#[test]
fn what_vouches_and_is_no_certificate_is_told() {
    let home = healthy();
    home.configure(LOCAL);
    let Some(one) = listed(&home, &[0x30, 3, 2, 1, 5]) else {
        return;
    };
    let all = findings(&home);
    assert!(
        all.iter()
            .any(|finding| finding["code"] == "certificate-unreadable"
                && finding["about"] == short(&one)),
        "{all:#?}"
    );
    home.json(0, &["scope", &one, "--none"]);
    gone(&home, "certificate-unreadable");
}
