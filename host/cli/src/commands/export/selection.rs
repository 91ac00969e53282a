//! Which certificates are exported, under which labels, and whether they may be.

use std::collections::{HashMap, HashSet};

use anchorhold_kernel::{CertificateKind, Entry, EntryKind, EntryServers, Fingerprint, Servers};

use crate::args::export::Format;
use crate::commands::holding::Holding;
use crate::exit::Failure;
use crate::fingerprint::Prefix;
use crate::home::Home;

/// The certificates that are exported, each once, in the order in which they were named.
pub(super) struct Selection<'a> {
    chosen: Vec<Chosen<'a>>,
}

/// One certificate.
pub(super) struct Chosen<'a> {
    pub(super) fingerprint: Fingerprint,
    pub(super) der: &'a [u8],
    pub(super) subject: String,
    /// Differs from every other by more than case.
    pub(super) label: String,
    entries: Vec<&'a Entry>,
}

impl<'a> Selection<'a> {
    pub(super) fn of(prefixes: &[Prefix], holding: &'a Holding) -> Result<Self, Failure> {
        let mut entries: HashMap<Fingerprint, Vec<&Entry>> = HashMap::new();
        for entry in &holding.entries {
            entries.entry(entry.fingerprint).or_default().push(entry);
        }
        let (mut chosen, mut known) = (Vec::new(), HashSet::new());
        let mut labels = HashMap::new();
        for prefix in prefixes {
            let whole = prefix.whole().filter(|one| entries.contains_key(one));
            let fingerprint = whole.map_or_else(|| holding.find(prefix), Ok)?;
            if known.insert(fingerprint) {
                let entries = entries.remove(&fingerprint).unwrap_or_default();
                chosen.push(choose(fingerprint, entries, &mut labels)?);
            }
        }
        Ok(Self { chosen })
    }

    /// The certificates.
    pub(super) fn certificates(&self) -> &[Chosen<'a>] {
        &self.chosen
    }

    /// Refuses what whoever opens the file would trust against the word of a store; returns what
    /// the operator should know.
    pub(super) fn check(
        &self,
        format: Format,
        holding: &Holding,
        home: &Home,
    ) -> Result<Vec<String>, Failure> {
        let silent = holding.failed.iter();
        let mut warnings: Vec<String> = silent
            .map(|failed| {
                let store = &failed.store;
                format!("store \"{store}\" could not be listed: {}", failed.message)
            })
            .collect();
        let trusts = match format {
            Format::Pem | Format::Der => return Ok(warnings),
            Format::P12 => "whoever opens a p12 trusts every certificate in it",
            Format::Kdb => "whoever opens a kdb trusts every certificate in it",
        };
        all_listed(holding, home, trusts)?;
        for one in &self.chosen {
            one.refuse_distrusted(home, trusts)?;
            one.refuse_unknown(holding, trusts)?;
        }
        let nobody = self.named(|one| one.entries.iter().all(|e| e.servers == EntryServers::None));
        warnings
            .extend(nobody.map(|named| format!("{trusts}, and no server uses it here: {named}")));
        let helping = self.named(|one| {
            let kind = EntryKind::Certificate(CertificateKind::Intermediate);
            one.entries.iter().any(|entry| entry.kind == kind)
        });
        warnings.extend(helping.map(|named| {
            format!("{trusts}, and this one only helps to build paths here: {named}")
        }));
        Ok(warnings)
    }

    /// Those of which something is to be said.
    fn named(&self, which: impl Fn(&Chosen<'_>) -> bool) -> Option<String> {
        let all: Vec<&Chosen<'_>> = self.chosen.iter().filter(|one| which(one)).collect();
        let first = all.iter().take(NAMED).map(|one| one.shown());
        let mut text = first.collect::<Vec<_>>().join(", ");
        if all.len() > NAMED {
            text.push_str(&format!(" and {} more", all.len() - NAMED));
        }
        (!all.is_empty()).then_some(text)
    }
}

impl Chosen<'_> {
    fn shown(&self) -> String {
        format!("{} ({})", self.subject, self.fingerprint)
    }

    fn refuse_distrusted(&self, home: &Home, trusts: &str) -> Result<(), Failure> {
        let distrusting = home.kernel()?.distrusting(&self.fingerprint, self.der);
        let Some(store) = distrusting.first() else {
            return Ok(());
        };
        let message = format!("store \"{store}\" distrusts {}, and {trusts}", self.shown());
        Err(Failure::usage("certificate-distrusted", message)
            .remedy("leave it out, or export it as pem, which says nothing of trust"))
    }

