//! One page at a time, as a process of its own asks for it.

use anchorhold_abi as abi;
use anchorhold_sdk::testing::{Contents, Held, PLUGIN};

use crate::confinement::Place;
use crate::open_store::OpenStore;
use crate::plugin::{Plugin, StoreConfig};
use crate::status::Status;
use crate::table::tests::odd::{Script, good, open_script};
use crate::table::{CallLimits, PageRequest};

#[test]
fn pages_follow_each_other_by_their_cursors() {
    let contents = Contents::named("by page");
    for name in ["a", "b", "c"] {
        contents.put(Held::anchor(name, name));
    }
    let plugin = Plugin::builtin(PLUGIN.builtin()).unwrap();
    let table = plugin.open(StoreConfig::new("by page")).unwrap();
    let mut request = PageRequest {
        cursor: Vec::new(),
        limit: 2,
    };
    let first = table.page(&request, &CallLimits::default()).unwrap();
    assert_eq!(first.items.len(), 2);
    request.cursor = first.cursor;
    let second = table.page(&request, &CallLimits::default()).unwrap();
    assert_eq!(second.items.len(), 1);
    assert!(second.cursor.is_empty());
    assert_eq!(first.generation, second.generation);
    // The state moved on, so the cursor is stale.
    contents.put(Held::anchor("d", "d"));
    let error = table.page(&request, &CallLimits::default()).unwrap_err();
    assert_eq!(error.status, Status::StaleCursor);
}

#[test]
fn page_keeps_to_the_contract_on_both_sides() {
    let table = open_script(
        0,
        Script {
            list: Box::new(|page, sink, _| {
                sink.push(&raw const *Box::leak(Box::new(good())));
                page.cursor_len = 129;
                abi::AH_OK
            }),
            ..Script::default()
        },
    );
    let request = PageRequest::default();
    let error = table.page(&request, &CallLimits::default()).unwrap_err();
    assert_eq!(error.status, Status::Protocol);
    let request = PageRequest {
        cursor: vec![0; 129],
        limit: 0,
    };
    let error = table.page(&request, &CallLimits::default()).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
}

#[test]
fn store_in_this_process_is_an_open_store() {
    let plugin = Plugin::builtin(PLUGIN.builtin()).unwrap();
    let store: Box<dyn OpenStore> = Box::new(plugin.open(StoreConfig::new("as open")).unwrap());
    assert_eq!(store.identity().id, "anchorhold.testing.memory");
    assert!(store.identity().can_sign && store.identity().can_find);
    assert_eq!(store.confinement().place, Place::InProcess);
    assert_eq!(store.last_health(), store.health());
    assert_eq!(store.ended(), None);
    assert!(store.list(&CallLimits::default()).unwrap().items.is_empty());
}
