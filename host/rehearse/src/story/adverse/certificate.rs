//! Certificates that change, expire, or were never to be accepted: X2, X3, X4 and X9.

use crate::story::action::{Action, Certificate, Paper};
use crate::story::expected::{Expected, Field, done, imported, refused, tls};
use crate::story::fast::{accepted, goes_on, nothing_kept};
use crate::story::{Act, ENHANCED, Part, Step, Story, step};
use anchorhold_session::policy::ServerTable;

pub(super) fn x2() -> Story {
    let server = Part::new("TSM1", ENHANCED);
    Story {
        id: "X2",
        title: "the server's certificate changes after acceptance",
        acts: vec![
            Act::new("changed", vec![server.clone()], x2_changed()),
            Act::new("removed", vec![server], x2_removed()),
        ],
    }
}

fn x2_changed() -> Vec<Step> {
    let untouched = || {
        done("inspected")
            .with(Field::Stored, "1")
            .with(Field::Held, "1")
    };
    vec![
        step(
            "connect: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "the server presents another self-signed certificate",
            vec![
                Action::presents("TSM1", Paper::StockNext),
                Action::Connect("TSM1"),
            ],
            refused("certificate-mismatch", "4")
                .security("strict")
                .wire("TLS"),
        ),
        step(
            "nothing stored was touched",
            vec![Action::Inspect("TSM1")],
            untouched(),
        ),
        step(
            "the server presents a CA-signed certificate",
            vec![
                Action::presents("TSM1", Paper::Signed),
                Action::Connect("TSM1"),
            ],
            refused("certificate-mismatch", "4").security("strict"),
        ),
        step(
            "nothing stored was touched",
            vec![Action::Inspect("TSM1")],
            untouched(),
        ),
        step(
            "the server presents the accepted one again",
            vec![
                Action::presents("TSM1", Paper::Stock),
                Action::Connect("TSM1"),
            ],
            goes_on().by(Paper::Stock),
        ),
    ]
}

fn x2_removed() -> Vec<Step> {
    vec![
        step(
            "connect: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "the operator removes the certificate: connect",
            vec![
                Action::Remove(Certificate::Of("TSM1", Paper::Stock), "TSM1"),
                Action::Connect("TSM1"),
            ],
            refused("certificate-lost", "3")
                .security("strict")
                .wire("nothing"),
        ),
        step(
            "nothing was accepted in its place",
            vec![Action::Inspect("TSM1")],
            nothing_kept(),
        ),
        step(
            "the certificate is imported again",
            vec![Action::own("TSM1")],
            imported("pin"),
        ),
        step("connect", vec![Action::Connect("TSM1")], goes_on()),
    ]
}

pub(super) fn x3() -> Story {
    let declared = Part::new("TSM1", ENHANCED).policy(ServerTable {
        authentication: Some("ldap".to_owned()),
        ..ServerTable::default()
    });
    let mut told = Part::new("TSM1", ENHANCED);
    told.ldap = true;
    let steps = || {
        vec![
            step(
                "connect with nothing held",
                vec![Action::Connect("TSM1")],
                refused("acceptance-barred-by-ldap", "14").security("transitional"),
            ),
            step(
                "nothing was kept",
                vec![Action::Inspect("TSM1")],
                nothing_kept(),
            ),
            lured_back(),
            step(
                "import",
                vec![Action::honest("TSM1"), Action::own("TSM1")],
                imported("pin"),
            ),
            step(
                "connect after import",
                vec![Action::Connect("TSM1")],
                tls("held-certificate", "11").travels("encrypted", "clear"),
            ),
        ]
    };
    Story {
        id: "X3",
        title: "the server authenticates with LDAP, nothing is held",
        acts: vec![
            Act::new("declared", vec![declared], steps()),
            Act::new("told inside TLS", vec![told], steps()),
        ],
    }
}

