//! On which threads a store is called, and when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_batch, ah_health, ah_page};

use crate::batch::{Batch, Change};
use crate::item::Item;
use crate::status::Status;
use crate::table::tests::odd::{OutcomeSink, Script, Sink, good, open_script};
use crate::table::{CallLimits, Table};

#[test]
fn affine_store_is_listed_on_one_thread_and_healthy_on_any() {
    // R7
    let listed = Arc::new(Mutex::new(Vec::<ThreadId>::new()));
    let kept = Arc::clone(&listed);
    let script = Script {
        list: Box::new(move |_: &mut ah_page, _: Sink, _| {
            kept.lock().unwrap().push(thread::current().id());
            abi::AH_OK
        }),
        health: Box::new(|_: &mut ah_health| abi::AH_OK),
        ..Script::default()
    };
    let table = open_script(abi::AH_PLUGIN_THREAD_AFFINE, script);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| table.list(&CallLimits::default()).unwrap());
        }
    });
    table.health().unwrap();
    let listed = listed.lock().unwrap();
    assert_eq!(listed.len(), 4);
    assert!(listed.iter().all(|thread| *thread == listed[0]));
    assert_ne!(listed[0], thread::current().id());
}

/// Tests a store while a listing of it waits.
fn while_listing(flags: u32, test: impl FnOnce(&Table)) {
    let (go, wait) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel::<()>();
    let (wait, begun) = (Mutex::new(wait), Mutex::new(begun));
    let list = Box::new(move |_: &mut ah_page, _: Sink, _| {
        begun.lock().unwrap().send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        abi::AH_OK
    });
    let table = open_script(
        flags,
        Script {
            list,
            ..Script::default()
        },
    );
    thread::scope(|scope| {
        scope.spawn(|| table.list(&CallLimits::default()).unwrap());
        has_begun.recv().unwrap();
        test(&table);
        go.send(()).unwrap();
    });
}

#[test]
fn health_does_not_wait_for_a_listing() {
    // R7
    for flags in [0, abi::AH_PLUGIN_THREAD_AFFINE, abi::AH_PLUGIN_THREAD_SAFE] {
        while_listing(flags, |table| assert!(table.health().is_ok()));
    }
}

#[test]
fn caller_waits_for_its_turn_no_longer_than_it_wants() {
    // R8
    let soon = CallLimits::within(Duration::from_millis(20));
    for flags in [0, abi::AH_PLUGIN_THREAD_AFFINE] {
        while_listing(flags, |table| {
            assert_eq!(table.list(&soon).unwrap_err().status, Status::Timeout);
            let error = table.apply(&one_change(), &soon).unwrap_err();
            assert_eq!((error.error.status, error.done.len()), (Status::Timeout, 0));
        });
    }
}

/// A store on a thread of its own, whose writes wait for the second half of the pair; the first
/// tells that one has begun.
fn writing_late() -> (Table, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (go, wait) = mpsc::channel::<()>();
    let (begins, begun) = mpsc::channel::<()>();
    let both = Mutex::new((begins, wait));
    let script = Script {
        apply: Box::new(move |_: &ah_batch, sink: OutcomeSink| {
            let both = both.lock().unwrap();
            both.0.send(()).unwrap();
            both.1.recv().unwrap();
            sink.push(0, abi::AH_NEW, b"a")
        }),
        ..Script::default()
    };
    let table = open_script(abi::AH_PLUGIN_THREAD_AFFINE, script);
    (table, begun, go)
}

fn one_change() -> Batch {
    Batch {
        changes: vec![Change::Put(Item::certificate(
            b"der".to_vec(),
            String::new(),
        ))],
        ..Batch::default()
    }
}

#[test]
fn write_that_goes_on_is_not_said_to_have_done_nothing() {
    // R8
    let soon = CallLimits::within(Duration::from_millis(50));
    let (table, begun, go) = writing_late();
    // The caller is late for sure where the write begins at all.
    let error = table.apply(&one_change(), &soon).unwrap_err();
    let has_begun = begun.try_recv().is_ok();
    let expected = match has_begun {
        true => Status::OutcomeUnknown,
        false => Status::Timeout,
    };
    assert_eq!(error.error.status, expected);
    assert_eq!(
        error.to_string().contains("nothing was changed"),
        !has_begun
    );
    go.send(()).unwrap();
}

