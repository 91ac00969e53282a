//! Calls that a runner answers as it should, at its own pace.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use super::fake::{Stage, health, item, opened_with, ready};
use super::*;
use crate::batch::{Change, Effect};
use crate::confinement::Sandbox;
use crate::query::By;
use crate::services::LogLevel;
use crate::wire::to_host::{PageEnd, put_items, put_outcomes};
use crate::wire::{CALLS_AT_ONCE, ToHost, ToRunner};

fn limits() -> CallLimits {
    CallLimits::default()
}

fn soon() -> CallLimits {
    CallLimits::within(Duration::from_millis(150))
}

#[test]
fn runner_is_what_it_says_and_what_was_asked_for() {
    let played = opened(Fake::until_the_end);
    assert_eq!(played.link.identity().id, fake::ID);
    assert_eq!(played.link.confinement(), &fake::confined());
    assert_eq!(played.link.ended(), None);
    played.end();
    let other = Stage::new().open(|fake| {
        fake.next();
        let mut ready = ready();
        ready.identity.id = "org.example.other".to_owned();
        fake.opens_with(ready);
        fake.until_the_end();
    });
    assert_eq!(other.err().unwrap().status, Status::Protocol);
}

#[test]
fn refusal_is_told_with_its_code() {
    let refused = Stage::new().open(|fake| {
        fake.next();
        let error = CallError::new(Status::Refused, "another file by now");
        let code = "pin-mismatch".to_owned();
        fake.say(0, &ToHost::Refused { code, error });
    });
    let error = refused.err().unwrap();
    assert_eq!(error.status, Status::Refused);
    assert_eq!(error.code.as_deref(), Some("pin-mismatch"));
    assert_eq!(error.message, "another file by now");
}

#[test]
fn sandbox_that_is_less_than_demanded_is_not_believed_to_be_enough() {
    let mut stage = Stage::new();
    stage.require_full = true;
    let opened = stage.open(|fake| {
        fake.next();
        let partial = Confinement::in_runner(Sandbox::Partial, "");
        fake.say(0, &ToHost::Confined(partial));
        fake.say(0, &ToHost::Ready(Box::new(ready())));
        fake.until_the_end();
    });
    assert_eq!(opened.err().unwrap().status, Status::Protocol);
}

#[test]
fn what_is_said_of_the_sandbox_first_counts_and_nothing_later() {
    let partial = || Confinement::in_runner(Sandbox::Partial, "any port");
    let played = Stage::new().open(move |fake| {
        fake.next();
        fake.say(0, &ToHost::Confined(partial()));
        fake.say(0, &ToHost::Ready(Box::new(ready())));
        fake.until_the_end();
    });
    let played = played.unwrap();
    assert_eq!(played.link.confinement(), &partial());
    played.end();
    let twice = Stage::new().open(move |fake| {
        fake.next();
        fake.say(0, &ToHost::Confined(partial()));
        fake.opens_with(ready());
    });
    assert_eq!(twice.err().unwrap().status, Status::Protocol);
    let never = Stage::new().open(|fake| {
        fake.next();
        fake.say(0, &ToHost::Ready(Box::new(ready())));
    });
    let error = never.err().unwrap();
    assert!(error.message.contains("how it is confined"), "{error}");
}

#[test]
fn listing_is_made_of_pages() {
    let played = opened(|fake| {
        for number in 0..3 {
            let (request, message) = fake.next().unwrap();
            let ToRunner::ListPage { page, limits } = message else {
                panic!("{message:?}");
            };
            assert_eq!(page.limit, 256);
            assert_eq!(page.cursor, if number == 0 { vec![] } else { vec![number] });
            assert!(!limits.may_prompt);
            let mut bytes = Vec::new();
            put_items(
                &[item(number), item(number + 10)],
                request,
                &mut bytes,
                |_| Ok::<_, ()>(()),
            )
            .unwrap();
            fake.write(&bytes);
            let end = PageEnd {
                generation: 7,
                skipped: 1,
                notes: vec!["it is empty".to_owned()],
                cursor: if number == 2 {
                    vec![]
                } else {
                    vec![number + 1]
                },
                ..PageEnd::default()
            };
            fake.say(request, &ToHost::PageEnd(end));
        }
        fake.until_the_end();
    });
    let mut limits = limits();
    limits.may_prompt = true;
    let listing = played.link.list(&limits).unwrap();
    assert_eq!(listing.generation, 7);
    assert_eq!(listing.skipped, 3);
    let ids: Vec<_> = listing.items.iter().map(|item| item.id.0[0]).collect();
    assert_eq!(ids, [0, 10, 1, 11, 2, 12]);
    assert_eq!(played.lines_with("it is empty"), 3);
    played.end();
}

