//! The fast path, F1 to F7: the vendor's defaults, the first certificate is accepted.

use super::action::{Action, Change, Door, Paper};
use super::expected::{Expected, Field, done, imported, plain, refused, tls};
use super::manual::ssl_before_and_after;
use super::{Act, EARLIER, ENHANCED, Part, Step, Story, step};
use anchorhold_session::level::Level;

pub(super) fn stories() -> Vec<Story> {
    vec![f1(), f2(), f3(), f4(), f5(), f6(), f7()]
}

fn f1() -> Story {
    let accepted = vec![
        step(
            "connect for the first time",
            vec![Action::Connect("TSM1"), Action::Inspect("TSM1")],
            accepted()
                .wire("question + TLS + data channel")
                .by(Paper::Stock)
                .with(Field::Stored, "1")
                .with(Field::Held, "1")
                .with(Field::Kind, "pin"),
        ),
        step(
            "connect again: strict",
            vec![Action::Connect("TSM1")],
            goes_on(),
        ),
    ];
    let expired = vec![
        step(
            "connect for the first time",
            vec![Action::Connect("TSM1")],
            refused("acceptance-needs-valid", "17").security("transitional"),
        ),
        step(
            "nothing was kept",
            vec![Action::Inspect("TSM1")],
            nothing_kept(),
        ),
    ];
    let server = Part::new("TSM1", ENHANCED);
    let late = server.clone().presents(Paper::StockExpired);
    Story {
        id: "F1",
        title: "fast path: server first, no SSL",
        acts: vec![
            Act::new("first use", vec![server], accepted),
            Act::new("the server's certificate has expired", vec![late], expired),
        ],
    }
}