#[test]
fn late_answer_is_waited_for_where_it_is_to_be() {
    // R8
    let soon = CallLimits::within(Duration::from_millis(50));
    let (mut table, begun, go) = writing_late();
    table.wait_to_the_end();
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            // Where it has no time to begin it ends, and is made again.
            loop {
                match table.apply(&one_change(), &soon) {
                    Err(error) if error.error.status == Status::Timeout => {}
                    made => return made,
                }
            }
        });
        begun.recv().unwrap();
        // It begins once, and by then nobody else would wait any more.
        assert!(begun.recv_timeout(soon.timeout.unwrap()).is_err());
        go.send(()).unwrap();
        assert_eq!(writing.join().unwrap().unwrap().len(), 1);
    });
}

#[test]
fn thread_safe_store_is_listed_twice_at_a_time() {
    // R7
    let inside = Arc::new((Mutex::new(0), Condvar::new()));
    let counted = Arc::clone(&inside);
    let list = Box::new(move |_: &mut ah_page, _: Sink, _| {
        let (count, more) = &*counted;
        let mut count = count.lock().unwrap();
        *count += 1;
        more.notify_all();
        let patience = Duration::from_secs(20);
        let (_count, waited) = more
            .wait_timeout_while(count, patience, |count| *count < 2)
            .unwrap();
        if waited.timed_out() {
            abi::AH_TIMEOUT
        } else {
            abi::AH_OK
        }
    });
    let table = open_script(
        abi::AH_PLUGIN_THREAD_SAFE,
        Script {
            list,
            ..Script::default()
        },
    );
    thread::scope(|scope| {
        let lists = [(); 2].map(|()| scope.spawn(|| table.list(&CallLimits::default())));
        for list in lists {
            assert!(list.join().unwrap().is_ok());
        }
    });
}

#[test]
fn closed_once_and_never_called_again() {
    struct Bell(Arc<AtomicUsize>);
    impl Drop for Bell {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for flags in [0, abi::AH_PLUGIN_THREAD_AFFINE, abi::AH_PLUGIN_THREAD_SAFE] {
        let closed = Arc::new(AtomicUsize::new(0));
        let bell = Bell(Arc::clone(&closed));
        let health = Box::new(move |_: &mut ah_health| {
            assert_eq!(bell.0.load(Ordering::Relaxed), 0);
            abi::AH_OK
        });
        let table = open_script(
            flags,
            Script {
                health,
                ..Script::default()
            },
        );
        table.health().unwrap();
        drop(table);
        assert_eq!(closed.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn nothing_of_the_plugins_is_called_inside_a_callback() {
    // R6
    let inside = Arc::new(AtomicUsize::new(0));
    let entered = Arc::new(AtomicUsize::new(0));
    let note = |inside: &Arc<AtomicUsize>, entered: &Arc<AtomicUsize>| {
        let (inside, entered) = (Arc::clone(inside), Arc::clone(entered));
        move || entered.fetch_add(inside.load(Ordering::SeqCst), Ordering::SeqCst)
    };
    let (listed, asked) = (note(&inside, &entered), note(&inside, &entered));
    let depth = Arc::clone(&inside);
    let table = open_script(
        abi::AH_PLUGIN_THREAD_SAFE,
        Script {
            list: Box::new(move |_: &mut ah_page, sink: Sink, _| {
                listed();
                let item = good();
                depth.fetch_add(1, Ordering::SeqCst);
                let status = sink.push(&raw const item);
                depth.fetch_sub(1, Ordering::SeqCst);
                status
            }),
            health: Box::new(move |_: &mut ah_health| {
                asked();
                abi::AH_OK
            }),
            ..Script::default()
        },
    );
    assert_eq!(table.list(&CallLimits::default()).unwrap().items.len(), 1);
    assert_eq!(entered.load(Ordering::SeqCst), 0);
}