#[test]
fn every_call_has_its_answer() {
    let played = opened(|fake| {
        while let Some((request, message)) = fake.next() {
            let answer = match message {
                ToRunner::Find { .. } => {
                    fake.say(request, &ToHost::Items(vec![item(1)]));
                    ToHost::FoundEnd {
                        skipped: 2,
                        repaired: 1,
                    }
                }
                ToRunner::Unlock(_) | ToRunner::Lock(_) => ToHost::Done,
                ToRunner::Schemes { .. } => ToHost::Schemes(vec![0x0804]),
                ToRunner::Sign { message, .. } => ToHost::Signature(message),
                ToRunner::Health => ToHost::Health(health(9)),
                ToRunner::Apply { batch, .. } => {
                    let outcomes: Vec<_> = (0..batch.changes.len())
                        .map(|index| Outcome {
                            index,
                            effect: Effect::New,
                            id: ItemId(vec![1]),
                        })
                        .collect();
                    let mut bytes = Vec::new();
                    put_outcomes(&outcomes, request, &mut bytes);
                    fake.write(&bytes);
                    ToHost::Done
                }
                ToRunner::Close => break,
                other => panic!("{other:?}"),
            };
            fake.say(request, &answer);
        }
    });
    let (link, key) = (&played.link, ItemId(vec![1]));
    let found = link.find(&Query::new(By::Id(vec![1])), &limits()).unwrap();
    assert_eq!(
        (found.items, found.skipped, found.repaired),
        (vec![item(1)], 2, 1)
    );
    // What was not asked for is no answer.
    let other = link.find(&Query::new(By::Id(vec![2])), &limits());
    assert_eq!(other.unwrap_err().status, Status::Protocol);
    assert_eq!(link.unlock(&limits()), Ok(()));
    assert_eq!(link.lock(&limits()), Ok(()));
    assert_eq!(link.schemes(&key, &limits()), Ok(vec![0x0804]));
    assert_eq!(link.sign(&key, 0x0804, b"x", &limits()), Ok(b"x".to_vec()));
    assert_eq!(link.health().unwrap().generation, 9);
    assert_eq!(link.last_health().unwrap().generation, 9);
    let batch = Batch {
        changes: vec![Change::Put(item(1)); 10_000],
        ..Batch::default()
    };
    assert_eq!(link.apply(&batch, &limits()).unwrap().len(), 10_000);
    played.end();
}

#[test]
fn failure_is_the_plugins_own() {
    let played = opened(|fake| {
        let request = fake.request();
        let locked = CallError::said(Status::Locked, "log in first".to_owned(), true);
        fake.say(request, &ToHost::Failed(locked));
        let request = fake.request();
        let outcome = Outcome {
            index: 0,
            effect: Effect::New,
            id: ItemId(vec![1]),
        };
        fake.say(request, &ToHost::Outcomes(vec![outcome]));
        fake.say(request, &ToHost::Failed(CallError::new(Status::Full, "")));
        fake.until_the_end();
    });
    let error = played.link.list(&limits()).unwrap_err();
    assert_eq!(error.to_string(), "the store is locked: \"log in first\"");
    let batch = Batch {
        changes: vec![Change::Put(item(1)), Change::Put(item(2))],
        ..Batch::default()
    };
    let error = played.link.apply(&batch, &limits()).unwrap_err();
    assert_eq!((error.done.len(), error.error.status), (1, Status::Full));
    assert_eq!(played.link.ended(), None);
    played.end();
}

