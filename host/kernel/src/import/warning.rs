//! What an operator should know of stores that an import does not write to.

use crate::Fingerprint;
use crate::Servers;
use crate::import::candidate::Candidate;
use crate::import::kind::named;
use crate::import::{KnownServer, Request};
use crate::kernel::Kernel;
use crate::outline::Outline;
use crate::store::Store;

/// Everything that other stores have to do with an import.
pub(super) fn warnings(
    kernel: &Kernel,
    candidates: &[Candidate<'_>],
    request: &Request,
    replaced: Option<Fingerprint>,
) -> Vec<String> {
    let distrust = kernel.stores().iter().flat_map(|store| {
        candidates
            .iter()
            .filter_map(move |one| distrusts(store, one))
    });
    let elsewhere = kernel
        .stores()
        .iter()
        .filter(|store| !request.stores.iter().any(|name| name == store.name()))
        .filter_map(|store| still_holds(store, replaced?));
    let unused = request
        .known
        .iter()
        .filter_map(|known| uses_none(known, request));
    distrust.chain(elsewhere).chain(unused).collect()
}

fn distrusts(store: &Store, candidate: &Candidate<'_>) -> Option<String> {
    let (snapshot, _) = store.last_snapshot()?;
    let certificate = candidate.certificate;
    let outline = Outline::read(&certificate.der).ok();
    snapshot
        .distrust()
        .find(&certificate.facts.fingerprint, outline.as_ref())?;
    Some(format!(
        "store \"{}\" distrusts {}: it will not vouch where that store is used",
        store.name(),
        named(certificate)
    ))
}

fn still_holds(store: &Store, replaced: Fingerprint) -> Option<String> {
    let (snapshot, _) = store.last_snapshot()?;
    snapshot.certificate(&replaced)?;
    Some(format!(
        "store \"{}\" still holds {replaced}; it vouches for no server any more",
        store.name()
    ))
}

fn uses_none(known: &KnownServer, request: &Request) -> Option<String> {
    let Servers::Named(names) = &request.servers else {
        return None;
    };
    let uses = known
        .stores
        .iter()
        .any(|store| request.stores.contains(store));
    (names.contains(&known.name) && !uses).then(|| {
        format!(
            "server {} uses none of these stores (it uses {}): nothing changes for it",
            known.name,
            known.stores.join(", ")
        )
    })
}
