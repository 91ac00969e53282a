//! A store over a keychain in memory, as the host would call it.

use tempfile::TempDir;

use super::*;
use crate::keychain::Name;
use crate::keychain::sample::Memory;
use crate::settings::Kind as KeychainKind;

struct Bench {
    store: KeychainStore,
    memory: Memory,
    _home: TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let memory = Memory::default();
        let settings = Settings {
            kind: KeychainKind::SecretService,
            collection: None,
            account: "keychain-1".to_owned(),
            directory: home.path().to_owned(),
        };
        let store = KeychainStore {
            host: Host::detached(),
            vault: Vault::new(settings, memory.connect()),
            known: Mutex::new(Known {
                state: HealthState::Ready,
                detail: String::new(),
                last_success: 0,
                listed: None,
                told: 0,
            }),
        };
        Self {
            store,
            memory,
            _home: home,
        }
    }

    fn apply(&self, batch: &Batch<'_>) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::new();
        let mut take = |effect, _: &[u8]| {
            effects.push(effect);
            Ok(())
        };
        let mut outcomes = Outcomes::collecting(&mut take);
        self.store.apply(&Call::detached(), batch, &mut outcomes)?;
        Ok(effects)
    }

    fn put(&self, der: &[u8]) -> Result<Vec<Effect>, Error> {
        self.apply(&Batch::new(vec![Change::Put(item(der))]))
    }

    fn page(&self, page: &mut Page) -> Result<usize, Error> {
        let mut count = 0;
        let mut take = |_: &Item<'_>| {
            count += 1;
            Ok(())
        };
        let mut items = Items::collecting(&mut take);
        self.store.list(&Call::detached(), page, &mut items)?;
        Ok(count)
    }
}

fn item(der: &[u8]) -> Item<'_> {
    let mut item = Item::certificate(&[], der);
    item.label = "one";
    item.rules = Rule::SERVER_ANCHOR.into();
    item
}

#[test]
fn what_is_wrong_with_a_change_says_nothing_of_the_store() {
    let bench = Bench::new();
    bench.put(b"0one").unwrap();
    let error = bench.put(b"no certificate").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let health = bench.store.health();
    assert_eq!(health.state(), HealthState::Ready);
}

#[test]
fn a_batch_with_one_bad_change_makes_none() {
    let bench = Bench::new();
    let batch = vec![Change::Put(item(b"0one")), Change::Put(item(b"bad"))];
    bench.apply(&Batch::new(batch)).unwrap_err();
    assert_eq!(bench.page(&mut Page::new(0, &[])).unwrap(), 0);
    assert!(bench.memory.state().entries.is_empty());
}

#[test]
fn a_batch_that_is_only_checked_changes_nothing() {
    let bench = Bench::new();
    let batch = Batch::new(vec![Change::Put(item(b"0one"))]).only_checked();
    assert_eq!(bench.apply(&batch).unwrap(), [Effect::New]);
    assert!(bench.memory.state().entries.is_empty());
}

#[test]
fn what_was_taken_out_in_the_keychain_is_new_when_it_is_put_again() {
    let bench = Bench::new();
    bench.put(b"0one").unwrap();
    let is_record = |name: &Name| *name != Name::Master;
    bench
        .memory
        .state()
        .entries
        .retain(|name, _| !is_record(name));
    assert_eq!(bench.page(&mut Page::new(0, &[])).unwrap(), 0);
    assert_eq!(bench.store.health().state(), HealthState::Degraded);
    assert_eq!(bench.put(b"0one").unwrap(), [Effect::New]);
    assert_eq!(bench.page(&mut Page::new(0, &[])).unwrap(), 1);
    assert_eq!(bench.store.health().state(), HealthState::Ready);
}

#[test]
fn health_of_a_locked_keychain_is_told_from_memory() {
    let bench = Bench::new();
    bench.put(b"0one").unwrap();
    bench.memory.state().is_locked = true;
    assert_eq!(bench.store.health().state(), HealthState::Ready);
    let error = bench.page(&mut Page::new(0, &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(bench.store.health().state(), HealthState::Locked);
}
