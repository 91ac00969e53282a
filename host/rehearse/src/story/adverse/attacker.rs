//! Somebody on the path, or behind another name: X1, X7 and X12.

use crate::story::action::{Action, Certificate, Change, Paper};
use crate::story::expected::{done, imported, plain, refused, tls};
use crate::story::fast::{accepted, goes_on};
use crate::story::{Act, EARLIER, ENHANCED, Part, Step, Story, step};
use anchorhold_session::policy::ServerTable;
use std::time::Duration;

pub(super) fn x1() -> Story {
    let server = Part::new("TSM1", ENHANCED);
    let manual = server.clone().options(&["SSLACCEPTCERTFROMSERV No"]);
    let declared = manual.clone().policy(ServerTable {
        level: Some("8.1.2.0".to_owned()),
        ..ServerTable::default()
    });
    let mut silent = Act::new("no level, no TLS", vec![manual.clone()], x1_silent());
    silent.patience = IMPATIENT;
    Story {
        id: "X1",
        title: "an attacker answers for a server: announces 7.1.0 and speaks no TLS",
        acts: vec![
            Act::new("strict", vec![server], x1_strict()),
            Act::new("declared enhanced", vec![declared], x1_declared()),
            Act::new("announced enhanced before", vec![manual.clone()], x1_fell()),
            Act::new("announced enhanced, no TLS", vec![manual], x1_no_tls()),
            silent,
        ],
    }
}

fn x1_strict() -> Vec<Step> {
    vec![
        step(
            "connect: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "the attacker answers: not asked in clear, nothing sent but the TLS greeting",
            vec![Action::lures("TSM1"), Action::Connect("TSM1")],
            refused("downgrade", "4").security("strict").wire("TLS"),
        ),
        step(
            "the server answers again",
            vec![Action::honest("TSM1"), Action::Connect("TSM1")],
            goes_on(),
        ),
    ]
}

fn x1_declared() -> Vec<Step> {
    vec![step(
        "the attacker answers at the first contact, and the operator has declared 8.1.2.0",
        vec![Action::lures("TSM1"), Action::Connect("TSM1")],
        refused("downgrade", "5")
            .security("transitional")
            .wire("question"),
    )]
}

fn x1_fell() -> Vec<Step> {
    vec![
        step(
            "the server announces 8.1.2.0, and no certificate is held",
            vec![Action::Connect("TSM1")],
            refused("certificate-needed", "12").security("transitional"),
        ),
        step(
            "the attacker answers, with 7.1.0",
            vec![Action::lures("TSM1"), Action::Connect("TSM1")],
            refused("level-fell", "5")
                .security("transitional")
                .wire("question"),
        ),
        step(
            "the server really went back to 8.1.1.0, and the operator lowers it to plain",
            vec![
                Action::honest("TSM1"),
                Action::Server("TSM1", Change::Upgrade(EARLIER)),
                Action::LowerToPlain("TSM1"),
                Action::Connect("TSM1"),
            ],
            plain("existing-protocol", "9").warns("lowered"),
        ),
    ]
}

fn x1_no_tls() -> Vec<Step> {
    vec![
        step("import ahead", vec![Action::own("TSM1")], imported("pin")),
        step(
            "somebody announces 8.1.2.0 and speaks no TLS",
            vec![
                Action::Server("TSM1", Change::Luring(ENHANCED)),
                Action::Connect("TSM1"),
            ],
            refused("tls-unavailable", "11")
                .security("transitional")
                .wire("question + TLS"),
        ),
    ]
}

fn x1_silent() -> Vec<Step> {
    let unknown = || {
        refused("level-unknown", "11")
            .security("transitional")
            .wire("question + TLS")
    };
    vec![
        step("import ahead", vec![Action::own("TSM1")], imported("pin")),
        step(
            "somebody gives no answer that can be read, and speaks no TLS",
            vec![
                Action::Server("TSM1", Change::Mumbling),
                Action::Connect("TSM1"),
            ],
            unknown(),
        ),
        step(
            "the server itself gives no answer at all, and speaks TLS",
            vec![
                Action::Server("TSM1", Change::Silent),
                Action::Connect("TSM1"),
            ],
            tls("held-certificate", "11").travels("encrypted", "clear"),
        ),
    ]
}

pub(super) fn x7() -> Story {
    let server = Part::new("TSM1", ENHANCED);
    let ssl = server.clone().options(&["SSL Yes"]);
    let strict = vec![
        step(
            "connect: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "bytes come before the handshake: noticed before anything is sent",
            vec![Action::Inject("TSM1", INJECTED), Action::Connect("TSM1")],
            refused("bytes-before-tls", "4")
                .security("strict")
                .wire("nothing"),
        ),
        step(
            "without them the session is as before",
            vec![Action::Inject("TSM1", b""), Action::Connect("TSM1")],
            goes_on(),
        ),
    ];
    let first = vec![
        step("import ahead", vec![Action::own("TSM1")], imported("pin")),
        step(
            "bytes come before the first handshake",
            vec![Action::Inject("TSM1", INJECTED), Action::Connect("TSM1")],
            refused("bytes-before-tls", "11")
                .security("transitional")
                .wire("nothing"),
        ),
    ];
    Story {
        id: "X7",
        title: "bytes are injected before the TLS handshake",
        acts: vec![
            Act::new("strict", vec![server], strict),
            Act::new("transitional, SSL Yes", vec![ssl], first),
        ],
    }
}

pub(super) fn x12() -> Story {
    let mut second = Part::new("TSM2", ENHANCED);
    second.same_as = Some("TSM1");
    let steps = vec![
        step(
            "connect to TSM1: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "connect to TSM2, which has the same address: strict from its first contact",
            vec![Action::Connect("TSM2")],
            refused("certificate-lost", "3")
                .warns("strict-by-endpoint")
                .wire("nothing"),
        ),
        step(
            "nothing was accepted for TSM2",
            vec![Action::Inspect("TSM2")],
            done("inspected").with(crate::story::Field::Held, "0"),
        ),
        step(
            "an attacker answers there: TSM2 is not talked into plain either",
            vec![Action::lures("TSM1"), Action::Connect("TSM2")],
            refused("certificate-lost", "3")
                .warns("strict-by-endpoint")
                .wire("nothing"),
        ),
        step(
            "the certificate of TSM1 is imported for TSM2 as well, as the remedy says",
            vec![
                Action::honest("TSM1"),
                Action::Import(Certificate::Of("TSM1", Paper::Stock), "TSM2"),
            ],
            imported("pin"),
        ),
        step("connect to TSM2", vec![Action::Connect("TSM2")], goes_on()),
        step("connect to TSM1", vec![Action::Connect("TSM1")], goes_on()),
    ];
    Story {
        id: "X12",
        title: "a second stanza for a strict server's address",
        acts: vec![Act::new(
            "",
            vec![Part::new("TSM1", ENHANCED), second],
            steps,
        )],
    }
}

/// What a server of an earlier level would answer to the program: a whole answer in plain text.
const INJECTED: &[u8] = b"Pa\0\0\0\x20an answer that nobody has asked..";

/// How long a client waits for a server of which it is known that it will not answer.
const IMPATIENT: Duration = Duration::from_millis(300);
