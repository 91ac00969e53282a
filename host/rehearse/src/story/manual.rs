//! The manual route, N1 to N8: certificates are imported by the operator.

use super::action::{Action, Certificate, Change, Door, Paper};
use super::expected::{Expected, Field, imported, plain, refused, tls};
use super::{Act, EARLIER, ENHANCED, Part, Story, step};
use crate::server::Versions;
use anchorhold_session::level::Level;

pub(super) fn stories() -> Vec<Story> {
    vec![n1(), n2(), n3(), n4(), n5(), n6(), n7(), n8()]
}

/// The two acts of a story that is played with either kind of certificate: what the server
/// presents, what the operator imports of it, and as what it counts.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    paper: Paper,
    counts_as: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "self-signed",
        paper: Paper::Stock,
        counts_as: "pin",
    },
    Kind {
        name: "CA-signed",
        paper: Paper::Signed,
        counts_as: "anchor",
    },
];

impl Kind {
    fn import(self, server: &'static str) -> Action {
        let certificate = match self.paper {
            Paper::Signed => Certificate::Root,
            paper => Certificate::Of(server, paper),
        };
        Action::Import(certificate, server)
    }

    fn imported(self) -> Expected {
        imported(self.counts_as)
    }
}

fn n1() -> Story {
    let act = |kind: Kind| {
        let server = Part::new("TSM1", ENHANCED)
            .options(MANUAL)
            .presents(kind.paper);
        let steps = vec![
            step(
                "connect without import",
                vec![Action::Connect("TSM1")],
                refused("certificate-needed", "12")
                    .security("transitional")
                    .wire("question"),
            ),
            step("import", vec![kind.import("TSM1")], kind.imported()),
            step(
                "connect after import",
                vec![Action::Connect("TSM1")],
                tls("held-certificate", "11")
                    .version("1.3")
                    .travels("encrypted", "clear")
                    .wire("question + TLS + data channel"),
            ),
            step(
                "connect again: strict, and not asked in clear any more",
                vec![Action::Connect("TSM1")],
                tls("held-certificate", "4")
                    .version("1.3")
                    .travels("encrypted", "clear")
                    .wire("TLS + data channel"),
            ),
        ];
        Act::new(kind.name, vec![server], steps)
    };
    Story {
        id: "N1",
        title: "manual route: server to 8.1.2 first, client after; no SSL before",
        acts: KINDS.map(act).to_vec(),
    }
}

fn n2() -> Story {
    let act = |(name, options)| {
        let server = Part::new("TSM1", ENHANCED).options(options);
        let tls_1_2 = Action::Server("TSM1", Change::Versions(Versions::Tls12));
        let tls_1_3 = Action::Server("TSM1", Change::Versions(Versions::Both));
        let steps = vec![
            step(
                "the certificate of the SSL sessions so far is held",
                vec![tls_1_2, Action::own("TSM1")],
                imported("pin"),
            ),
            step(
                "connect: the held certificate goes on, and the server offers TLS 1.2",
                vec![Action::Connect("TSM1"), Action::Inspect("TSM1")],
                tls("held-certificate", "11")
                    .version("1.2")
                    .travels("encrypted", "encrypted")
                    .with(Field::RecordedTls, "1.2")
                    .wire("TLS"),
            ),
            step(
                "the server is told to offer TLS 1.3: it is used at once",
                vec![tls_1_3, Action::Connect("TSM1"), Action::Inspect("TSM1")],
                tls("held-certificate", "4")
                    .version("1.3")
                    .travels("encrypted", "encrypted")
                    .with(Field::RecordedTls, "1.3")
                    .quiet_on("tls-version-fell"),
            ),
        ];
        Act::new(name, vec![server], steps)
    };
    let acts = [
        ("SSLACCEPTCERTFROMSERV No", MANUAL_SSL),
        (
            "SSLACCEPTCERTFROMSERV Yes",
            &["SSLACCEPTCERTFROMSERV Yes", "SSL Yes"],
        ),
    ];
    Story {
        id: "N2",
        title: "manual route: server first; SSL in use before",
        acts: acts.map(act).to_vec(),
    }
}

fn n3() -> Story {
    let act = |kind: Kind| {
        let server = Part::new("TSM1", EARLIER)
            .options(MANUAL)
            .presents(kind.paper);
        let steps = vec![
            step(
                "connect before the upgrade",
                vec![Action::Connect("TSM1")],
                plain("existing-protocol", "9").wire("question + program in clear"),
            ),
            step(
                "the server is upgraded to 8.1.2: connect without import",
                vec![Action::upgrade("TSM1"), Action::Connect("TSM1")],
                refused("certificate-needed", "12").security("transitional"),
            ),
            step("import", vec![kind.import("TSM1")], kind.imported()),
            step(
                "connect after import",
                vec![Action::Connect("TSM1")],
                tls("held-certificate", "11")
                    .version("1.3")
                    .travels("encrypted", "clear"),
            ),
        ];
        Act::new(kind.name, vec![server], steps)
    };
    Story {
        id: "N3",
        title: "manual route: client first, server later; no SSL",
        acts: KINDS.map(act).to_vec(),
    }
}

