//! Signing with a key that stays in the store.

use std::sync::Arc;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_bytes, ah_status};
use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Contents, Held, Operation, PLUGIN};

use crate::item::ItemId;
use crate::plugin::{Plugin, StoreConfig};
use crate::query::{By, Query};
use crate::status::{CallError, Status};
use crate::table::tests::odd::{ByteSink, Script, open_bare, open_script};
use crate::table::tests::unlocking::{Person, asking};
use crate::table::{CallLimits, Table};

const ECDSA: u16 = 0x0403;
const RSA_PSS: u16 = 0x0804;

fn limits() -> CallLimits {
    CallLimits::default()
}

fn open(name: &str, held: Held) -> (Table, Arc<Contents>, ItemId, Arc<Person>) {
    let person = Person::with(&[b"1234"]);
    let mut config = StoreConfig::new(name);
    config.prompter = Some(Arc::<Person>::clone(&person));
    let plugin = Plugin::builtin(PLUGIN.builtin()).unwrap();
    let contents = Contents::named(name);
    let id = contents.put(held);
    (plugin.open(config).unwrap(), contents, ItemId(id), person)
}

/// An odd store that signs like this.
fn signing(sign: impl Fn(&[u8], ByteSink) -> ah_status + Send + Sync + 'static) -> Table {
    open_script(
        0,
        Script {
            sign: Box::new(move |_, message, sink| sign(message, sink)),
            ..Script::default()
        },
    )
}

fn signed(table: &Table, scheme: u16) -> Result<Vec<u8>, CallError> {
    table.sign(&ItemId(vec![1]), scheme, b"message", &limits())
}

/// An odd store that answers a question for schemes like this.
fn offering(
    schemes: impl Fn(&mut [u16], &mut usize) -> ah_status + Send + Sync + 'static,
) -> Table {
    open_script(
        0,
        Script {
            schemes: Box::new(schemes),
            ..Script::default()
        },
    )
}

fn schemes(table: &Table) -> Result<Vec<u16>, CallError> {
    table.schemes(&ItemId(vec![1]), &limits())
}

#[test]
fn key_tells_its_schemes_and_signs_in_them() {
    let (table, _, key, person) = open("sign", Held::key("public", "the key"));
    assert_eq!(table.schemes(&key, &limits()).unwrap(), [ECDSA, RSA_PSS]);
    let one = table.sign(&key, ECDSA, b"message", &limits()).unwrap();
    let other = table.sign(&key, ECDSA, b"massage", &limits()).unwrap();
    assert_ne!(one, other);
    let long = table.sign(&key, RSA_PSS, &[7; 1 << 20], &limits()).unwrap();
    assert_eq!(long.len(), 256);
    assert_eq!(person.asked().len(), 0);
    let found = table.find(&Query::new(By::Id(key.0)), &limits()).unwrap();
    assert!(found.items[0].read_only);
}

#[test]
fn key_that_is_not_there_is_not_found() {
    let (table, _, _, _) = open("sign whose", Held::anchor("no key", ""));
    let key = ItemId(b"nobody".to_vec());
    assert_eq!(
        table.schemes(&key, &limits()).unwrap_err().status,
        Status::NotFound
    );
    assert_eq!(
        table.sign(&key, ECDSA, b"m", &limits()).unwrap_err().status,
        Status::NotFound
    );
}

#[test]
fn key_that_asks_each_use_asks_where_it_may() {
    let mut held = Held::key("public", "the key");
    held.asks_each_use = true;
    let (table, _, key, person) = open("sign asks", held);
    assert!(table.list(&limits()).unwrap().items[0].asks_each_use);
    assert_eq!(
        table.sign(&key, ECDSA, b"m", &limits()).unwrap_err().status,
        Status::PromptRefused
    );
    assert_eq!(person.asked().len(), 0);
    assert!(table.sign(&key, ECDSA, b"m", &asking()).is_ok());
    assert_eq!(person.asked().len(), 1);
}

#[test]
fn error_and_panic_of_sign_are_what_they_are() {
    // R5
    let (table, contents, key, _) = open("sign fails", Held::key("public", ""));
    contents.fault(|faults| faults.sign = Some(ErrorKind::NotPresent));
    assert_eq!(
        table.sign(&key, ECDSA, b"m", &limits()).unwrap_err().status,
        Status::NotPresent
    );
    assert_eq!(
        table
            .sign(&key, 0x0807, b"m", &limits())
            .unwrap_err()
            .status,
        Status::NotPresent
    );
    contents.fault(|faults| {
        faults.sign = None;
        faults.panic = Some(Operation::Sign);
    });
    assert_eq!(
        table.sign(&key, ECDSA, b"m", &limits()).unwrap_err().status,
        Status::Panic
    );
    assert!(table.ended().is_some());
}

