//! Certificates that vouch for somebody and cannot, or soon cannot, and those that are in the way.

use std::collections::{BTreeMap, BTreeSet};

use anchorhold_kernel::certificate::{Facts, key_fault, moment};
use anchorhold_kernel::plan::StoreScope;
use anchorhold_kernel::{CertificateKind, Entry, EntryKind, EntryServers, Fingerprint, ServerName};

use super::case::Case;
use super::finding::{Findings, Severity, of_store};
use crate::builtin;
use crate::commands::holding::Holding;
use crate::commands::{missing, validity};
use crate::exit::Failure;
use crate::output::counted;

/// Looks at what the stores hold, and at what they should.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    // No name at all would mean every store.
    if case.state.is_none() || case.answered.is_empty() {
        return Ok(());
    }
    let holding = Holding::look(case.home, &case.answered)?;
    let foreign = foreign(case);
    let mut past: BTreeMap<&str, usize> = BTreeMap::new();
    for held in each_once(&holding.entries) {
        match held.only_of(&foreign) {
            Some(store) if held.has_expired(case) => *past.entry(store).or_default() += 1,
            None if held.vouches() => vouching(&held, &holding, case, findings),
            _ => {}
        }
    }
    for (store, count) in past {
        let message = format!(
            "what of it has expired vouches for nobody any more: {}",
            counted(count, "certificate")
        );
        let remedy = "nothing has to be done: whoever keeps the store replaces them, as an update \
                      of the system does with its roots";
        findings.note("certificate-expired", of_store(store), message, remedy);
    }
    superseded(&holding, case, findings)?;
    unscoped(&holding, case, findings);
    // What a store holds that is not known or does not answer, nobody knows.
    if case.whole && case.answered.len() == case.stores().len() {
        lost(&holding, case, findings)?;
    }
    Ok(())
}

/// The stores all of whose anchors vouch, and which only others change: the roots of a system, or a
/// token of somebody else's. What is in them nobody here has imported, or can take out.
fn foreign<'c>(case: &'c Case<'_>) -> BTreeSet<&'c str> {
    let answered = case
        .stores()
        .iter()
        .filter(|store| case.answers(store.name()));
    let foreign =
        answered.filter(|store| store.plan().scope == StoreScope::Any && !store.writable());
    foreign.map(|store| store.name()).collect()
}

/// One certificate, with every store that holds it.
struct Held<'a> {
    entries: Vec<&'a Entry>,
}

impl Held<'_> {
    fn fingerprint(&self) -> Fingerprint {
        self.entries
            .first()
            .map_or(Fingerprint([0; 32]), |entry| entry.fingerprint)
    }

    /// Whether it vouches for anybody.
    fn vouches(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.servers != EntryServers::None)
    }

    /// The store of these that holds it, where it is only in such, and named for nobody.
    fn only_of<'s>(&self, stores: &BTreeSet<&'s str>) -> Option<&'s str> {
        let of = |entry: &Entry| {
            let known = stores.get(entry.store.as_str());
            known
                .copied()
                .filter(|_| entry.servers == EntryServers::Any)
        };
        let all: Option<Vec<&str>> = self.entries.iter().map(|entry| of(entry)).collect();
        all?.first().copied()
    }

    fn has_expired(&self, case: &Case<'_>) -> bool {
        let facts = self.entries.first().and_then(|entry| entry.facts().ok());
        facts.is_some_and(|facts| facts.expired(moment(case.now)))
    }

    fn named(&self) -> BTreeSet<&ServerName> {
        let named = self.entries.iter().flat_map(|entry| match &entry.servers {
            EntryServers::Named(names) => names.as_slice(),
            _ => &[],
        });
        named.collect()
    }

    /// Where it is and for whom, to go before what is wrong with it.
    fn told(&self, facts: Option<&Facts>) -> String {
        let stores: Vec<String> = self
            .entries
            .iter()
            .map(|entry| format!("\"{}\"", entry.store))
            .collect();
        let any = self
            .entries
            .iter()
            .any(|entry| entry.servers == EntryServers::Any);
        let names: Vec<&str> = self.named().into_iter().map(ServerName::as_str).collect();
        let whom = match (any, names.is_empty()) {
            (true, _) => ", for any server".to_owned(),
            (false, false) => format!(", for {}", names.join(", ")),
            (false, true) => String::new(),
        };
        let subject = facts.map_or("a certificate", |facts| facts.subject.as_str());
        format!("{subject}, in store {}{whom}", stores.join(" and "))
    }
}

