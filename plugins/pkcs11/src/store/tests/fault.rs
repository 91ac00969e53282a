//! What a store makes of a module that goes wrong once, with a token of SoftHSM behind it.

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags};

use super::*;
use crate::workshop::alone_with;

/// What a test with faults needs.
const NEEDED: &[&str] = &[SOFTHSM, "softhsm2-util", "pkcs11-tool", "openssl", "cc"];
const SCHEME: Scheme = Scheme::ECDSA_SECP256R1_SHA256;

/// A token with a key, and a store on it that the faults are in.
fn faulty(workshop: &Workshop) -> TokenStore {
    workshop.token("corp");
    let key = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", "02"];
    workshop.tool(&key);
    open(&[("module", &*workshop.shim()), ("token", "corp")])
}

fn count(store: &TokenStore) -> usize {
    of_kind(store, Kind::PrivateKey).len()
}

#[test]
fn health_waits_for_no_module() {
    const NAME: &str = "store::tests::fault::health_waits_for_no_module";
    alone_with("C_GetSessionInfo=while:{}/stop", NAME, NEEDED, |workshop| {
        let store = faulty(workshop);
        listed(&store);
        workshop.write("stop", b"");
        let (done, ended) = mpsc::channel();
        let answered = thread::scope(|scope| {
            scope.spawn(|| listed(&store));
            scope.spawn(|| {
                let until = Instant::now() + Duration::from_millis(500);
                while Instant::now() < until {
                    assert_eq!(store.health().state(), HealthState::Ready);
                    thread::yield_now();
                }
                done.send(()).unwrap();
            });
            let answered = ended.recv_timeout(Duration::from_secs(10));
            fs::remove_file(workshop.path("stop")).unwrap();
            answered
        });
        answered.unwrap();
    });
}

#[test]
fn a_logout_that_fails_locks_the_store() {
    const NAME: &str = "store::tests::fault::a_logout_that_fails_locks_the_store";
    alone_with("C_Logout=CKR_DEVICE_ERROR", NAME, NEEDED, |workshop| {
        let store = faulty(workshop);
        store.unlock(&user()).unwrap();
        assert_eq!(count(&store), 1);
        store.lock(&Call::detached()).unwrap_err();
        assert_eq!(count(&store), 0);
    });
}

#[test]
fn a_logout_that_fails_after_a_write_takes_nothing_of_it_back() {
    const NAME: &str =
        "store::tests::fault::a_logout_that_fails_after_a_write_takes_nothing_of_it_back";
    alone_with("C_Logout=CKR_DEVICE_ERROR", NAME, NEEDED, |workshop| {
        let der = workshop.certificate("anchor");
        let store = faulty(workshop);
        let changes = vec![anchor(&der, "ours")];
        assert_eq!(applied(&store, &user(), changes), [Effect::New]);
        assert_eq!(labels(&store), ["ours"]);
        assert_eq!(count(&store), 0);
    });
}

#[test]
fn what_another_call_left_unfinished_is_begun_anew_and_the_store_stays_unlocked() {
    const NAME: &str = "store::tests::fault::\
        what_another_call_left_unfinished_is_begun_anew_and_the_store_stays_unlocked";
    let faults = "C_FindObjectsInit=CKR_OPERATION_ACTIVE@1 C_SignInit=CKR_OPERATION_ACTIVE@1";
    alone_with(faults, NAME, NEEDED, |workshop| {
        let store = faulty(workshop);
        store.unlock(&user()).unwrap();
        let key = of_kind(&store, Kind::PrivateKey).remove(0);
        let nobody = Call::detached();
        store.sign(&nobody, &key.id, SCHEME, b"message").unwrap();
    });
}

#[test]
fn a_handle_that_is_gone_is_looked_for_anew() {
    const NAME: &str = "store::tests::fault::a_handle_that_is_gone_is_looked_for_anew";
    let faults = "C_SignInit=CKR_KEY_HANDLE_INVALID@1";
    alone_with(faults, NAME, NEEDED, |workshop| {
        let store = faulty(workshop);
        store.unlock(&user()).unwrap();
        let key = of_kind(&store, Kind::PrivateKey).remove(0);
        let nobody = Call::detached();
        store.sign(&nobody, &key.id, SCHEME, b"message").unwrap();
    });
}

#[test]
fn what_a_token_can_do_is_asked_once() {
    const NAME: &str = "store::tests::fault::what_a_token_can_do_is_asked_once";
    alone_with("C_GetMechanismList=exit@3", NAME, NEEDED, |workshop| {
        let store = faulty(workshop);
        store.unlock(&user()).unwrap();
        let key = of_kind(&store, Kind::PrivateKey).remove(0);
        let nobody = Call::detached();
        for _ in 0..3 {
            assert_eq!(store.schemes(&nobody, &key.id).unwrap(), [SCHEME]);
            store.sign(&nobody, &key.id, SCHEME, b"message").unwrap();
        }
    });
}

#[test]
fn a_store_whose_session_was_ended_is_unlocked_in_another() {
    const NAME: &str =
        "store::tests::fault::a_store_whose_session_was_ended_is_unlocked_in_another";
    alone_with("", NAME, NEEDED, |workshop| {
        let store = faulty(workshop);
        assert_eq!(count(&store), 0);
        {
            // All of them end with the module, as those of a token do that is pulled out.
            let module = store.holding.lock().unwrap().module().unwrap();
            module.clone().finalize().unwrap();
            let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
            module.initialize(arguments).unwrap();
        }
        store.unlock(&user()).unwrap();
        assert_eq!(count(&store), 1);
    });
}

#[test]
fn a_module_that_was_told_nobody_knows_what_is_not_used() {
    const NAME: &str = "store::tests::fault::a_module_that_was_told_nobody_knows_what_is_not_used";
    let faults = "C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED";
    alone_with(faults, NAME, NEEDED, |workshop| {
        let module = workshop.shim();
        let store = open(&[("module", &*module), ("reserved", "mine")]);
        let refused = store.unlock(&user()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidState, "{refused}");
        assert!(refused.message().contains("isolation"), "{refused}");
    });
}