#[test]
fn panic_retires_the_store() {
    let played = opened(|fake| {
        let request = fake.request();
        fake.say(request, &ToHost::Failed(CallError::new(Status::Panic, "")));
        fake.until_the_end();
    });
    assert_eq!(
        played.link.list(&limits()).unwrap_err().status,
        Status::Panic
    );
    assert_eq!(played.link.ended().unwrap().status, Status::Panic);
    played.end();
}

#[test]
fn late_answer_is_dropped_and_its_turn_lasts_until_then() {
    // R8
    let (go, wait) = mpsc::channel::<()>();
    let played = opened(move |fake| {
        let late = fake.request();
        wait.recv().unwrap();
        fake.last_page(late, vec![item(1)]);
        let next = fake.request();
        fake.last_page(next, vec![item(2)]);
        fake.until_the_end();
    });
    let late = played.link.list(&soon()).unwrap_err();
    assert_eq!(late.status, Status::Timeout);
    // The plugin is still at work, so that it is not asked again.
    let next = played.link.list(&soon()).unwrap_err();
    assert_eq!(next.status, Status::Timeout);
    assert!(
        next.message.contains("before the plugin was asked"),
        "{next}"
    );
    go.send(()).unwrap();
    assert_eq!(played.link.list(&limits()).unwrap().items, [item(2)]);
    played.end();
}

#[test]
fn health_is_answered_while_another_call_runs() {
    let (go, wait) = mpsc::channel::<()>();
    let played = opened(move |fake| {
        // The listing is begun first, and may be sent second.
        let (first, message) = fake.next().unwrap();
        let second = fake.request();
        let (listing, asked) = match message {
            ToRunner::Health => (second, first),
            _ => (first, second),
        };
        fake.say(asked, &ToHost::Health(health(5)));
        wait.recv().unwrap();
        fake.last_page(listing, vec![item(1)]);
        fake.until_the_end();
    });
    thread::scope(|scope| {
        let listing = scope.spawn(|| played.link.list(&limits()));
        while played.link.shared.calls().is_empty() {
            thread::yield_now();
        }
        assert_eq!(played.link.health().unwrap().generation, 5);
        go.send(()).unwrap();
        assert_eq!(listing.join().unwrap().unwrap().items.len(), 1);
    });
    played.end();
}

#[test]
fn cancelled_call_is_told_to_the_runner_and_left() {
    let cancel = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&cancel);
    let played = opened(move |fake| {
        let request = fake.request();
        seen.store(true, Ordering::Release);
        assert!(matches!(fake.next(), Some((of, ToRunner::Cancel)) if of == request));
        fake.say(
            request,
            &ToHost::Failed(CallError::new(Status::Cancelled, "")),
        );
        fake.until_the_end();
    });
    let mut limits = limits();
    limits.cancel = Some(cancel);
    let error = played.link.list(&limits).unwrap_err();
    assert_eq!(error.status, Status::Cancelled);
    let error = played.link.list(&limits).unwrap_err();
    assert_eq!(error.message, "before the plugin was asked");
    played.end();
}

#[test]
fn write_that_runs_out_of_time_has_no_known_outcome() {
    let played = opened(|fake| {
        fake.request();
        let check = fake.request();
        assert_eq!(check, 2);
        fake.until_the_end();
    });
    let mut batch = Batch {
        changes: vec![Change::Put(item(1))],
        ..Batch::default()
    };
    let error = played.link.apply(&batch, &soon()).unwrap_err().error;
    assert_eq!(error.status, Status::OutcomeUnknown);
    assert!(error.message.contains("still at work"), "{error}");
    // What was never sent was not done.
    let error = played.link.apply(&batch, &soon()).unwrap_err().error;
    assert_eq!(error.status, Status::Timeout);
    played.link.shared.turns.give_back();
    // What changes nothing needs no listing.
    batch.check_only = true;
    let error = played.link.apply(&batch, &soon()).unwrap_err().error;
    assert_eq!(error.status, Status::Timeout);
    played.end();
}

