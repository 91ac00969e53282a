//! What breaks on the client's own machine: X5, X6 and X8.

use crate::story::action::{Action, Disaster};
use crate::story::expected::{Expected, Field, done, imported, refused, tls};
use crate::story::fast::{accepted, goes_on, nothing_kept};
use crate::story::{Act, ENHANCED, Part, Step, Story, step};
use anchorhold_session::accept;

pub(super) fn x5() -> Story {
    let acts = [
        ("deleted", Disaster::Deleted),
        ("damaged", Disaster::Damaged),
    ]
    .map(|(name, disaster)| Act::new(name, vec![Part::new("TSM1", ENHANCED)], x5_gone(disaster)));
    let old_copy = Act::new(
        "an old copy",
        vec![Part::new("TSM1", ENHANCED)],
        x5_old_copy(),
    );
    Story {
        id: "X5",
        title: "the ledger is deleted, damaged, or an old copy is restored",
        acts: [acts.to_vec(), vec![old_copy]].concat(),
    }
}

/// Scope goes with the ledger, so that nothing is held any more; the store still has it.
fn x5_gone(disaster: Disaster) -> Vec<Step> {
    let lost = |expected: Expected| expected.security("strict").warns("ledger-lost");
    vec![
        step(
            "connect: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "the ledger is lost, an attacker answers: still refuses to go down",
            vec![
                Action::Ledger(disaster),
                Action::lures("TSM1"),
                Action::Connect("TSM1"),
            ],
            lost(refused("certificate-lost", "3")).wire("nothing"),
        ),
        step(
            "the server answers: nothing is accepted again",
            vec![Action::honest("TSM1"), Action::Connect("TSM1")],
            lost(refused("certificate-lost", "3")).wire("nothing"),
        ),
        step(
            "the certificate is imported again, as the remedy says",
            vec![Action::own("TSM1")],
            done("imported"),
        ),
        step(
            "connect: the server goes on, and the operator is reminded",
            vec![Action::Connect("TSM1")],
            goes_on().warns("ledger-lost"),
        ),
    ]
}

fn x5_old_copy() -> Vec<Step> {
    vec![
        step("import", vec![Action::own("TSM1")], imported("pin")),
        step(
            "a copy of the ledger is kept; connect: strict",
            vec![Action::KeepLedger, Action::Connect("TSM1")],
            tls("held-certificate", "11").travels("encrypted", "clear"),
        ),
        step(
            "the copy is restored, an attacker answers: still refuses to go down",
            vec![
                Action::Ledger(Disaster::RolledBack),
                Action::lures("TSM1"),
                Action::Connect("TSM1"),
            ],
            refused("downgrade", "4")
                .security("strict")
                .warns("ledger-lost")
                .wire("TLS"),
        ),
        step(
            "the server answers: the session goes on, and the operator is reminded",
            vec![Action::honest("TSM1"), Action::Connect("TSM1")],
            goes_on().warns("ledger-lost"),
        ),
    ]
}

pub(super) fn x6() -> Story {
    let none = |step| Dies {
        step,
        stored: "0",
        security: None,
        next: accepted(),
    };
    let all = |step| Dies {
        step,
        stored: "1",
        security: Some("strict"),
        next: goes_on(),
    };
    let acts = [
        ("after the intent", none(accept::Step::Intended)),
        ("after the store was written", all(accept::Step::Written)),
        ("after it was read back", all(accept::Step::ReadBack)),
        ("after the ledger was written", all(accept::Step::Recorded)),
    ];
    Story {
        id: "X6",
        title: "the machine dies between any two steps of an acceptance",
        acts: acts.map(|(name, dies)| x6_act(name, dies)).to_vec(),
    }
}

/// When the machine dies, and what must be found at the next start.
struct Dies {
    step: accept::Step,
    stored: &'static str,
    security: Option<&'static str>,
    next: Expected,
}

fn x6_act(name: &'static str, dies: Dies) -> Act {
    let found = done("inspected")
        .with(Field::Stored, dies.stored)
        .with(Field::Held, dies.stored)
        .with(Field::Open, "0");
    let found = match dies.security {
        Some(security) => found.security(security),
        None => found,
    };
    let steps = vec![
        step(
            "connect for the first time: the machine dies",
            vec![Action::DieAfter("TSM1", dies.step)],
            done("died").travels("not sent", "not sent"),
        ),
        step(
            "the machine starts again: all or nothing is there",
            vec![Action::Restart, Action::Inspect("TSM1")],
            found,
        ),
        step("connect", vec![Action::Connect("TSM1")], dies.next),
    ];
    Act::new(name, vec![Part::new("TSM1", ENHANCED)], steps)
}

pub(super) fn x8() -> Story {
    let server = Part::new("TSM1", ENHANCED);
    let strict = vec![
        step(
            "the server is raised by hand, a store is down: connect",
            vec![
                Action::Raise("TSM1"),
                Action::StoreDown(true),
                Action::Connect("TSM1"),
            ],
            refused("store-unavailable", "2")
                .security("strict")
                .wire("nothing"),
        ),
        step(
            "nothing was written",
            vec![Action::Inspect("TSM1")],
            nothing_kept(),
        ),
    ];
    let held = vec![
        step(
            "connect: accepted",
            vec![Action::Connect("TSM1")],
            accepted(),
        ),
        step(
            "another critical store is down: nobody can say what it distrusts",
            vec![Action::StoreDown(true), Action::Connect("TSM1")],
            refused("store-unavailable", "4").security("strict"),
        ),
        step(
            "it is up again",
            vec![Action::StoreDown(false), Action::Connect("TSM1")],
            goes_on(),
        ),
    ];
    Story {
        id: "X8",
        title: "a store of the server is down, nothing is held elsewhere",
        acts: vec![
            Act::new("first contact", vec![server.clone()], x8_first_contact()),
            Act::new("strict", vec![server.clone()], strict),
            Act::new("held elsewhere", vec![server], held),
        ],
    }
}

fn x8_first_contact() -> Vec<Step> {
    vec![
        step(
            "a store is down: connect",
            vec![Action::StoreDown(true), Action::Connect("TSM1")],
            refused("store-unavailable", "10").security("transitional"),
        ),
        step(
            "nothing was written",
            vec![Action::Inspect("TSM1")],
            nothing_kept(),
        ),
        step(
            "the store is up again: connect",
            vec![Action::StoreDown(false), Action::Connect("TSM1")],
            accepted(),
        ),
    ]
}
