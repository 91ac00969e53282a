//! A store of the certificates in `anchors/`, which are built in: anchors for TLS servers.
#![forbid(unsafe_code)]

use anchorhold_sdk::{
    Call, Config, Error, Health, HealthState, Host, Item, Items, LogLevel, Page, Rule, TrustStore,
};

anchorhold_sdk::plugin! {
    /// The plugin `@id@`.
    pub static PLUGIN:
    store: Store,
    id: "@id@",
    name: "@name@",
    version: env!("CARGO_PKG_VERSION"),
    manifest: include_str!("../@id@.plugin.toml"),
}

anchorhold_sdk::export!(PLUGIN);

/// The certificates with their labels, as `build.rs` found them.
static ANCHORS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/anchors.rs"));

/// One configured store.
#[derive(Debug)]
pub struct Store {
    generation: u64,
}

impl TrustStore for Store {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        host.log(LogLevel::Debug, &format!("{} is opened", config.store_name()));
        Ok(Self {
            generation: generation(ANCHORS),
        })
    }

    // Answers from memory, and never waits.
    fn health(&self) -> Health {
        Health::new(HealthState::Ready)
            .generation(self.generation)
            .item_count(ANCHORS.len())
    }

    fn list(&self, _: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        for index in page.range(self.generation, ANCHORS.len())? {
            let (label, der) = ANCHORS[index];
            let mut item = Item::certificate(id_of(der), der);
            item.label = label;
            item.rules = Rule::SERVER_ANCHOR.into();
            item.read_only = true;
            items.push(&item)?;
        }
        Ok(())
    }
}

/// An id is the same in every process, and never used again for other bytes. So it is taken from
/// the bytes: a certificate ends with its signature, which no other one has.
fn id_of(der: &[u8]) -> &[u8] {
    &der[der.len().saturating_sub(32)..]
}

/// A number that differs when the contents differ; not 0, which would say that it is not known.
fn generation(anchors: &[(&str, &[u8])]) -> u64 {
    let bytes = anchors.iter().flat_map(|(_, der)| der.iter());
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    }) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_anchor_is_listed() {
        let store = Store::open(Host::detached(), &Config::new("test", &[])).unwrap();
        let mut labels = Vec::new();
        let mut take = |item: &Item<'_>| {
            labels.push(item.label.to_owned());
            Ok(())
        };
        let mut items = Items::collecting(&mut take);
        store
            .list(&Call::detached(), &mut Page::new(0, &[]), &mut items)
            .unwrap();
        assert_eq!(labels.len(), ANCHORS.len());
    }
}