fn f2() -> Story {
    let server = Part::new("TSM1", ENHANCED).options(SSL);
    let steps = vec![
        step(
            "the certificate of the SSL sessions so far is held",
            vec![Action::own("TSM1")],
            imported("pin"),
        ),
        step(
            "connect: the held certificate goes on",
            vec![Action::Connect("TSM1")],
            tls("held-certificate", "11")
                .version("1.3")
                .travels("encrypted", "encrypted")
                .by(Paper::Stock)
                .wire("TLS"),
        ),
        step(
            "somebody presents another certificate: acceptance does not apply",
            vec![
                Action::presents("TSM1", Paper::StockNext),
                Action::Connect("TSM1"),
            ],
            refused("certificate-mismatch", "4")
                .security("strict")
                .wire("TLS"),
        ),
        step(
            "nothing was taken in its place",
            vec![Action::Inspect("TSM1")],
            done("inspected")
                .with(Field::Stored, "1")
                .with(Field::Held, "1"),
        ),
    ];
    Story {
        id: "F2",
        title: "fast path: server first, SSL in use",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

fn f3() -> Story {
    let server = Part::new("TSM1", EARLIER);
    let steps = vec![
        step(
            "connect before the upgrade",
            vec![Action::Connect("TSM1")],
            plain("existing-protocol", "9"),
        ),
        step(
            "the server is upgraded: connect",
            vec![Action::upgrade("TSM1"), Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "connect again: strict",
            vec![Action::Connect("TSM1")],
            goes_on(),
        ),
    ];
    Story {
        id: "F3",
        title: "fast path: client first, no SSL",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

fn f4() -> Story {
    let server = Part::new("TSM1", EARLIER).options(SSL).on_ssl_only_port();
    Story {
        id: "F4",
        title: "fast path: client first, SSL in use on an SSL-only port",
        acts: vec![Act::new("", vec![server], ssl_before_and_after(SSL))],
    }
}

fn f5() -> Story {
    let cast = vec![
        Part::new("TSM1", ENHANCED),
        Part::new("TSM2", EARLIER),
        Part::new("TSM3", EARLIER).options(SSL).on_ssl_only_port(),
    ];
    Story {
        id: "F5",
        title: "fast path: client first, several servers upgraded at different times",
        acts: vec![Act::new("", cast, f5_steps())],
    }
}

fn f5_steps() -> Vec<Step> {
    let (tsm1, tsm2, tsm3) = ("TSM1", "TSM2", "TSM3");
    let needed = || refused("certificate-needed", "13").security("transitional");
    let ssl = |row| {
        tls("held-certificate", row)
            .version("1.2")
            .travels("encrypted", "encrypted")
    };
    vec![
        step(
            "TSM1, enhanced: connect",
            vec![Action::Connect(tsm1)],
            accepted(),
        ),
        step(
            "TSM2, earlier with SSL No: connect",
            vec![Action::Connect(tsm2)],
            plain("existing-protocol", "9"),
        ),
        step(
            "TSM3, earlier with SSL Yes: not accepted from an earlier server",
            vec![Action::Connect(tsm3)],
            needed(),
        ),
        step(
            "nothing was kept for TSM3",
            vec![Action::Inspect(tsm3)],
            done("inspected")
                .with(Field::Held, "0")
                .with(Field::Open, "0"),
        ),
        step("import for TSM3", vec![Action::own(tsm3)], imported("pin")),
        step("connect to TSM3", vec![Action::Connect(tsm3)], ssl("11")),
        step(
            "TSM2 is upgraded: connect",
            vec![Action::upgrade(tsm2), Action::Connect(tsm2)],
            accepted(),
        ),
        step(
            "nothing has changed for TSM1",
            vec![Action::Connect(tsm1)],
            goes_on(),
        ),
        step(
            "nothing has changed for TSM3",
            vec![Action::Connect(tsm3)],
            ssl("4"),
        ),
    ]
}

fn f6() -> Story {
    let server = Part::new("TSM1", ENHANCED);
    let steps = vec![
        step(
            "connect with the defaults",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "connect with SSL Yes: object data is encrypted as well",
            vec![
                Action::write("TSM1", Door::Common, SSL),
                Action::Connect("TSM1"),
            ],
            tls("held-certificate", "4")
                .version("1.3")
                .travels("encrypted", "encrypted")
                .wire("TLS"),
        ),
    ];
    Story {
        id: "F6",
        title: "fast path: new client, enhanced server; defaults, then SSL Yes",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

fn f7() -> Story {
    let mut server = Part::new("TSM1", EIGHT_ZERO);
    server.ssl_only = true;
    let upgraded = Action::Server("TSM1", Change::Upgrade(EIGHT_TWO));
    let steps = vec![
        step(
            "connect with the defaults",
            vec![Action::Connect("TSM1")],
            plain("existing-protocol", "9"),
        ),
        step(
            "connect with SSL Yes on the SSL-only port: not accepted",
            vec![
                Action::write("TSM1", Door::SslOnly, SSL),
                Action::Connect("TSM1"),
            ],
            refused("certificate-needed", "13").security("transitional"),
        ),
        step(
            "nothing was kept",
            vec![Action::Inspect("TSM1")],
            nothing_kept(),
        ),
        step(
            "connect with the defaults again",
            vec![
                Action::write("TSM1", Door::Common, &[]),
                Action::Connect("TSM1"),
            ],
            plain("existing-protocol", "9"),
        ),
        step(
            "the server is upgraded to 8.2: connect",
            vec![upgraded, Action::Connect("TSM1")],
            accepted(),
        ),
    ];
    Story {
        id: "F7",
        title: "fast path: new client, earlier server; defaults, then SSL Yes on its SSL port",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

/// Accepted on first use from an enhanced server, with SSL No.
pub(super) fn accepted() -> Expected {
    tls("accepted-on-first-use", "16")
        .version("1.3")
        .travels("encrypted", "clear")
}

/// The strict server of before, with SSL No.
pub(super) fn goes_on() -> Expected {
    tls("held-certificate", "4")
        .version("1.3")
        .travels("encrypted", "clear")
}

/// Nothing is held, stored or left open.
pub(super) fn nothing_kept() -> Expected {
    done("inspected")
        .with(Field::Stored, "0")
        .with(Field::Held, "0")
        .with(Field::Open, "0")
}

/// Newer than 7.1.8 and earlier all the same.
const EIGHT_ZERO: Level = Level::new(8, 0, 0, 0);
const EIGHT_TWO: Level = Level::new(8, 2, 0, 0);

const SSL: &[&str] = &["SSL Yes"];