    /// What its store marks in a way that is not known may be marked as not trusted.
    fn refuse_unknown(&self, holding: &Holding, trusts: &str) -> Result<(), Failure> {
        let unknown = |entry: &&&Entry| entry.item().is_some_and(|item| item.trust_unknown);
        let Some(entry) = self.entries.iter().find(unknown) else {
            return Ok(());
        };
        let row = holding.scope.row(&self.fingerprint);
        let nobody =
            |servers: &Servers| matches!(servers, Servers::Named(names) if names.is_empty());
        if row.is_some_and(|row| !nobody(&row.servers)) {
            return Ok(());
        }
        let message = format!(
            "store \"{}\" marks {} in a way that is not known, perhaps as not trusted, and {trusts}",
            entry.store,
            self.shown()
        );
        Err(
            Failure::usage("certificate-flags-unknown", message).remedy(format!(
                "say first whom it vouches for: anchorhold scope {} --server NAME; or export it as \
             pem, which says nothing of trust",
                self.fingerprint
            )),
        )
    }
}

fn choose<'a>(
    fingerprint: Fingerprint,
    entries: Vec<&'a Entry>,
    labels: &mut HashMap<String, u32>,
) -> Result<Chosen<'a>, Failure> {
    let unknown = |message| Failure::usage("certificate-unknown", message);
    let held = entries.iter().find(|entry| entry.is_certificate());
    let Some(held) = held else {
        return Err(match entries.first() {
            Some(entry) if entry.kind == EntryKind::Key => unknown(format!(
                "{fingerprint} is a private key of store \"{}\", and keys are never exported",
                entry.store
            ))
            .remedy("name a certificate; see what is held: anchorhold list"),
            Some(entry) => unknown(format!(
                "{fingerprint} is no certificate, but something that store \"{}\" distrusts",
                entry.store
            ))
            .remedy("see all that is held: anchorhold list"),
            None => unknown(format!(
                "{fingerprint} has a scope, and no store holds the certificate"
            ))
            .remedy("see what is held: anchorhold list"),
        });
    };
    let subject = held.facts().map(|facts| facts.subject).unwrap_or_default();
    let named = entries.iter().filter(|entry| entry.is_certificate());
    let label = named
        .map(|entry| entry.label.trim())
        .find(|label| !label.is_empty());
    let label = match label {
        Some(label) => label.to_owned(),
        None if subject.is_empty() => fingerprint.to_string(),
        None => subject.chars().take(LONGEST).collect(),
    };
    Ok(Chosen {
        fingerprint,
        der: held.der(),
        subject,
        label: unique(&label, labels),
        entries,
    })
}

/// Java and GSKit compare labels without case. With each label that was asked for is kept how
/// often it was, so that very many of one are not counted from the first again.
fn unique(wanted: &str, taken: &mut HashMap<String, u32>) -> String {
    let folded = wanted.to_lowercase();
    let mut number = taken.get(&folded).copied().unwrap_or_default();
    loop {
        number += 1;
        let label = match number {
            1 => wanted.to_owned(),
            _ => format!("{wanted} ({number})"),
        };
        let same = label.to_lowercase();
        if !taken.contains_key(&same) {
            taken.insert(same, 1);
            taken.insert(folded, number);
            return label;
        }
    }
}

/// What a store distrusts that was not listed, nobody knows.
fn all_listed(holding: &Holding, home: &Home, trusts: &str) -> Result<(), Failure> {
    let kernel = home.kernel()?;
    let critical = |name: &str| {
        kernel
            .store(name)
            .is_some_and(|store| store.plan().critical)
    };
    let silent = holding.failed.iter().find(|failed| critical(&failed.store));
    let Some(silent) = silent else {
        return Ok(());
    };
    let message = format!(
        "store \"{}\" could not be listed, so that what it distrusts is not known, and {trusts}: {}",
        silent.store, silent.message
    );
    Err(Failure::failed("store-unavailable", message).remedy(format!(
        "mend it (anchorhold store check {}), or export them as pem, which says nothing of trust",
        silent.store
    )))
}

/// So many certificates are named in a sentence.
const NAMED: usize = 5;

/// So long is a label that is made of a subject.
const LONGEST: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_differ_by_more_than_case() {
        let mut taken = HashMap::new();
        let labels = ["Root", "root", "ROOT", "root (2)", "other"];
        let labels = labels.map(|label| unique(label, &mut taken));
        assert_eq!(
            labels,
            ["Root", "root (2)", "ROOT (3)", "root (2) (2)", "other"]
        );
    }
}
