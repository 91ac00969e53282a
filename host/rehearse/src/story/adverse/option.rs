//! Options and policies that forbid what would otherwise go: X10 and X11.

use crate::story::action::{Action, Door, Script};
use crate::story::expected::{imported, plain, refused, tls};
use crate::story::{Act, EARLIER, Part, Story, step};
use anchorhold_session::policy::ServerTable;

pub(super) fn x10() -> Story {
    let write = |door, options| {
        let policy = ldap();
        Action::Write(
            "TSM1",
            Box::new(Script {
                door,
                options,
                policy,
            }),
        )
    };
    let mut server = Part::new("TSM1", EARLIER).options(MANUAL).policy(ldap());
    server.ssl_only = true;
    let steps = vec![
        step(
            "earlier server, SSL No: connect",
            vec![Action::Connect("TSM1")],
            refused("ssl-required-by-ldap", "7")
                .security("transitional")
                .wire("question"),
        ),
        step("import", vec![Action::own("TSM1")], imported("pin")),
        step(
            "SSL Yes on the SSL-only port: connect",
            vec![write(Door::SslOnly, MANUAL_SSL), Action::Connect("TSM1")],
            tls("held-certificate", "11")
                .version("1.2")
                .authenticates_as_before()
                .travels("encrypted", "encrypted"),
        ),
        step(
            "the server is upgraded, the stanza names the common port: connect",
            vec![
                Action::upgrade("TSM1"),
                write(Door::Common, MANUAL_SSL),
                Action::Connect("TSM1"),
            ],
            tls("held-certificate", "4")
                .version("1.3")
                .authenticates_inside_tls()
                .travels("encrypted", "encrypted"),
        ),
        step(
            "SSL No: connect",
            vec![write(Door::Common, MANUAL), Action::Connect("TSM1")],
            tls("held-certificate", "4")
                .version("1.3")
                .travels("encrypted", "clear"),
        ),
    ];
    Story {
        id: "X10",
        title: "LDAP server, manual route",
        acts: vec![Act::new("", vec![server], steps)],
    }
}

pub(super) fn x11() -> Story {
    let write = |options| Action::write("TSM1", Door::Common, options);
    let never = Action::Write(
        "TSM1",
        Box::new(Script {
            door: Door::Common,
            options: &[],
            policy: ServerTable {
                plain: Some("never".to_owned()),
                ..ServerTable::default()
            },
        }),
    );
    let contradiction = || refused("ssl-required-but-off", "6").security("transitional");
    let steps = vec![
        step(
            "SSLREQUIRED Yes: connect",
            vec![
                write(&["SSL No", "SSLREQUIRED Yes"]),
                Action::Connect("TSM1"),
            ],
            contradiction(),
        ),
        step(
            "SSLREQUIRED SERVERonly: connect",
            vec![write(&["SSL No", "SSLREQ SERVER"]), Action::Connect("TSM1")],
            contradiction(),
        ),
        step(
            "the policy says plain = \"never\": connect",
            vec![never, Action::Connect("TSM1")],
            refused("plain-forbidden", "8").security("transitional"),
        ),
        step(
            "SSLREQUIRED No: connect",
            vec![
                write(&["SSL No", "SSLREQUIRED No"]),
                Action::Connect("TSM1"),
            ],
            plain("existing-protocol", "9"),
        ),
    ];
    Story {
        id: "X11",
        title: "earlier server, SSL No, and SSLREQUIRED with each of its values",
        acts: vec![Act::new("", vec![Part::new("TSM1", EARLIER)], steps)],
    }
}

fn ldap() -> ServerTable {
    ServerTable {
        authentication: Some("ldap".to_owned()),
        ..ServerTable::default()
    }
}

const MANUAL: &[&str] = &["SSLACCEPTCERTFROMSERV No"];
const MANUAL_SSL: &[&str] = &["SSLACCEPTCERTFROMSERV No", "SSL Yes"];