fn n4() -> Story {
    let server = Part::new("TSM1", EARLIER)
        .options(MANUAL_SSL)
        .on_ssl_only_port();
    Story {
        id: "N4",
        title: "manual route: client first, server later; SSL in use on an SSL-only port",
        acts: vec![Act::new("", vec![server], ssl_before_and_after(MANUAL_SSL))],
    }
}

/// SSL in use on an SSL-only port: two sessions before the upgrade, one after it.
pub(super) fn ssl_before_and_after(options: &'static [&'static str]) -> Vec<super::Step> {
    vec![
        step(
            "the certificate of the SSL sessions so far is held",
            vec![Action::own("TSM1")],
            imported("pin"),
        ),
        step(
            "connect before the upgrade",
            vec![Action::Connect("TSM1"), Action::Inspect("TSM1")],
            tls("held-certificate", "11")
                .version("1.2")
                .authenticates_as_before()
                .travels("encrypted", "encrypted")
                .with(Field::RecordedTls, "1.2")
                .wire("TLS"),
        ),
        step(
            "connect a second time: an earlier server that became strict goes on",
            vec![Action::Connect("TSM1")],
            tls("held-certificate", "4")
                .version("1.2")
                .authenticates_as_before()
                .travels("encrypted", "encrypted"),
        ),
        step(
            "the server is upgraded, the stanza names the common port",
            vec![
                Action::upgrade("TSM1"),
                Action::write("TSM1", Door::Common, options),
                Action::Connect("TSM1"),
                Action::Inspect("TSM1"),
            ],
            tls("held-certificate", "4")
                .version("1.3")
                .authenticates_inside_tls()
                .travels("encrypted", "encrypted")
                .with(Field::RecordedTls, "1.3")
                .quiet_on("tls-version-fell"),
        ),
    ]
}

fn n5() -> Story {
    let act = |kind: Kind| {
        let cast = vec![
            Part::new("TSM1", ENHANCED)
                .options(MANUAL)
                .presents(kind.paper),
            Part::new("TSM2", EARLIER)
                .options(MANUAL)
                .presents(kind.paper),
            Part::new("TSM3", EARLIER)
                .options(MANUAL_SSL)
                .presents(kind.paper)
                .on_ssl_only_port(),
        ];
        Act::new(kind.name, cast, n5_steps(kind))
    };
    Story {
        id: "N5",
        title: "manual route: client first, several servers upgraded at different times",
        acts: KINDS.map(act).to_vec(),
    }
}

fn n5_steps(kind: Kind) -> Vec<super::Step> {
    let needed = || refused("certificate-needed", "12").security("transitional");
    let (tsm1, tsm2, tsm3) = ("TSM1", "TSM2", "TSM3");
    vec![
        step(
            "TSM1, enhanced: connect without import",
            vec![Action::Connect(tsm1)],
            needed(),
        ),
        step(
            "TSM2, earlier with SSL No: connect without import",
            vec![Action::Connect(tsm2)],
            plain("existing-protocol", "9"),
        ),
        step(
            "TSM3, earlier with SSL Yes: needs its certificate at once",
            vec![Action::Connect(tsm3)],
            needed().wire("nothing"),
        ),
        step("import for TSM1", vec![kind.import(tsm1)], kind.imported()),
        step(
            "connect to TSM1",
            vec![Action::Connect(tsm1)],
            tls("held-certificate", "11")
                .version("1.3")
                .travels("encrypted", "clear"),
        ),
        step(
            "TSM3 still needs its own",
            vec![Action::Connect(tsm3)],
            needed(),
        ),
        step("import for TSM3", vec![kind.import(tsm3)], kind.imported()),
        step(
            "connect to TSM3",
            vec![Action::Connect(tsm3)],
            tls("held-certificate", "11")
                .version("1.2")
                .travels("encrypted", "encrypted"),
        ),
        step(
            "nothing has changed for TSM2",
            vec![Action::Connect(tsm2)],
            plain("existing-protocol", "9"),
        ),
        step(
            "TSM2 is upgraded: now it needs its certificate",
            vec![Action::upgrade(tsm2), Action::Connect(tsm2)],
            needed(),
        ),
        step(
            "nothing has changed for TSM1",
            vec![Action::Connect(tsm1)],
            tls("held-certificate", "4").travels("encrypted", "clear"),
        ),
        step(
            "nothing has changed for TSM3",
            vec![Action::Connect(tsm3)],
            tls("held-certificate", "4")
                .version("1.2")
                .travels("encrypted", "encrypted"),
        ),
        step("import for TSM2", vec![kind.import(tsm2)], kind.imported()),
        step(
            "connect to TSM2",
            vec![Action::Connect(tsm2)],
            tls("held-certificate", "11")
                .version("1.3")
                .travels("encrypted", "clear"),
        ),
    ]
}

