//! Asking for certain items: what is found, what is none, and what a store must not answer.

use std::sync::{Arc, Mutex};

use anchorhold_abi as abi;
use anchorhold_abi::{ah_bytes, ah_item};
use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Contents, Held, Operation, PLUGIN};

use crate::adopt::der::sample;
use crate::item::Kind;
use crate::plugin::{Plugin, StoreConfig};
use crate::query::{By, Query};
use crate::status::Status;
use crate::table::tests::odd::{Script, good, open_script};
use crate::table::{CallLimits, Table};

fn limits() -> CallLimits {
    CallLimits::default()
}

fn open(name: &str) -> (Table, Arc<Contents>) {
    let plugin = Plugin::builtin(PLUGIN.builtin()).unwrap();
    (
        plugin.open(StoreConfig::new(name)).unwrap(),
        Contents::named(name),
    )
}

/// An odd store whose find pushes these items and returns this status.
fn finding(
    status: abi::ah_status,
    items: impl Fn() -> Vec<ah_item> + Send + Sync + 'static,
) -> Table {
    open_script(
        0,
        Script {
            find: Box::new(move |_, sink| {
                for item in items() {
                    match sink.push(&raw const item) {
                        abi::AH_OK => {}
                        status => return status,
                    }
                }
                status
            }),
            ..Script::default()
        },
    )
}

#[test]
fn item_is_found_by_its_id_and_another_one_is_none() {
    let (table, contents) = open("find by id");
    let id = contents.put(Held::anchor("a", "one"));
    contents.put(Held::anchor("b", "two"));
    let found = table
        .find(&Query::new(By::Id(id.clone())), &limits())
        .unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(
        (found.items[0].label.as_str(), &found.items[0].id.0),
        ("one", &id)
    );
    let none = table
        .find(&Query::new(By::Id(b"nobody".to_vec())), &limits())
        .unwrap();
    assert!(none.items.is_empty());
    assert_eq!(contents.finds(), 2);
}

#[test]
fn every_key_of_a_query_arrives_whole() {
    let (table, contents) = open("find by all");
    contents.put(Held::anchor(sample::certificate(), "it"));
    let queries = [
        By::Subject(sample::name("subject")),
        By::IssuerSerial {
            issuer: sample::name("issuer"),
            serial: vec![0x11],
        },
    ];
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    contents.find_by(move |query, _| {
        kept.lock().unwrap().push(format!("{:?}", query.by()));
        true
    });
    for by in queries {
        let found = table.find(&Query::new(by), &limits()).unwrap();
        assert_eq!(found.items.len(), 1);
    }
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with("Subject(["), "{asked:?}");
    assert!(asked[1].contains("serial: [17]"), "{asked:?}");
}

#[test]
fn store_that_answers_with_another_certificate_breaks_the_contract() {
    let (table, contents) = open("find wrong");
    contents.put(Held::anchor(sample::certificate(), "another"));
    contents.fault(|faults| faults.finds_everything = true);
    for by in [
        By::Id(b"x".to_vec()),
        By::Sha256([0; 32]),
        By::SpkiSha256([0; 32]),
        By::Subject(sample::name("issuer")),
        By::IssuerSerial {
            issuer: sample::name("issuer"),
            serial: vec![0x12],
        },
    ] {
        let error = table.find(&Query::new(by), &limits()).unwrap_err();
        assert_eq!(error.status, Status::Protocol);
        assert!(error.message.contains("\"another\""), "{error}");
    }
    let mut query = Query::new(By::Subject(sample::name("subject")));
    query.kinds = vec![Kind::Crl];
    let error = table.find(&query, &limits()).unwrap_err();
    assert_eq!(error.status, Status::Protocol);
    query.kinds = vec![Kind::Certificate];
    assert_eq!(table.find(&query, &limits()).unwrap().items.len(), 1);
}