/// Each certificate once; what is distrusted is meant to vouch for nobody.
fn each_once(entries: &[Entry]) -> Vec<Held<'_>> {
    let mut held: BTreeMap<Fingerprint, Held<'_>> = BTreeMap::new();
    for entry in entries {
        if matches!(entry.kind, EntryKind::Certificate(_)) {
            held.entry(entry.fingerprint)
                .or_insert_with(|| Held {
                    entries: Vec::new(),
                })
                .entries
                .push(entry);
        }
    }
    held.into_values().collect()
}

/// A certificate that vouches for somebody.
fn vouching(held: &Held<'_>, holding: &Holding, case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(entry) = held.entries.first() else {
        return;
    };
    let one = held.fingerprint();
    let about = of_certificate(&one);
    let remove = findings.command(&["remove", &one.to_string(), "--all"]);
    let replace = format!("import the one that takes its place, then: {remove}");
    let facts = match entry.facts() {
        Ok(facts) => facts,
        Err(error) => {
            let message = format!("{}: {error}", held.told(None));
            findings.error("certificate-unreadable", about, message, remove);
            return;
        }
    };
    let told = held.told(Some(&facts));
    if let Some((severity, code, what)) = dates(&facts, held, holding, case) {
        findings.add(severity, code, &about, format!("{told}: {what}"), &*replace);
    }
    if let Some(weakness) = weakness(entry, &facts) {
        let message = format!("{told}: {weakness}");
        findings.error("certificate-weak", &about, message, replace);
    }
}

/// What its dates say today.
fn dates(
    facts: &Facts,
    held: &Held<'_>,
    holding: &Holding,
    case: &Case<'_>,
) -> Option<(Severity, &'static str, String)> {
    let at = moment(case.now);
    if facts.expired(at) {
        // Where another certificate vouches, the old one only lies about.
        let severity = match others_vouch(held, holding, case) {
            true => Severity::Warning,
            false => Severity::Error,
        };
        let what = format!("it expired at {}", facts.not_after_text());
        return Some((severity, "certificate-expired", what));
    }
    let (code, what) = if facts.not_yet_valid(at) {
        let from = facts.not_before_text();
        (
            "certificate-not-yet-valid",
            format!("it is not valid before {from}, if the clock is right"),
        )
    } else if facts.not_after.saturating_sub(case.now) < SOON {
        let until = facts.not_after_text();
        ("certificate-expiring", format!("it expires at {until}"))
    } else {
        return None;
    };
    Some((Severity::Warning, code, what))
}

/// Why no signature by it or of it counts. A root's own signature proves nothing, and is not
/// looked at.
fn weakness(entry: &Entry, facts: &Facts) -> Option<String> {
    match entry.kind {
        EntryKind::Certificate(CertificateKind::Pin) => facts.weaknesses.first().cloned(),
        _ => key_fault(entry.der()),
    }
}

/// Whether every server that it is named for has another certificate that vouches now.
fn others_vouch(held: &Held<'_>, holding: &Holding, case: &Case<'_>) -> bool {
    let one = held.fingerprint();
    let named = held.named();
    let now = case.home.now();
    let vouches = |entry: &&Entry, server: &ServerName| {
        entry.fingerprint != one
            && entry.kind != EntryKind::Certificate(CertificateKind::Intermediate)
            && entry.servers.contains(server)
            && validity::fault(entry, now).is_none()
    };
    !named.is_empty()
        && named
            .into_iter()
            .all(|server| holding.entries.iter().any(|entry| vouches(&entry, server)))
}

/// Pins of a server that a newer one, which has vouched since, has taken the place of.
fn superseded(
    holding: &Holding,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    let Some(state) = case.state else {
        return Ok(());
    };
    for record in state.servers()? {
        let Some(newer) = record.certificate else {
            continue;
        };
        let Some(newest) = holding.of(&newer).find_map(|entry| entry.facts().ok()) else {
            continue;
        };
        let pins = holding.entries.iter().filter(|entry| {
            entry.kind == EntryKind::Certificate(CertificateKind::Pin)
                && entry.fingerprint != newer
                && entry.servers.contains(&record.server)
                && entry.facts().is_ok_and(|facts| {
                    facts.not_before < newest.not_before && !facts.expired(moment(case.now))
                })
        });
        for old in pins {
            older_pin(&old.fingerprint, &newer, &record.server, findings);
        }
    }
    Ok(())
}