fn n6() -> Story {
    let act = |kind: Kind| {
        let shared_memory = &["COMMMethod SHAREDMEM", "SSLACCEPTCERTFROMSERV No"];
        let server = Part::new("TSM1", ENHANCED)
            .options(shared_memory)
            .presents(kind.paper);
        let steps = vec![
            step(
                "the stanza still names shared memory: connect",
                vec![Action::Connect("TSM1")],
                refused("transport-unsupported", "1").wire("nothing"),
            ),
            step(
                "the stanza names TCP/IP: connect without import",
                vec![
                    Action::write("TSM1", Door::Common, MANUAL),
                    Action::Connect("TSM1"),
                ],
                refused("certificate-needed", "12").security("transitional"),
            ),
            step("import", vec![kind.import("TSM1")], kind.imported()),
            step(
                "connect after import, SSL No",
                vec![Action::Connect("TSM1")],
                tls("held-certificate", "11")
                    .version("1.3")
                    .travels("encrypted", "clear"),
            ),
            step(
                "connect with SSL Yes: object data is encrypted as well",
                vec![
                    Action::write("TSM1", Door::Common, MANUAL_SSL),
                    Action::Connect("TSM1"),
                ],
                tls("held-certificate", "4")
                    .version("1.3")
                    .travels("encrypted", "encrypted")
                    .wire("TLS"),
            ),
        ];
        Act::new(kind.name, vec![server], steps)
    };
    Story {
        id: "N6",
        title: "manual route: new client, enhanced server; SSL No, then SSL Yes",
        acts: KINDS.map(act).to_vec(),
    }
}

fn n7() -> Story {
    let required = &["SSLACCEPTCERTFROMSERV No", "SSL Yes", "SSLREQUIRED Yes"];
    let server = Part::new("TSM1", EARLIER)
        .options(required)
        .on_ssl_only_port();
    let encrypted = |expected: Expected| expected.travels("encrypted", "encrypted");
    let steps = vec![
        step(
            "connect without import",
            vec![Action::Connect("TSM1")],
            refused("certificate-needed", "12")
                .security("transitional")
                .wire("nothing"),
        ),
        step("import", vec![Action::own("TSM1")], imported("pin")),
        step(
            "connect after import",
            vec![Action::Connect("TSM1")],
            encrypted(
                tls("held-certificate", "11")
                    .version("1.2")
                    .authenticates_as_before(),
            ),
        ),
        step(
            "connect a second time",
            vec![Action::Connect("TSM1")],
            encrypted(
                tls("held-certificate", "4")
                    .version("1.2")
                    .authenticates_as_before(),
            ),
        ),
        step(
            "the server is upgraded, the stanza names the common port",
            vec![
                Action::upgrade("TSM1"),
                Action::write("TSM1", Door::Common, required),
                Action::Connect("TSM1"),
            ],
            encrypted(
                tls("held-certificate", "4")
                    .version("1.3")
                    .authenticates_inside_tls(),
            ),
        ),
    ];
    Story {
        id: "N7",
        title: "manual route: new client, earlier server, SSL required, SSL-only port",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

fn n8() -> Story {
    let server = Part::new("TSM1", LAST_EARLIER_SEVEN).options(MANUAL);
    let seven_one_eight = Action::Server("TSM1", Change::Upgrade(FIRST_ENHANCED_SEVEN));
    let steps = vec![
        step(
            "connect before the upgrade",
            vec![Action::Connect("TSM1")],
            plain("existing-protocol", "9"),
        ),
        step(
            "import ahead of the upgrade",
            vec![Action::own("TSM1")],
            imported("pin"),
        ),
        step(
            "connect: a held certificate alone changes nothing at an earlier level",
            vec![Action::Connect("TSM1")],
            plain("existing-protocol", "9"),
        ),
        step(
            "the server is upgraded to 7.1.8: the first enhanced session needs nothing more",
            vec![seven_one_eight, Action::Connect("TSM1")],
            tls("held-certificate", "11")
                .version("1.3")
                .travels("encrypted", "clear"),
        ),
        step(
            "connect again",
            vec![Action::Connect("TSM1")],
            tls("held-certificate", "4")
                .version("1.3")
                .travels("encrypted", "clear"),
        ),
    ];
    Story {
        id: "N8",
        title: "manual route: new client, earlier server, SSL not required",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

/// Either side of the change in version 7.
const LAST_EARLIER_SEVEN: Level = Level::new(7, 1, 7, 0);
const FIRST_ENHANCED_SEVEN: Level = Level::new(7, 1, 8, 0);

const MANUAL: &[&str] = &["SSLACCEPTCERTFROMSERV No"];
const MANUAL_SSL: &[&str] = &["SSLACCEPTCERTFROMSERV No", "SSL Yes"];
