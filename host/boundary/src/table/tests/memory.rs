//! The whole contract, against the store in memory of the SDK.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Contents, Held, Operation, PLUGIN};

use crate::batch::{Batch, Change, Effect};
use crate::health::HealthState;
use crate::item::{Decision, Item, ItemId, Kind, Purpose, Rule};
use crate::plugin::{Plugin, StoreConfig};
use crate::services::LogLevel;
use crate::status::Status;
use crate::table::{CallLimits, Table};

type Lines = Arc<Mutex<Vec<(LogLevel, String)>>>;

fn plugin() -> Plugin {
    Plugin::builtin(PLUGIN.builtin()).unwrap()
}

/// Opens a store on contents of its own, and gives its log.
fn open(name: &str) -> (Table, Arc<Contents>, Lines) {
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let mut config = StoreConfig::new(name);
    config.log = Arc::new(move |level, line| kept.lock().unwrap().push((level, line.to_owned())));
    (plugin().open(config).unwrap(), Contents::named(name), lines)
}

fn limits() -> CallLimits {
    CallLimits::default()
}

fn put(items: Vec<Item>) -> Batch {
    Batch {
        changes: items.into_iter().map(Change::Put).collect(),
        ..Batch::default()
    }
}

#[test]
fn plugin_tells_what_it_is() {
    let plugin = plugin();
    assert_eq!(plugin.id(), "anchorhold.testing.memory");
    assert_eq!(plugin.name(), "Memory, for tests");
    assert!(plugin.can_write());
    assert!(plugin.can_find() && plugin.can_unlock() && plugin.can_sign());
    assert!(plugin.manifest().settings.contains_key("contents"));
}

#[test]
fn item_crosses_both_ways_whole() {
    let (table, _, _) = open("whole");
    let mut item = Item::certificate(b"der".to_vec(), "Zürich".to_owned());
    item.rules.push(Rule {
        purpose: Purpose::Email,
        decision: Decision::Distrust,
        issued_before: 17,
    });
    item.name_constraints = b"constraints".to_vec();
    item.scope = "TSM1\nTSM2".to_owned();
    item.created = 1;
    item.modified = -2;
    let outcomes = table.apply(&put(vec![item.clone()]), &limits()).unwrap();
    assert_eq!(outcomes.len(), 1);
    assert_eq!((outcomes[0].index, outcomes[0].effect), (0, Effect::New));
    item.id = outcomes[0].id.clone();
    let listing = table.list(&limits()).unwrap();
    assert_eq!(listing.items, [item]);
    assert_eq!(
        (listing.generation, listing.skipped, listing.repaired),
        (2, 0, 0)
    );
}

#[test]
fn every_kind_crosses() {
    let (table, contents, _) = open("kinds");
    let kinds = [
        (anchorhold_sdk::Kind::Certificate, Kind::Certificate),
        (anchorhold_sdk::Kind::Crl, Kind::Crl),
        (anchorhold_sdk::Kind::IssuerSerial, Kind::IssuerSerial),
        (anchorhold_sdk::Kind::PrivateKey, Kind::PrivateKey),
        (anchorhold_sdk::Kind::SpkiSha256, Kind::SpkiSha256),
    ];
    for (kind, _) in kinds {
        let mut held = Held::anchor([1; 32], "");
        held.kind = kind;
        contents.put(held);
    }
    let listed: Vec<_> = table
        .list(&limits())
        .unwrap()
        .items
        .into_iter()
        .map(|item| item.kind)
        .collect();
    assert_eq!(listed, kinds.map(|(_, kind)| kind));
}

#[test]
fn repeated_batch_is_unchanged_and_update_is_told() {
    let (table, _, _) = open("repeated");
    let mut item = Item::certificate(b"der".to_vec(), "one".to_owned());
    let effects = |batch: &Batch| -> Vec<Effect> {
        table
            .apply(batch, &limits())
            .unwrap()
            .iter()
            .map(|outcome| outcome.effect)
            .collect()
    };
    assert_eq!(effects(&put(vec![item.clone()])), [Effect::New]);
    assert_eq!(effects(&put(vec![item.clone()])), [Effect::Unchanged]);
    item.label = "two".to_owned();
    assert_eq!(effects(&put(vec![item])), [Effect::Updated]);
    let id = table.list(&limits()).unwrap().items[0].id.clone();
    let remove = Batch {
        changes: vec![Change::Remove(id)],
        ..Batch::default()
    };
    assert_eq!(effects(&remove), [Effect::Removed]);
    assert_eq!(effects(&remove), [Effect::Unchanged]);
}

#[test]
fn check_changes_nothing() {
    let (table, contents, _) = open("check");
    let mut batch = put(vec![Item::certificate(b"der".to_vec(), String::new())]);
    batch.check_only = true;
    assert_eq!(
        table.apply(&batch, &limits()).unwrap()[0].effect,
        Effect::New
    );
    assert!(contents.items().is_empty());
}