fn older_pin(
    old: &Fingerprint,
    newer: &Fingerprint,
    server: &ServerName,
    findings: &mut Findings<'_>,
) {
    let words = ["remove", &old.to_string(), "--server", server.as_str()];
    let remedy = format!(
        "once no peer of {server} presents it any more: {}",
        findings.command(&words)
    );
    findings.note(
        "certificate-superseded",
        of_certificate(old),
        format!(
            "a newer one has vouched for {server} since: {}",
            short(newer)
        ),
        remedy,
    );
}

/// Certificates that vouch for nobody; many of one store are one thing.
fn unscoped(holding: &Holding, case: &Case<'_>, findings: &mut Findings<'_>) {
    for store in case.stores() {
        if store.plugin_id() == builtin::SYSTEM {
            continue;
        }
        let idle: Vec<&Entry> = holding
            .entries
            .iter()
            .filter(|entry| {
                entry.store == store.name()
                    && matches!(entry.kind, EntryKind::Certificate(_))
                    && entry.servers == EntryServers::None
                    && !is_own(entry, case)
            })
            .collect();
        if idle.len() > MANY {
            many_unscoped(store.name(), idle.len(), findings);
        } else {
            idle.iter().for_each(|entry| one_unscoped(entry, findings));
        }
    }
}

/// Whether a certificate is what this client shows, which nobody expects to vouch for a server.
fn is_own(entry: &Entry, case: &Case<'_>) -> bool {
    let servers = case.servers.iter().flat_map(|servers| &servers.all);
    let mut keys = servers.filter_map(|server| server.policy.client_key.as_ref());
    keys.any(|key| key.store == entry.store && key.label == entry.label)
}

fn many_unscoped(store: &str, count: usize, findings: &mut Findings<'_>) {
    let words = ["scope", "--propose", "--store", store];
    let remedy = format!(
        "see what their labels suggest, and say yes where that is right: {}",
        findings.command(&words)
    );
    findings.note(
        UNSCOPED,
        of_store(store),
        format!("{count} of its certificates vouch for nobody, as no scope names a server"),
        remedy,
    );
}

fn one_unscoped(entry: &Entry, findings: &mut Findings<'_>) {
    let one = entry.fingerprint.to_string();
    let subject = entry.facts().map(|facts| facts.subject);
    let message = format!(
        "{}, in store \"{}\": it vouches for nobody",
        subject.unwrap_or_else(|_| "a certificate".to_owned()),
        entry.store
    );
    let mut remedy = format!(
        "say for whom it vouches: {}",
        findings.command(&["scope", &one, "--server", "NAME"])
    );
    // What cannot be taken out is not asked to be.
    if entry.item().is_none_or(|item| !item.read_only) {
        let out = findings.command(&["remove", &one, "--all"]);
        remedy.push_str(&format!("; or take it out: {out}"));
    }
    findings.note(
        UNSCOPED,
        of_certificate(&entry.fingerprint),
        message,
        remedy,
    );
}

/// What is in scope for somebody and held by no store.
fn lost(holding: &Holding, case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    for one in missing::look(case.home, None, holding)? {
        let about = format!("certificate {}", crate::report::short(&one.sha256));
        let remedy = missing::remedy(std::slice::from_ref(&one)).unwrap_or_default();
        findings.error("certificate-missing", about, one.message, remedy);
    }
    Ok(())
}

fn of_certificate(one: &Fingerprint) -> String {
    format!("certificate {}", short(one))
}

fn short(one: &Fingerprint) -> String {
    crate::report::short(&one.to_string()).to_owned()
}

/// The code of what vouches for nobody.
const UNSCOPED: &str = "certificate-unscoped";

/// How many seconds before its end a certificate begins to be a warning.
pub(super) const SOON: i64 = 30 * 24 * 60 * 60;

/// How many certificates of one store are told one by one.
const MANY: usize = 5;
