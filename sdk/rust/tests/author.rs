//! A plugin as an author writes one: no unsafe, every choice of the macros.
#![forbid(unsafe_code)]
#![cfg(feature = "builtin")]

use std::sync::Mutex;

use anchorhold_abi::{
    AH_PLUGIN_PANIC_IS_ABORT, AH_PLUGIN_THREAD_AFFINE, AH_PLUGIN_THREAD_SAFE, Builtin, inventory,
};
use anchorhold_sdk::{
    Batch, Call, Change, Config, Effect, Error, ErrorKind, Health, HealthState, Host, Item, Items,
    Outcomes, Page, Plugin, TrustStore, Write,
};

/// A store of labels, one for each certificate.
struct Labels(Mutex<Vec<(Vec<u8>, String)>>);

impl TrustStore for Labels {
    fn open(_host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let first = config.text("first").unwrap_or("nobody").to_owned();
        Ok(Self(Mutex::new(vec![(b"0".to_vec(), first)])))
    }

    fn health(&self) -> Health {
        Health::new(HealthState::Ready).writable(true)
    }

    fn list(&self, _: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        let labels = self.0.lock().map_err(|_| Error::internal("poisoned"))?;
        for place in page.range(0, labels.len())? {
            let (id, label) = &labels[place];
            let mut item = Item::certificate(id, id);
            item.label = label;
            items.push(&item)?;
        }
        Ok(())
    }
}

impl Write for Labels {
    const ATOMIC: bool = false;

    fn apply(
        &self,
        _: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error> {
        let mut labels = self.0.lock().map_err(|_| Error::internal("poisoned"))?;
        for change in batch.changes() {
            match change {
                Change::Put(item) => {
                    labels.push((item.der.to_vec(), item.label.to_owned()));
                    outcomes.push(Effect::New, item.der)?;
                }
                Change::Remove(_) => return Err(Error::read_only("labels stay")),
                _ => return Err(Error::unsupported("a change of a later version")),
            }
        }
        Ok(())
    }
}

const MANIFEST: &str = "id = 'org.example.labels'\nabi = 1";

anchorhold_sdk::plugin! {
    static SERIAL:
    store: Labels,
    id: "org.example.labels",
    name: "Labels",
    version: env!("CARGO_PKG_VERSION"),
    manifest: MANIFEST
}

anchorhold_sdk::plugin! {
    static ONE: store: Labels, id: "org.example.one", name: "One", version: "1",
    manifest: MANIFEST, also: [Write], threads: One,
}

anchorhold_sdk::plugin! {
    /// Documented like everything else.
    pub(crate) static ANY: store: Labels, id: "org.example.any", name: "Any", version: "1",
    manifest: MANIFEST, also: [Write,], threads: Any
}

anchorhold_sdk::builtin!(ANY);
anchorhold_sdk::builtin!(SERIAL);

#[test]
fn threads_are_what_the_plugin_says() {
    let flags = |plugin: &'static Plugin| plugin.table().flags;
    assert_eq!(flags(&SERIAL), 0);
    assert_eq!(flags(&ONE), AH_PLUGIN_THREAD_AFFINE);
    assert_eq!(flags(&ANY), AH_PLUGIN_THREAD_SAFE);
    assert_eq!(flags(&ANY) & AH_PLUGIN_PANIC_IS_ABORT, 0);
}

#[test]
fn builtins_are_collected() {
    let mut tables: Vec<_> = inventory::iter::<Builtin>
        .into_iter()
        .map(|builtin| std::ptr::from_ref(builtin.table()))
        .collect();
    tables.sort();
    let mut expected = [&ANY, &SERIAL].map(|plugin| std::ptr::from_ref(plugin.table()));
    expected.sort();
    assert_eq!(tables, expected);
}

#[test]
fn store_is_tested_without_a_host() {
    let config = Config::new("labels", &[("first", "somebody")]);
    let store = Labels::open(Host::detached(), &config).unwrap();
    let batch = Batch::new(vec![
        Change::Put(Item::certificate(b"", b"der")),
        Change::Remove(b"0"),
    ]);
    let mut effects = Vec::new();
    let mut note = |effect, id: &[u8]| {
        effects.push((effect, id.to_vec()));
        Ok(())
    };
    let result = store.apply(
        &Call::detached(),
        &batch,
        &mut Outcomes::collecting(&mut note),
    );
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(effects, [(Effect::New, b"der".to_vec())]);
    let mut labels = Vec::new();
    let mut note = |item: &Item<'_>| {
        labels.push(item.label.to_owned());
        Ok(())
    };
    let mut page = Page::new(0, &[]);
    store
        .list(
            &Call::detached(),
            &mut page,
            &mut Items::collecting(&mut note),
        )
        .unwrap();
    assert_eq!(labels, ["somebody", ""]);
    assert!(page.next_cursor().is_empty());
}
