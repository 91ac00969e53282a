//! What may be typed, and what may not.

use clap::{CommandFactory, Parser};

use super::{Arguments, Command, value};

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn what_the_manual_shows_can_be_typed() {
    for line in [
        "anchorhold rehearse --story N1 --story x6 --store scratch",
        "anchorhold --home h --options dsm.sys import --server TSM1 cert256.arm",
        "anchorhold import --server A --server B a.pem b.pem --store s --as pin --label l --dry-run",
        "anchorhold import --any-server ca.pem --replace 0b28f77b",
        "anchorhold import - --server TSM1 --strict",
        "anchorhold list --server TSM1 --store keydb --expiring 90 --json",
        "anchorhold show 0B:28:F7:7B",
        "anchorhold scope 0b28f77b 0b28f77c --server A --server B",
        "anchorhold scope 0b28f77b --none",
        "anchorhold scope --propose --store keydb --yes",
        "anchorhold remove 0b28f77b --server A --store keydb",
        "anchorhold remove 0b28f77b --all",
        "anchorhold verify chain.pem --server TSM1",
        "anchorhold verify - --anchors a.pem --intermediates i.pem --name h --at 2026-01-31T12:00:00Z",
        "anchorhold connect TSM1 --pipe --report r.json",
        "anchorhold explain TSM1 --level 8.1.2.0",
        "anchorhold server list",
        "anchorhold server show TSM1",
        "anchorhold server raise TSM1",
        "anchorhold server lower TSM1 --reason moved --allow plain --for 24h",
        "anchorhold store list",
        "anchorhold doctor",
        "anchorhold --home h doctor --bundle support.json --json",
        "anchorhold store check",
        "anchorhold store password keydb -o pw",
        "anchorhold store create --name hsm --plugin anchorhold.pkcs11 --set module=/m.so --secret pin=ask",
        "anchorhold store create --name x --grant session-bus --env A=b --isolation runner --scope any",
        "anchorhold store create --name x --scratch --dry-run --secret pin=fd:3",
        "anchorhold store unlock hsm --pin-fd 3",
        "anchorhold journal show",
        "anchorhold journal verify --home h",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn what_makes_no_sense_is_wrong_usage() {
    for line in [
        "anchorhold",
        "anchorhold import cert256.arm",
        "anchorhold store create --adopt x.kdb --secret pin=ask",
        "anchorhold store create --adopt x.kdb --scope any",
        "anchorhold store create --name x --grant everything",
        "anchorhold store create --name x --env LD_PRELOAD=/x",
        "anchorhold store create --name x --isolation none",
        "anchorhold store unlock hsm --pin-fd 0",
        "anchorhold store unlock hsm --pin-fd 3 --pin-file x",
        "anchorhold import --server TSM1",
        "anchorhold import --server TSM1 --any-server ca.pem",
        "anchorhold import --any-server --strict ca.pem",
        "anchorhold import --server TSM1 --as root ca.pem",
        "anchorhold scope 0b28f77b",
        "anchorhold scope --server TSM1",
        "anchorhold scope 0b28f77b --propose",
        "anchorhold scope 0b28f77b --none --yes",
        "anchorhold remove 0b28f77b",
        "anchorhold remove 0b28f77b --all --server TSM1",
        "anchorhold show 0b28f7",
        "anchorhold verify chain.pem",
        "anchorhold verify chain.pem --server TSM1 --anchors a.pem",
        "anchorhold verify chain.pem --server TSM1 --name h",
        "anchorhold explain TSM1 --level eight",
        "anchorhold server lower TSM1 --allow plain",
        "anchorhold server lower TSM1 --reason moved",
        "anchorhold server lower TSM1 --reason moved --allow plain --for 0h",
        "anchorhold store password keydb",
        "anchorhold list --expiring soon",
        "anchorhold list --pin 1234",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    assert!(Arguments::try_parse_from(["anchorhold", "connect", ""]).is_err());
    assert!(Arguments::try_parse_from(["anchorhold", "connect", "a\u{1b}[2J"]).is_err());
    let blank = [
        "anchorhold",
        "server",
        "lower",
        "A",
        "--allow",
        "plain",
        "--reason",
        " ",
    ];
    assert!(Arguments::try_parse_from(blank).is_err());
}

#[test]
fn common_options_stand_before_or_after_the_command() {
    for line in [
        "anchorhold --home h --json list",
        "anchorhold list --json --home h",
    ] {
        let arguments = parse(line).expect(line);
        assert!(
            arguments.globals.json && arguments.globals.home.is_some(),
            "{line}"
        );
        assert!(matches!(arguments.command, Command::List(_)), "{line}");
    }
}

#[test]
fn lifetimes_have_a_unit_and_an_end() {
    for (text, seconds) in [
        ("90s", 90),
        ("90m", 5_400),
        ("24h", 86_400),
        ("7d", 604_800),
    ] {
        assert_eq!(
            value::lifetime(text).map(|time| time.as_secs()),
            Ok(seconds),
            "{text}"
        );
    }
    for text in [
        "",
        "h",
        "24",
        "+4h",
        "-1h",
        "1.5h",
        "0s",
        "400d",
        "99999999999999999999d",
        "1é",
    ] {
        assert!(value::lifetime(text).is_err(), "{text}");
    }
}
