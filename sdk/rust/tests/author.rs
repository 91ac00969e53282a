//! A plugin as an author writes one: no unsafe, every choice of the macros.
#![forbid(unsafe_code)]
#![cfg(feature = "builtin")]

use std::sync::Mutex;

use anchorhold_abi::{
    AH_PLUGIN_PANIC_IS_ABORT, AH_PLUGIN_THREAD_AFFINE, AH_PLUGIN_THREAD_SAFE, Builtin, inventory,
};
use anchorhold_sdk::{
    Batch, By, Call, Change, Config, Effect, Error, ErrorKind, Find, Health, HealthState, Host,
    Item, Items, Outcomes, Page, Plugin, Query, Question, Scheme, SecretMemory, Sign, TrustStore,
    Unlock, Write,
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

impl Find for Labels {
    fn find(&self, _: &Call<'_>, query: &Query<'_>, items: &mut Items<'_>) -> Result<(), Error> {
        let By::Id(wanted) = query.by() else {
            return Err(Error::unsupported("only ids"));
        };
        let labels = self.0.lock().map_err(|_| Error::internal("poisoned"))?;
        for (id, _) in labels.iter().filter(|(id, _)| id == wanted) {
            items.push(&Item::certificate(id, id))?;
        }
        Ok(())
    }
}

/// A store whose one key signs with the PIN that opened it.
struct Key {
    host: Host,
    pin: Mutex<Option<SecretMemory>>,
}

impl TrustStore for Key {
    fn open(host: Host, _: &Config<'_>) -> Result<Self, Error> {
        let pin = Mutex::new(None);
        Ok(Self { host, pin })
    }

    fn health(&self) -> Health {
        Health::new(HealthState::Ready)
    }

    fn list(&self, _: &Call<'_>, _: &mut Page, _: &mut Items<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Unlock for Key {
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error> {
        let question = Question::pin("PIN of the key").setting("pin");
        let pin = call.ask(&question, |pin| match pin {
            b"1234" => SecretMemory::copy_of(&self.host, pin),
            _ => Err(Error::new(ErrorKind::WrongSecret, "the PIN is wrong")),
        })?;
        *self.pin.lock().map_err(|_| Error::internal("poisoned"))? = Some(pin);
        Ok(())
    }

    fn lock(&self, _: &Call<'_>) -> Result<(), Error> {
        *self.pin.lock().map_err(|_| Error::internal("poisoned"))? = None;
        Ok(())
    }
}

impl Sign for Key {
    fn schemes(&self, _: &Call<'_>, _: &[u8]) -> Result<Vec<Scheme>, Error> {
        Ok(vec![Scheme::ED25519])
    }

    fn sign(&self, call: &Call<'_>, _: &[u8], _: Scheme, message: &[u8]) -> Result<Vec<u8>, Error> {
        call.confirm("Sign?", "")?;
        let pin = self.pin.lock().map_err(|_| Error::internal("poisoned"))?;
        let pin = pin.as_ref().ok_or_else(|| Error::locked("no PIN"))?;
        pin.expose(|pin| [pin, message].concat())
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
    manifest: MANIFEST, also: [Find, Write,], threads: Any
}

anchorhold_sdk::plugin! {
    static KEY: store: Key, id: "org.example.key", name: "Key", version: "1",
    manifest: MANIFEST, also: [Unlock, Sign],
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

#[test]
fn plugin_offers_what_it_says_and_nothing_else() {
    let offers = |plugin: &'static Plugin| format!("{:?}", plugin.offers());
    assert_eq!(offers(&SERIAL), "[]");
    assert_eq!(offers(&ONE), r#"["anchorhold.write/1"]"#);
    assert_eq!(
        offers(&ANY),
        r#"["anchorhold.find/1", "anchorhold.write/1"]"#
    );
    assert_eq!(
        offers(&KEY),
        r#"["anchorhold.unlock/1", "anchorhold.sign/1"]"#
    );
}

#[test]
fn store_is_found_in_without_a_host() {
    let config = Config::new("labels", &[]);
    let store = Labels::open(Host::detached(), &config).unwrap();
    let mut count = 0;
    let mut find = |by| {
        let mut note = |_: &Item<'_>| {
            count += 1;
            Ok(())
        };
        let query = Query::new(by);
        store.find(&Call::detached(), &query, &mut Items::collecting(&mut note))
    };
    find(By::Id(b"0")).unwrap();
    find(By::Id(b"1")).unwrap();
    let unknown = find(By::Subject(b"0")).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unsupported);
    assert_eq!(count, 1);
}

#[test]
fn secret_is_asked_for_and_used_without_a_host() {
    let store = Key::open(Host::detached(), &Config::new("key", &[])).unwrap();
    let refused = store.unlock(&Call::detached()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PromptRefused);
    let wrong = store.unlock(&Call::answering(b"0000")).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::WrongSecret);
    let call = Call::answering(b"1234");
    let sign = || store.sign(&call, b"1", Scheme::ED25519, b"message");
    assert_eq!(sign().unwrap_err().kind(), ErrorKind::Locked);
    store.unlock(&call).unwrap();
    assert_eq!(sign().unwrap(), b"1234message");
    store.lock(&call).unwrap();
    assert_eq!(sign().unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(store.schemes(&call, b"1").unwrap(), [Scheme(0x0807)]);
    call.show("Touch it", "").unwrap();
}
