//! What would be decided for a server, why, and what would change it; nobody is contacted.

mod alternative;

pub use alternative::Alternative;

use crate::accept::destination;
use crate::client_key::{self, ClientKey};
use crate::code::Code;
use crate::context::Context;
use crate::decision::{Decision, Facts, ROWS, Then};
use crate::error::ConnectError;
use crate::level::{Era, Level};
use crate::options::Effective;
use crate::precondition::refused_before_contact;
use crate::report::{Authentication, Evidence, Outcome, Protection, Report, Shown};
use crate::server::Server;
use crate::situation::Situation;
use crate::wording::{self, Told};
use alternative::alternatives;
use anchorhold_kernel::Unlocking;
use anchorhold_state::Standing;

/// What would be decided for a server, and why.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The decision, in the shape that a sign-on reports it.
    pub report: Report,
    /// The row of the rules, in words.
    pub row_text: &'static str,
    /// What the ledger holds.
    pub standing: Standing,
    /// The stores that are asked, in order.
    pub stores: Vec<String>,
    /// What is held for the server.
    pub held: anchorhold_kernel::Held,
    /// What would change the decision.
    pub would_change: Vec<Alternative>,
}

/// Explains the decision for a server, at its declared level or the one given, which then
/// stands for what the server would announce. Waits for the disk.
pub fn explain(
    context: &Context,
    server: &Server,
    level: Option<Level>,
) -> Result<Explanation, ConnectError> {
    let mut situation = Situation::look(context, server)?;
    let asks = situation.facts.ask_in_clear();
    if let Some(level) = level.filter(|_| asks) {
        situation.announced(level);
    }
    assume_local(server, &mut situation);
    never_offer_legacy_tls(server, &mut situation);
    let rule = context.rules.decide(&situation.facts);
    let decide = |facts: &Facts| decide(context, server, facts);
    let decision = decide(&situation.facts);
    let mut report = report(server, &situation, decision);
    if outcome(decision) == Outcome::Tls {
        show_key(&mut report, context, server);
    }
    (report.level, report.evidence) = level_of(server, level, asks);
    let mut would_change = alternatives(decide, server, &situation, decision);
    if decision.code == Code::FipsUnavailable {
        would_change.push(Alternative::new("SSLFIPSMODE No", rule));
    }
    Ok(Explanation {
        report,
        row_text: row_text(rule),
        would_change,
        standing: situation.standing,
        stores: context.stores(server).to_vec(),
        held: situation.held,
    })
}

/// The rules' decision, as far as this machine can follow it.
fn decide(context: &Context, server: &Server, facts: &Facts) -> Decision {
    let decision = context.rules.decide(facts);
    let refused = |code| Decision {
        then: Then::Refuse,
        code,
        ..decision
    };
    if let Some(code) = refused_before_contact(server) {
        return refused(code);
    }
    let accepts = matches!(decision.then, Then::Accept | Then::Look);
    if accepts && destination(context, server).is_none() {
        return refused(Code::NoWritableStore);
    }
    decision
}

/// The level that is decided by, and where it comes from.
fn level_of(server: &Server, given: Option<Level>, asks: bool) -> (Option<Level>, Evidence) {
    match (given.filter(|_| asks), server.policy.level) {
        (Some(given), _) => (Some(given), Evidence::Announced),
        (None, Some(declared)) => (Some(declared), Evidence::Declared),
        (None, None) if asks => (None, Evidence::Unknown),
        (None, None) => (None, Evidence::NotAsked),
    }
}

fn report(server: &Server, situation: &Situation, decision: Decision) -> Report {
    let outcome = outcome(decision);
    let words = wording::of(server, situation, Told::of(decision.code));
    let mut report = Report::new(
        server,
        situation,
        outcome,
        decision.row,
        decision.code,
        words,
    );
    match outcome {
        Outcome::Refuse => {}
        Outcome::Plain => {
            report.authentication = Some(Authentication::Existing);
            report.object_data = Some(Protection::Clear);
            report.metadata = Some(Protection::Clear);
        }
        Outcome::Tls => show_tls(&mut report, server, situation),
    }
    if decision.then == Then::Look {
        report.message = format!(
            "{}: the server's certificate would be accepted on first use, if it presents exactly \
             one valid self-signed certificate",
            server.name
        );
    }
    report
}

fn show_tls(report: &mut Report, server: &Server, situation: &Situation) {
    let enhanced = situation.era() != Some(Era::Earlier);
    let clear = enhanced && !server.ssl;
    report.authentication = Some(if enhanced {
        Authentication::Tls
    } else {
        Authentication::Existing
    });
    report.object_data = Some(if clear {
        Protection::Clear
    } else {
        Protection::Encrypted
    });
    report.object_data_reason = clear.then_some("where-the-peer-has-a-data-channel");
    report.metadata = Some(Protection::Encrypted);
}

/// The client's own key, as far as it shows without a person; what keeps it from being shown does
/// not change the decision, and would end the sign-on.
fn show_key(report: &mut Report, context: &Context, server: &Server) {
    match ClientKey::find(context, server, Unlocking::Stored) {
        Ok(None) => {}
        Ok(Some(key)) => {
            report.client_certificate = Some(Shown::of(&key));
            let text = key.out_of_time(context);
            report.warn("client-key-out-of-time", text);
        }
        Err(error) => {
            let text = format!("the client's own key cannot be used: {error}");
            report.warn(client_key::code(&error).as_str(), Some(text));
        }
    }
}

/// On which side of the change to TLS the server stands; where nobody knows, as recorded, which
/// is for people and decides nothing.
fn assume_local(server: &Server, situation: &mut Situation) {
    if server.policy.ldap.is_none() {
        let text = format!(
            "how {0} authenticates is not declared; local is assumed, and \
             [server.{0}] authentication = \"ldap\" says otherwise",
            server.name
        );
        situation.warn("authentication-assumed-local", text);
    }
}

/// An option that would weaken TLS has no effect, and its owner should know.
fn never_offer_legacy_tls(server: &Server, situation: &mut Situation) {
    let wished = |option: &&Effective| option.name == LEGACY_TLS && option.value == "No";
    if let Some(option) = server.options.iter().find(wished) {
        let text = format!(
            "{LEGACY_TLS} No ({}) changes nothing: TLS 1.1 and lower are never offered",
            option.from
        );
        situation.warn("legacy-tls-never-offered", text);
    }
}

const LEGACY_TLS: &str = "SSLDISABLELEGACYtls";

fn outcome(decision: Decision) -> Outcome {
    match decision.then {
        Then::Accept | Then::Look | Then::Tls => Outcome::Tls,
        Then::Plain => Outcome::Plain,
        Then::Refuse => Outcome::Refuse,
    }
}

fn row_text(decision: Decision) -> &'static str {
    let same = |row: &&crate::decision::Row| {
        (row.number, row.then, row.code) == (decision.row, decision.then, decision.code)
    };
    ROWS.iter().find(same).map_or("", |row| row.text)
}

#[cfg(test)]
mod tests;
