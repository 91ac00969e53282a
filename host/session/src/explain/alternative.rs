//! What would change a decision: one thing at a time, put to the same rules.

use super::outcome;
use crate::code::Code;
use crate::decision::{Decision, Facts, Held, Plain, Security, SslRequired};
use crate::level::{Era, Level};
use crate::report::Outcome;
use crate::server::Server;
use crate::situation::Situation;

/// One thing that would change the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The thing.
    pub what: &'static str,
    /// What would then be decided.
    pub decision: Outcome,
    /// Why, in one word.
    pub code: Code,
    /// By which row.
    pub row: u8,
}

impl Alternative {
    /// What a thing would lead to.
    pub(super) fn new(what: &'static str, decision: Decision) -> Self {
        Self {
            what,
            decision: outcome(decision),
            code: decision.code,
            row: decision.row,
        }
    }
}

/// Each single change that leads to another decision.
pub(super) fn alternatives(
    decide: impl Fn(&Facts) -> Decision,
    server: &Server,
    situation: &Situation,
    now: Decision,
) -> Vec<Alternative> {
    let different = |(what, facts): (&'static str, Facts)| {
        let decision = decide(&facts);
        let differs = (decision.then, decision.code) != (now.then, now.code);
        (facts != situation.facts && differs).then(|| Alternative::new(what, decision))
    };
    let changed = changed(server, &situation.facts);
    let announced = announced(situation);
    changed
        .into_iter()
        .chain(announced)
        .filter_map(different)
        .collect()
}

/// What the operator can change, and the facts that it leads to.
fn changed(server: &Server, facts: &Facts) -> Vec<(&'static str, Facts)> {
    // The option does not count for a replication server, nor while a leave shuts acceptance.
    let counts = !server.replication && server.accept == facts.accept;
    let can_be_lowered = facts.security == Security::Strict || facts.level_fell;
    let single = CHANGES.iter();
    let accepting = ACCEPTING.iter().filter(|_| counts);
    let lowered = LEAVES.iter().filter(|_| can_be_lowered);
    let all = single.chain(accepting).chain(lowered);
    all.map(|(what, change)| {
        let mut changed = *facts;
        change(&mut changed);
        (*what, changed)
    })
    .collect()
}

/// What the server can announce, and the facts that it leads to with what the ledger knows.
fn announced(situation: &Situation) -> Vec<(&'static str, Facts)> {
    let asked = situation.facts.ask_in_clear();
    let levels = ANNOUNCEMENTS.iter().filter(|_| asked);
    levels
        .map(|(what, level)| {
            let mut told = situation.clone();
            told.announced(*level);
            (*what, told.facts)
        })
        .collect()
}

/// A thing, and what it makes of the facts.
type Change = (&'static str, fn(&mut Facts));

/// What an operator can do, except to give leave.
const CHANGES: &[Change] = &[
    ("a certificate imported for it", |facts| {
        facts.held = Held::Yes;
    }),
    ("its certificate removed", |facts| facts.held = Held::No),
    ("SSL Yes", |facts| facts.ssl = true),
    ("SSL No", |facts| facts.ssl = false),
    ("SSLREQUIRED Yes", |facts| {
        facts.ssl_required = SslRequired::Yes;
    }),
    ("SSLREQUIRED Default", |facts| {
        facts.ssl_required = SslRequired::Default;
    }),
    ("LDAP authentication declared", |facts| facts.ldap = true),
    ("plain = \"never\" in its policy", |facts| {
        facts.plain = Plain::Never;
    }),
    ("`server raise`", |facts| facts.security = Security::Strict),
];

/// The option on acceptance.
const ACCEPTING: &[Change] = &[
    ("SSLACCEPTCERTFROMSERV Yes", |facts| facts.accept = true),
    ("SSLACCEPTCERTFROMSERV No", |facts| facts.accept = false),
];

/// What the server can announce.
const ANNOUNCEMENTS: &[(&str, Level)] = &[
    (
        "a server that announces a level before 8.1.2",
        Level::new(8, 1, 1, 0),
    ),
    (
        "a server that announces 8.1.2 or later",
        Level::new(8, 1, 2, 0),
    ),
];

/// The operator's leave: each opens one way down, for the server that it is meant for, and shuts
/// the other.
const LEAVES: &[Change] = &[
    (
        "`server lower --allow plain`, and an announced level before 8.1.2",
        |facts| {
            lower(facts, Era::Earlier);
            facts.accept = false;
        },
    ),
    (
        "`server lower --allow accept`, and an announced level of 8.1.2 or later",
        |facts| {
            lower(facts, Era::Enhanced);
            facts.plain = Plain::Never;
        },
    ),
];

fn lower(facts: &mut Facts, announced: Era) {
    facts.security = Security::Transitional;
    facts.level_fell = false;
    facts.levels.announced = Some(announced);
}
