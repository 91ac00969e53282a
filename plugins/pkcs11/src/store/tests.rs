//! A store over real modules, each test in a process of its own.

mod fault;
mod locking;
mod p11_kit;
mod reading;
mod signing;
mod softokn;
mod writing;

use anchorhold_sdk::{Batch, Change, Decision, Effect, Item, Purpose, Rule};

use super::*;
use crate::entry;
use crate::workshop::{PIN, SO_PIN, SOFTHSM, Workshop, alone};

/// What a test with SoftHSM needs.
const NEEDED: &[&str] = &[SOFTHSM, "softhsm2-util", "pkcs11-tool", "openssl"];

/// Opens a store on the token "corp" of SoftHSM.
fn corp(settings: &[(&'static str, &'static str)]) -> TokenStore {
    let fixed = [("module", SOFTHSM), ("token", "corp")];
    open(&[&fixed[..], settings].concat())
}

fn open(settings: &[(&str, &str)]) -> TokenStore {
    TokenStore::open(Host::detached(), &Config::new("hsm", settings)).unwrap()
}

/// An item as a listing shows it.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    kind: Kind,
    id: Vec<u8>,
    der: Vec<u8>,
    label: String,
    is_anchor: bool,
    read_only: bool,
    asks_each_use: bool,
}

fn listed(store: &TokenStore) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut take = |item: &Item<'_>| {
        shown.push(Shown {
            kind: item.kind,
            id: item.id.to_vec(),
            der: item.der.to_vec(),
            label: item.label.to_owned(),
            is_anchor: item.rules.as_ref() == Rule::SERVER_ANCHOR,
            read_only: item.read_only,
            asks_each_use: item.asks_each_use,
        });
        Ok(())
    };
    let mut page = Page::new(256, b"");
    let mut items = Items::collecting(&mut take);
    store
        .list(&Call::detached(), &mut page, &mut items)
        .unwrap();
    shown
}

/// What is listed of one kind.
fn of_kind(store: &TokenStore, kind: Kind) -> Vec<Shown> {
    let shown = listed(store).into_iter();
    shown.filter(|item| item.kind == kind).collect()
}

fn labels(store: &TokenStore) -> Vec<String> {
    let mut labels: Vec<_> = of_kind(store, Kind::Certificate)
        .into_iter()
        .map(|item| item.label)
        .collect();
    labels.sort();
    labels
}

fn anchor<'a>(der: &'a [u8], label: &'a str) -> Change<'a> {
    let mut item = Item::certificate(b"", der);
    item.label = label;
    item.rules = Rule::SERVER_ANCHOR.into();
    Change::Put(item)
}

fn apply(
    store: &TokenStore,
    call: &Call<'_>,
    batch: &Batch<'_>,
) -> (Vec<Effect>, Result<(), Error>) {
    let mut effects = Vec::new();
    let mut take = |effect, _: &[u8]| {
        effects.push(effect);
        Ok(())
    };
    let mut outcomes = Outcomes::collecting(&mut take);
    let applied = store.apply(call, batch, &mut outcomes);
    (effects, applied)
}

/// Applies what has to succeed.
fn applied(store: &TokenStore, call: &Call<'_>, changes: Vec<Change<'_>>) -> Vec<Effect> {
    let (effects, result) = apply(store, call, &Batch::new(changes));
    result.unwrap();
    effects
}

fn user() -> Call<'static> {
    Call::answering(PIN.as_bytes())
}

fn officer() -> Call<'static> {
    Call::answering(SO_PIN.as_bytes())
}