#[test]
fn large_batch_is_sent_while_the_runner_does_not_read() {
    let (go, wait) = mpsc::channel::<()>();
    let played = opened(move |fake| {
        wait.recv().unwrap();
        let (request, message) = fake.next().unwrap();
        let ToRunner::Apply { batch, .. } = message else {
            panic!("{message:?}");
        };
        assert_eq!(batch.changes.len(), 30);
        fake.say(request, &ToHost::Failed(CallError::new(Status::Full, "")));
        fake.until_the_end();
    });
    let mut large = item(1);
    large.der = vec![0x30; 250_000];
    let batch = Batch {
        changes: vec![Change::Put(large); 30],
        ..Batch::default()
    };
    // The caller is not held up by it.
    let error = played.link.apply(&batch, &soon()).unwrap_err().error;
    assert_eq!(error.status, Status::OutcomeUnknown);
    go.send(()).unwrap();
    while !played.link.shared.calls().is_empty() {
        thread::yield_now();
    }
    played.end();
}

#[test]
fn calls_of_a_thread_safe_plugin_run_at_a_time() {
    let stage = Stage::new();
    let played = stage
        .open(|fake| {
            fake.next();
            let mut ready = ready();
            ready.thread_safe = true;
            fake.opens_with(ready);
            let requests: Vec<_> = (0..CALLS_AT_ONCE).map(|_| fake.request()).collect();
            // The last one that came is answered first.
            for request in requests.into_iter().rev() {
                fake.last_page(request, vec![item(3)]);
            }
            fake.until_the_end();
        })
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..CALLS_AT_ONCE {
            scope.spawn(|| assert_eq!(played.link.list(&limits()).unwrap().items, [item(3)]));
        }
    });
    played.end();
}

#[test]
fn change_and_log_arrive_without_being_asked_for() {
    let (tell, told) = mpsc::channel();
    let mut stage = Stage::new();
    stage.config.announce = Some(Arc::new(move |generation| tell.send(generation).unwrap()));
    let played = opened_with(stage, |fake| {
        let log = ToHost::Log {
            level: LogLevel::Warn,
            text: "slow".to_owned(),
            dropped: 4,
        };
        fake.say(0, &log);
        fake.say(0, &ToHost::Changed(8));
        fake.until_the_end();
    });
    assert_eq!(told.recv().unwrap(), 8);
    assert!(played.link.changed());
    assert!(!played.link.changed());
    assert_eq!(played.lines_with("slow"), 1);
    let log = Arc::clone(&played.log);
    played.end();
    let log = log.lock().unwrap();
    assert_eq!(log[1].1, "4 more lines of the store were dropped");
}

#[test]
fn what_a_plugin_does_not_offer_is_not_asked_of_it() {
    let played = Stage::new()
        .open(|fake| {
            fake.next();
            let mut ready = ready();
            ready.identity.can_find = false;
            ready.identity.can_write = false;
            ready.identity.can_unlock = false;
            ready.identity.can_sign = false;
            fake.opens_with(ready);
            assert!(matches!(fake.next(), Some((0, ToRunner::Close))));
        })
        .unwrap();
    let (link, key) = (&played.link, ItemId(vec![1]));
    let unsupported = |error: CallError| assert_eq!(error.status, Status::Unsupported);
    unsupported(
        link.find(&Query::new(By::Id(vec![1])), &limits())
            .unwrap_err(),
    );
    unsupported(link.apply(&Batch::default(), &limits()).unwrap_err().error);
    unsupported(link.unlock(&limits()).unwrap_err());
    unsupported(link.lock(&limits()).unwrap_err());
    unsupported(link.schemes(&key, &limits()).unwrap_err());
    unsupported(link.sign(&key, 1, b"x", &limits()).unwrap_err());
    played.end();
}