#[test]
fn store_that_moved_on_is_a_conflict() {
    let (table, contents, _) = open("conflict");
    contents.put(Held::anchor("a", "a"));
    let mut batch = put(vec![Item::certificate(b"der".to_vec(), String::new())]);
    batch.if_generation = 1;
    let error = table.apply(&batch, &limits()).unwrap_err();
    assert_eq!(
        (error.error.status, error.done.len()),
        (Status::Conflict, 0)
    );
}

#[test]
fn what_was_done_before_an_error_is_told() {
    let (table, contents, _) = open("partly");
    contents.fault(|faults| faults.apply = Some((1, ErrorKind::Full)));
    let items = [b"a", b"b"].map(|der| Item::certificate(der.to_vec(), String::new()));
    let error = table.apply(&put(items.to_vec()), &limits()).unwrap_err();
    assert_eq!(error.done.len(), 1);
    assert_eq!(error.error.status, Status::Full);
    assert_eq!(
        error.to_string(),
        "after 1 change: no room is left: \"told to fail\" (errno 5)"
    );
}

#[test]
fn pages_are_joined_in_order() {
    let (table, contents, _) = open("pages");
    contents.replace((0..100_u8).map(|byte| Held::anchor([byte], "")).collect());
    let ders = |limits: &CallLimits| -> Vec<Vec<u8>> {
        table
            .list(limits)
            .unwrap()
            .items
            .into_iter()
            .map(|item| item.der)
            .collect()
    };
    let whole = ders(&limits());
    assert_eq!(whole.len(), 100);
    assert_eq!(contents.lists(), 1);
    for page in [1, 2, 7, 99, 100, 101] {
        let mut paged = limits();
        paged.page = page;
        assert_eq!(ders(&paged), whole, "page of {page}");
    }
}

#[test]
fn stale_cursor_starts_again_three_times() {
    let (table, contents, _) = open("stale");
    contents.replace((0..4_u8).map(|byte| Held::anchor([byte], "")).collect());
    contents.fault(|faults| (faults.page, faults.stale_pages) = (3, 3));
    let listing = table.list(&limits()).unwrap();
    assert_eq!(listing.items.len(), 4);
    // Three first pages whose second one is stale, then both pages.
    assert_eq!(contents.lists(), 8);
    contents.fault(|faults| faults.stale_pages = 4);
    let error = table.list(&limits()).unwrap_err();
    assert_eq!(error.status, Status::StaleCursor);
    assert_eq!(contents.lists(), 16);
}

#[test]
fn errors_keep_what_to_do_next() {
    let (table, contents, _) = open("errors");
    for (kind, status) in [
        (ErrorKind::Locked, Status::Locked),
        (ErrorKind::Unavailable, Status::Unavailable),
        (ErrorKind::Denied, Status::Denied),
        (ErrorKind::NotPresent, Status::NotPresent),
        (ErrorKind::LockedOut, Status::LockedOut),
        (ErrorKind::Internal, Status::Internal),
    ] {
        contents.fault(|faults| faults.list = Some(kind));
        let error = table.list(&limits()).unwrap_err();
        assert_eq!(error.status, status);
        assert_eq!(error.native, Some(("errno".to_owned(), 5)));
        assert_eq!(error.message, "told to fail");
    }
}

#[test]
fn health_is_told_whole() {
    let (table, contents, _) = open("health");
    contents.put(Held::anchor("a", "a"));
    let health = table.health().unwrap();
    assert_eq!(health.state, HealthState::Ready);
    assert!(health.writable && health.watching && !health.asks_write);
    assert_eq!((health.generation, health.item_count), (2, Some(1)));
    contents.fault(|faults| {
        faults.health = Some(HealthState::Locked.into());
        faults.read_only = true;
    });
    let health = table.health().unwrap();
    assert_eq!(health.state, HealthState::Locked);
    assert!(!health.writable);
}

impl From<HealthState> for anchorhold_sdk::HealthState {
    fn from(state: HealthState) -> Self {
        match state {
            HealthState::Degraded => Self::Degraded,
            HealthState::Failed => Self::Failed,
            HealthState::Locked => Self::Locked,
            HealthState::Offline => Self::Offline,
            HealthState::Ready => Self::Ready,
        }
    }
}