#[test]
fn ecdsa_signature_that_is_no_sequence_breaks_the_contract() {
    let (table, contents, key, _) = open("sign nonsense", Held::key("public", ""));
    contents.fault(|faults| faults.signs_nonsense = true);
    let error = table.sign(&key, ECDSA, b"m", &limits()).unwrap_err();
    assert_eq!(error.status, Status::Protocol);
    assert!(error.message.contains("DER SEQUENCE"), "{error}");
    // What other schemes carry is bytes.
    assert!(table.sign(&key, RSA_PSS, b"m", &limits()).is_ok());
}

#[test]
fn signature_is_put_exactly_once_and_bounded() {
    let cases = [
        (signing(|_, _| abi::AH_OK), "gave no signature"),
        (
            signing(|message, sink| {
                sink.put(message);
                sink.put(message);
                abi::AH_OK
            }),
            "two signatures",
        ),
        (
            signing(|_, sink| {
                sink.put(&[7; 65_536]);
                abi::AH_OK
            }),
            "65536 bytes",
        ),
        (signing(|_, sink| sink.put(b"")), "without bytes"),
        (
            signing(|_, sink| {
                sink.put_raw(ah_bytes {
                    ptr: std::ptr::null(),
                    len: 7,
                })
            }),
            "no bytes where it says",
        ),
        (
            signing(|message, sink| {
                let message = message.to_vec();
                std::thread::spawn(move || {
                    let sink = sink;
                    sink.put(&message)
                })
                .join()
                .unwrap();
                abi::AH_OK
            }),
            "a thread of its own",
        ),
    ];
    for (table, message) in cases {
        let error = signed(&table, RSA_PSS).unwrap_err();
        assert_eq!(error.status, Status::Protocol, "{message}");
        assert!(error.message.contains(message), "{error}");
    }
    let echo = signing(|message, sink| sink.put(message));
    assert_eq!(signed(&echo, RSA_PSS).unwrap(), b"message");
    let late = signing(|message, sink| {
        sink.put(message);
        abi::AH_UNAVAILABLE
    });
    assert_eq!(
        signed(&late, RSA_PSS).unwrap_err().status,
        Status::Unavailable
    );
}

#[test]
fn what_the_contract_does_not_allow_is_not_sent() {
    let table = signing(|_, _| panic!("called"));
    for (key, message) in [
        (vec![], vec![]),
        (vec![1; 65], vec![]),
        (vec![1], vec![0; (1 << 20) + 1]),
    ] {
        let error = table
            .sign(&ItemId(key), ECDSA, &message, &limits())
            .unwrap_err();
        assert_eq!(error.status, Status::InvalidArgument);
    }
    assert_eq!(
        table
            .schemes(&ItemId(Vec::new()), &limits())
            .unwrap_err()
            .status,
        Status::InvalidArgument
    );
}

#[test]
fn many_schemes_are_asked_for_twice() {
    let many = |most: u16| {
        offering(move |out, count| {
            *count = usize::from(most);
            if out.len() < *count {
                return abi::AH_BUFFER_TOO_SMALL;
            }
            for (slot, scheme) in out.iter_mut().zip(1..=most) {
                *slot = scheme;
            }
            abi::AH_OK
        })
    };
    assert_eq!(schemes(&many(32)).unwrap().len(), 32);
    let all = schemes(&many(100)).unwrap();
    assert_eq!((all.len(), all[99]), (100, 100));
    assert!(schemes(&many(0)).unwrap().is_empty());
    assert_eq!(schemes(&many(257)).unwrap_err().status, Status::Limit);
}

#[test]
fn count_that_does_not_fit_breaks_the_contract() {
    for (status, wrong) in [
        (abi::AH_OK, 33),
        (abi::AH_BUFFER_TOO_SMALL, 32),
        (abi::AH_BUFFER_TOO_SMALL, 0),
    ] {
        let table = offering(move |_, count| {
            *count = wrong;
            status
        });
        assert_eq!(schemes(&table).unwrap_err().status, Status::Protocol);
    }
    let restless = offering(|out, count| {
        *count = out.len() + 1;
        abi::AH_BUFFER_TOO_SMALL
    });
    assert_eq!(schemes(&restless).unwrap_err().status, Status::Protocol);
}

#[test]
fn plugin_without_keys_cannot_sign() {
    let table = open_bare();
    assert_eq!(
        signed(&table, ECDSA).unwrap_err().status,
        Status::Unsupported
    );
    assert_eq!(schemes(&table).unwrap_err().status, Status::Unsupported);
    let query = Query::new(By::Id(vec![1]));
    assert_eq!(
        table.find(&query, &limits()).unwrap_err().status,
        Status::Unsupported
    );
}