pub(super) fn x4() -> Story {
    let server = Part::new("TSM1", ENHANCED).presents(Paper::Signed);
    let presented = |did, paper, code| {
        step(
            did,
            vec![Action::presents("TSM1", paper), Action::Connect("TSM1")],
            refused(code, "4").security("strict"),
        )
    };
    let ssl = Action::write("TSM1", crate::story::Door::Common, &["SSL Yes"]);
    let steps = vec![
        step(
            "connect with nothing held",
            vec![Action::Connect("TSM1")],
            refused("acceptance-needs-self-signed", "15").security("transitional"),
        ),
        step(
            "nothing was kept",
            vec![Action::Inspect("TSM1")],
            nothing_kept(),
        ),
        lured_back(),
        step(
            "import the CA",
            vec![
                Action::honest("TSM1"),
                Action::Import(Certificate::Root, "TSM1"),
            ],
            imported("anchor"),
        ),
        step(
            "connect, SSL No",
            vec![Action::Connect("TSM1")],
            tls("held-certificate", "11").travels("encrypted", "clear"),
        ),
        step(
            "connect, SSL Yes",
            vec![ssl, Action::Connect("TSM1")],
            tls("held-certificate", "4").travels("encrypted", "encrypted"),
        ),
        presented(
            "the certificate names another host",
            Paper::SignedForOther,
            "name-mismatch",
        ),
        presented(
            "the certificate has expired",
            Paper::SignedExpired,
            "certificate-expired",
        ),
        presented(
            "the certificate is for clients only",
            Paper::SignedForClients,
            "certificate-weak",
        ),
        presented(
            "another CA has signed the certificate",
            Paper::SignedElsewhere,
            "certificate-mismatch",
        ),
        step(
            "the server presents the good one again",
            vec![
                Action::presents("TSM1", Paper::Signed),
                Action::Connect("TSM1"),
            ],
            tls("held-certificate", "4").travels("encrypted", "encrypted"),
        ),
    ];
    Story {
        id: "X4",
        title: "the server's certificate is CA-signed, nothing is held",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

/// What the server claimed before it was refused is not forgotten, wherever it claimed it.
fn lured_back() -> Step {
    step(
        "somebody answers in its place, with 7.1.0: not talked into plain",
        vec![Action::lures("TSM1"), Action::Connect("TSM1")],
        refused("level-fell", "5")
            .security("transitional")
            .wire("question"),
    )
}

pub(super) fn x9() -> Story {
    let server = Part::new("TSM1", ENHANCED).options(&["SSLACCEPTCERTFROMSERV No"]);
    let late = server.clone().presents(Paper::StockExpired);
    let expired = Certificate::Of("TSM1", Paper::StockExpired);
    let unplanned = vec![
        step(
            "the held certificate has expired",
            vec![Action::Import(expired, "TSM1"), Action::Connect("TSM1")],
            refused("certificate-expired", "11").security("transitional"),
        ),
        step(
            "it still counts as held",
            vec![Action::Inspect("TSM1")],
            done("inspected").with(Field::Held, "1"),
        ),
        step(
            "the server gets a new one, which is imported beside it",
            vec![
                Action::presents("TSM1", Paper::StockNext),
                Action::Import(Certificate::Of("TSM1", Paper::StockNext), "TSM1"),
                Action::Connect("TSM1"),
            ],
            tls("held-certificate", "11").by(Paper::StockNext),
        ),
    ];
    Story {
        id: "X9",
        title: "rotation: the new certificate is imported beside the old, the server switches",
        acts: vec![
            Act::new("planned ahead", vec![server], x9_planned()),
            Act::new("too late", vec![late], unplanned),
        ],
    }
}

fn x9_planned() -> Vec<Step> {
    let by = |expected: Expected, paper| expected.travels("encrypted", "clear").by(paper);
    let held = |count| done("inspected").with(Field::Held, count);
    let next = Certificate::Of("TSM1", Paper::StockNext);
    let old = Certificate::Of("TSM1", Paper::Stock);
    vec![
        step(
            "import the old one",
            vec![Action::own("TSM1")],
            imported("pin"),
        ),
        step(
            "connect",
            vec![Action::Connect("TSM1")],
            by(tls("held-certificate", "11"), Paper::Stock),
        ),
        step(
            "import the new one",
            vec![Action::Import(next, "TSM1")],
            imported("pin"),
        ),
        step("both are held", vec![Action::Inspect("TSM1")], held("2")),
        step(
            "connect before the switch",
            vec![Action::Connect("TSM1")],
            by(tls("held-certificate", "4"), Paper::Stock),
        ),
        step(
            "the server switches: connect",
            vec![
                Action::presents("TSM1", Paper::StockNext),
                Action::Connect("TSM1"),
            ],
            by(tls("held-certificate", "4"), Paper::StockNext),
        ),
        step(
            "the old one is removed: connect",
            vec![Action::Remove(old, "TSM1"), Action::Connect("TSM1")],
            by(tls("held-certificate", "4"), Paper::StockNext),
        ),
        step("one is held", vec![Action::Inspect("TSM1")], held("1")),
        step(
            "somebody presents the old one",
            vec![
                Action::presents("TSM1", Paper::Stock),
                Action::Connect("TSM1"),
            ],
            refused("certificate-mismatch", "4"),
        ),
    ]
}