#[test]
fn panic_retires_the_store_and_is_logged_with_its_place() {
    // R5
    let (table, contents, lines) = open("panic");
    contents.fault(|faults| faults.panic = Some(Operation::List));
    let error = table.list(&limits()).unwrap_err();
    assert_eq!(error.status, Status::Panic);
    assert!(
        error.message.starts_with("told to panic in List at "),
        "{error}"
    );
    contents.fault(|faults| faults.panic = None);
    let pages = contents.lists();
    for error in [
        table.list(&limits()).unwrap_err(),
        table.health().unwrap_err(),
    ] {
        assert_eq!(error.status, Status::Panic);
        assert!(error.to_string().contains("opened again"), "{error}");
    }
    let batch = put(vec![Item::certificate(b"der".to_vec(), String::new())]);
    assert_eq!(
        table.apply(&batch, &limits()).unwrap_err().error.status,
        Status::Panic
    );
    assert_eq!((contents.lists(), contents.applies()), (pages, 0));
    let lines = lines.lock().unwrap();
    let (level, line) = lines.last().unwrap();
    assert_eq!(*level, LogLevel::Error);
    assert!(
        line.contains("panic in list") && line.contains("memory.rs:"),
        "{line}"
    );
}

#[test]
fn retired_store_can_be_opened_again() {
    let (table, contents, _) = open("again");
    contents.fault(|faults| faults.panic = Some(Operation::Health));
    assert_eq!(table.health().unwrap_err().status, Status::Panic);
    drop(table);
    contents.fault(|faults| faults.panic = None);
    assert!(open("again").0.health().is_ok());
}

#[test]
fn panic_while_opening_or_closing_is_contained() {
    // R5
    let contents = Contents::named("opening");
    contents.fault(|faults| faults.panic = Some(Operation::Open));
    let error = plugin().open(StoreConfig::new("opening")).unwrap_err();
    assert_eq!(error.status, Status::Panic);
    let (table, contents, lines) = open("closing");
    contents.fault(|faults| faults.panic = Some(Operation::Close));
    drop(table);
    assert!(
        lines
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .1
            .contains("panic in close")
    );
}

#[test]
fn store_that_does_not_open_says_why() {
    Contents::named("shut").fault(|faults| faults.open = Some(ErrorKind::Denied));
    let error = plugin().open(StoreConfig::new("shut")).unwrap_err();
    assert_eq!(error.status, Status::Denied);
}

#[test]
fn settings_arrive() {
    let mut config = StoreConfig::new("settings");
    config.settings = vec![
        ("contents".to_owned(), "settings, elsewhere".to_owned()),
        ("fault".to_owned(), "list=locked".to_owned()),
        ("fault".to_owned(), "read-only".to_owned()),
    ];
    let table = plugin().open(config).unwrap();
    assert_eq!(table.list(&limits()).unwrap_err().status, Status::Locked);
    assert!(!table.health().unwrap().writable);
    let mut config = StoreConfig::new("settings");
    config.settings = vec![("fault".to_owned(), "no such fault".to_owned())];
    let error = plugin().open(config).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
}

#[test]
fn change_is_heard_of_once() {
    let (table, contents, _) = open("changed");
    assert!(!table.changed());
    contents.put(Held::anchor("a", "a"));
    contents.put(Held::anchor("b", "b"));
    assert!(table.changed());
    assert!(!table.changed());
}

#[test]
fn nothing_is_heard_of_a_closed_store() {
    // R7
    let (table, contents, lines) = open("closed");
    drop(table);
    contents.put(Held::anchor("a", "a"));
    assert!(lines.lock().unwrap().is_empty());
}

#[test]
fn call_that_is_called_off_is_not_made() {
    let (table, contents, _) = open("off");
    let mut limits = CallLimits::within(Duration::from_secs(60));
    limits.cancel = Some(Arc::new(true.into()));
    assert_eq!(table.list(&limits).unwrap_err().status, Status::Cancelled);
    let late = CallLimits::within(Duration::ZERO);
    assert_eq!(table.list(&late).unwrap_err().status, Status::Timeout);
    assert_eq!(contents.lists(), 0);
}

#[test]
fn what_the_contract_does_not_allow_is_not_sent() {
    let (table, contents, _) = open("unsent");
    let mut long_id = Item::certificate(b"der".to_vec(), String::new());
    long_id.id = ItemId(vec![1; 65]);
    let empty = Item::certificate(Vec::new(), String::new());
    let long_label = Item::certificate(b"der".to_vec(), "x".repeat(1025));
    let large = Item::certificate(vec![1; (256 << 10) + 1], String::new());
    for (item, status) in [
        (long_id, Status::InvalidArgument),
        (empty, Status::InvalidArgument),
        (large, Status::Limit),
        (long_label, Status::Limit),
    ] {
        assert_eq!(
            table
                .apply(&put(vec![item]), &limits())
                .unwrap_err()
                .error
                .status,
            status
        );
    }
    let remove = Batch {
        changes: vec![Change::Remove(ItemId::default())],
        ..Batch::default()
    };
    let error = table.apply(&remove, &limits()).unwrap_err();
    assert_eq!(error.error.status, Status::InvalidArgument);
    assert_eq!(contents.applies(), 0);
}

#[test]
fn empty_batch_is_done_at_once() {
    let (table, _, _) = open("empty");
    assert_eq!(table.apply(&Batch::default(), &limits()), Ok(Vec::new()));
}