#[test]
fn broken_item_is_left_out_and_counted() {
    let (table, contents) = open("find broken");
    contents.put(Held::anchor("no certificate", "broken"));
    contents.fault(|faults| faults.finds_everything = true);
    let query = Query::new(By::Subject(sample::name("subject")));
    let found = table.find(&query, &limits()).unwrap();
    assert_eq!((found.items.len(), found.skipped), (0, 1));
}

#[test]
fn no_error_means_none() {
    let (table, contents) = open("find fails");
    for (kind, status) in [
        (ErrorKind::Unavailable, Status::Unavailable),
        (ErrorKind::Locked, Status::Locked),
        // Not found is no answer to a find: the SDK makes it what it is.
        (ErrorKind::NotFound, Status::Internal),
    ] {
        contents.fault(|faults| faults.find = Some(kind));
        let error = table
            .find(&Query::new(By::Id(vec![1])), &limits())
            .unwrap_err();
        assert_eq!(error.status, status);
    }
    let odd = finding(abi::AH_NOT_FOUND, Vec::new);
    let error = odd
        .find(&Query::new(By::Id(vec![1])), &limits())
        .unwrap_err();
    assert_eq!(error.status, Status::NotFound);
}

#[test]
fn locked_store_says_so_and_asks_nobody() {
    let (table, contents) = open("find locked");
    contents.put(Held::anchor("a", "one"));
    contents.lock_with(b"1234");
    let mut limits = limits();
    limits.may_prompt = true;
    let error = table
        .find(&Query::new(By::Id(vec![1])), &limits)
        .unwrap_err();
    assert_eq!(error.status, Status::Locked);
}

#[test]
fn panic_in_find_retires_the_store() {
    // R5
    let (table, contents) = open("find panics");
    contents.fault(|faults| faults.panic = Some(Operation::Find));
    let query = Query::new(By::Id(vec![1]));
    assert_eq!(
        table.find(&query, &limits()).unwrap_err().status,
        Status::Panic
    );
    assert!(table.ended().is_some());
    assert_eq!(table.list(&limits()).unwrap_err().status, Status::Panic);
}

#[test]
fn two_items_of_one_id_break_the_contract() {
    let odd = finding(abi::AH_OK, || vec![good(), good()]);
    let error = odd
        .find(&Query::new(By::Id(b"1".to_vec())), &limits())
        .unwrap_err();
    assert_eq!(error.status, Status::Protocol);
}

#[test]
fn item_that_breaks_the_contract_fails_the_find() {
    let odd = finding(abi::AH_OK, || {
        let mut item = good();
        item.id = ah_bytes::EMPTY;
        vec![item]
    });
    let error = odd
        .find(&Query::new(By::Id(b"1".to_vec())), &limits())
        .unwrap_err();
    assert_eq!(error.status, Status::Protocol);
}

#[test]
fn refused_item_fails_the_find_even_if_the_plugin_goes_on() {
    let odd = open_script(
        0,
        Script {
            find: Box::new(|_, sink| {
                sink.push(std::ptr::null());
                sink.push(&raw const *Box::leak(Box::new(good())));
                abi::AH_OK
            }),
            ..Script::default()
        },
    );
    let error = odd
        .find(&Query::new(By::Id(b"1".to_vec())), &limits())
        .unwrap_err();
    assert_eq!(error.status, Status::Protocol);
}

#[test]
fn answer_without_end_is_a_limit() {
    let odd = open_script(
        0,
        Script {
            find: Box::new(|_, sink| {
                let item = good();
                loop {
                    match sink.push(&raw const item) {
                        abi::AH_OK => {}
                        status => return status,
                    }
                }
            }),
            ..Script::default()
        },
    );
    let error = odd
        .find(&Query::new(By::Id(b"1".to_vec())), &limits())
        .unwrap_err();
    assert_eq!(error.status, Status::Limit);
}

#[test]
fn status_of_the_hosts_own_range_breaks_the_contract() {
    let odd = finding(0x1001, Vec::new);
    let error = odd
        .find(&Query::new(By::Id(b"1".to_vec())), &limits())
        .unwrap_err();
    assert_eq!(error.status, Status::Protocol);
}
