//! Runners that break the protocol, say nothing, or end: one error that says so, and no caller
//! that waits for ever.

use std::io::Write;
use std::thread;

use rustix::net::sockopt;

use super::fake::{Stage, item, opened_with};
use super::*;
use crate::batch::{Change, Effect};
use crate::question::{Ask, Question};
use crate::services::LogLevel;
use crate::wire::ToHost;

fn limits() -> CallLimits {
    CallLimits::default()
}

/// A listing against a runner that then does what the script says fails in this way, and so does
/// everything after it.
fn check(status: Status, words: &str, script: impl FnOnce(&mut Fake, u32) + Send + 'static) {
    let played = opened(move |fake| {
        let request = fake.request();
        script(fake, request);
        fake.until_the_end();
    });
    let error = played.link.list(&limits()).unwrap_err();
    assert_eq!(error.status, status, "{error}");
    assert!(error.message.contains(words), "{error}");
    assert_eq!(played.link.list(&limits()).unwrap_err(), error);
    assert_eq!(played.link.health().unwrap_err(), error);
    assert_eq!(played.link.last_health().unwrap_err(), error);
    assert_eq!(played.link.ended(), Some(error));
    played.end();
}

#[test]
fn garbage_ends_it() {
    check(Status::Protocol, "of the unknown kind", |fake, _| {
        fake.write(&[1, 0, 0, 0, 0x55, 0x55, 0, 0, 1, 0, 0, 0, 7]);
    });
    check(Status::Protocol, "a frame of", |fake, _| {
        fake.write(&[0xff; 1000]);
    });
}

#[test]
fn huge_length_is_not_waited_for() {
    check(
        Status::Protocol,
        "a frame of 4294967295 bytes",
        |fake, _| {
            fake.write(&[0xff, 0xff, 0xff, 0xff, 0x83, 0, 0, 0, 1, 0, 0, 0]);
        },
    );
}

#[test]
fn broken_message_ends_it() {
    check(Status::Protocol, "ends too early", |fake, request| {
        let mut bytes = Vec::new();
        ToHost::Items(vec![item(1)]).put(request, &mut bytes);
        // The message is cut, and says so itself.
        bytes.truncate(bytes.len() - 1);
        let length = u32::try_from(bytes.len() - 12).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        fake.write(&bytes);
    });
}

#[test]
fn answer_to_a_call_that_is_not_open_ends_it() {
    check(
        Status::Protocol,
        "a call that is not open",
        |fake, request| {
            fake.say(request + 1, &ToHost::Done);
        },
    );
    check(Status::Protocol, "a call that is not open", |fake, _| {
        fake.say(0, &ToHost::Ready(Box::new(fake::ready())));
    });
    check(
        Status::Protocol,
        "a call that is not open",
        |fake, request| {
            let log = ToHost::Log {
                level: LogLevel::Info,
                text: String::new(),
                dropped: 0,
            };
            fake.say(request + 1, &log);
        },
    );
}

#[test]
fn answer_of_another_call_ends_it() {
    check(
        Status::Protocol,
        "what belongs to another one",
        |fake, request| {
            fake.say(request, &ToHost::Signature(vec![1]));
        },
    );
    check(
        Status::Protocol,
        "what belongs to another one",
        |fake, request| {
            fake.say(request, &ToHost::Done);
        },
    );
}

#[test]
fn items_without_end_are_stopped() {
    check(Status::Protocol, "more than 256 items", |fake, request| {
        loop {
            let mut bytes = Vec::new();
            ToHost::Items(vec![item(1); 100]).put(request, &mut bytes);
            if fake.socket.write_all(&bytes).is_err() {
                break;
            }
        }
    });
}

#[test]
fn flood_that_nobody_asked_for_ends_it() {
    check(Status::Protocol, "that nobody asked for", |fake, _| {
        loop {
            let mut bytes = Vec::new();
            ToHost::Changed(1).put(0, &mut bytes);
            if fake.socket.write_all(&bytes).is_err() {
                break;
            }
        }
    });
}

#[test]
fn log_flood_is_bounded() {
    let played = opened(|fake| {
        let request = fake.request();
        let line = ToHost::Log {
            level: LogLevel::Info,
            text: "again".to_owned(),
            dropped: 0,
        };
        for _ in 0..5000 {
            fake.say(0, &line);
        }
        fake.last_page(request, vec![item(1)]);
        fake.until_the_end();
    });
    assert_eq!(played.link.list(&limits()).unwrap().items.len(), 1);
    let log = Arc::clone(&played.log);
    let through = played.lines_with("again");
    // How many come through depends on how long it took; all of them are counted.
    assert!((1000..=5000).contains(&through), "{through}");
    played.end();
    let log = log.lock().unwrap();
    let dropped: usize = log
        .iter()
        .filter_map(|(_, line)| line.strip_suffix(" more lines of the store were dropped"))
        .map(|count| count.parse::<usize>().unwrap())
        .sum();
    assert_eq!(through + dropped, 5000);
}

#[test]
fn early_end_is_a_crash() {
    check(Status::Crashed, "it closed its connection", |fake, _| {
        fake.socket.shutdown(std::net::Shutdown::Both).unwrap();
    });
}

#[test]
fn end_in_the_middle_of_a_message_is_a_crash() {
    check(
        Status::Crashed,
        "it closed its connection",
        |fake, request| {
            let mut bytes = Vec::new();
            ToHost::Items(vec![item(1)]).put(request, &mut bytes);
            fake.write(&bytes[..20]);
            fake.socket.shutdown(std::net::Shutdown::Both).unwrap();
        },
    );
}

#[test]
fn end_before_the_store_is_open_is_told() {
    let opened = Stage::new().open(|fake| {
        fake.next();
    });
    assert_eq!(opened.err().unwrap().status, Status::Crashed);
}

#[test]
fn runner_that_never_opens_the_store_is_given_up() {
    let mut stage = Stage::new();
    stage.within = Duration::from_millis(50);
    let opened = stage.open(Fake::until_the_end);
    let error = opened.err().unwrap();
    assert_eq!(error.status, Status::Timeout);
    assert!(error.message.contains("within 50 ms"), "{error}");
}

#[test]
fn silence_is_a_crash_though_nobody_waits_any_more() {
    let mut stage = Stage::new();
    stage.patience.short = Duration::from_millis(100);
    let played = opened_with(stage, Fake::until_the_end);
    let soon = CallLimits::within(Duration::from_millis(10));
    assert_eq!(played.link.list(&soon).unwrap_err().status, Status::Timeout);
    // Whoever waits in the queue is told when it is over.
    let error = played.link.list(&limits()).unwrap_err();
    assert_eq!(error.status, Status::Crashed);
    assert_eq!(error.message, "killed after 100 ms of silence");
    played.end();
}

#[test]
fn lines_of_the_log_are_no_sign_of_work() {
    let mut stage = Stage::new();
    stage.patience.short = Duration::from_millis(150);
    let played = opened_with(stage, |fake| {
        fake.request();
        let line = ToHost::Log {
            level: LogLevel::Info,
            text: "at work".to_owned(),
            dropped: 0,
        };
        let mut bytes = Vec::new();
        line.put(0, &mut bytes);
        // The log goes on for as long as anybody reads it.
        while fake.socket.write_all(&bytes).is_ok() {
            thread::park_timeout(Duration::from_millis(5));
        }
    });
    let error = played.link.list(&limits()).unwrap_err();
    assert_eq!(error.status, Status::Crashed, "{error}");
    played.end();
}

#[test]
fn items_that_dribble_where_nobody_waits_any_more_are_silence() {
    let mut stage = Stage::new();
    stage.patience.short = Duration::from_millis(150);
    let played = opened_with(stage, |fake| {
        let request = fake.request();
        // Fewer than a page has, so that each of them is in its place.
        for number in 0..=u8::MAX {
            fake.say(request, &ToHost::Items(vec![item(number)]));
            thread::park_timeout(Duration::from_millis(5));
        }
        fake.until_the_end();
    });
    let soon = CallLimits::within(Duration::from_millis(10));
    assert_eq!(played.link.list(&soon).unwrap_err().status, Status::Timeout);
    let error = played.link.list(&limits()).unwrap_err();
    assert_eq!(error.message, "killed after 150 ms of silence");
    played.end();
}

#[test]
fn nothing_that_is_sent_as_something_ends_it() {
    check(Status::Protocol, "there were none", |fake, request| {
        fake.say(request, &ToHost::Items(Vec::new()));
    });
    let played = opened(|fake| {
        let request = fake.request();
        fake.say(request, &ToHost::Outcomes(Vec::new()));
        fake.until_the_end();
    });
    let batch = Batch {
        changes: vec![Change::Put(item(1))],
        ..Batch::default()
    };
    let error = played.link.apply(&batch, &limits()).unwrap_err().error;
    assert_eq!(error.status, Status::OutcomeUnknown);
    assert_eq!(played.link.ended().unwrap().status, Status::Protocol);
    played.end();
}

#[test]
fn write_has_longer_and_its_end_is_not_known() {
    let mut stage = Stage::new();
    stage.patience.short = Duration::from_millis(20);
    stage.patience.long = Duration::from_secs(1);
    let played = opened_with(stage, |fake| {
        let request = fake.request();
        let outcome = Outcome {
            index: 0,
            effect: Effect::New,
            id: ItemId(vec![1]),
        };
        fake.say(request, &ToHost::Outcomes(vec![outcome]));
        fake.until_the_end();
    });
    let batch = Batch {
        changes: vec![Change::Put(item(1)), Change::Put(item(2))],
        ..Batch::default()
    };
    let error = played.link.apply(&batch, &limits()).unwrap_err();
    assert_eq!(error.done.len(), 1);
    assert_eq!(error.error.status, Status::OutcomeUnknown);
    let words = error.error.message;
    assert!(words.contains("killed after 1 s of silence"), "{words}");
    assert_eq!(played.link.ended().unwrap().status, Status::Crashed);
    played.end();
}

#[test]
fn question_outside_of_a_call_ends_it() {
    check(
        Status::Protocol,
        "a call that is not open",
        |fake, request| {
            fake.say(request + 7, &ToHost::Ask(Question::new(Ask::Pin)));
        },
    );
    check(Status::Protocol, "a call that is not open", |fake, _| {
        fake.say(0, &ToHost::Ask(Question::new(Ask::Pin)));
    });
}

#[test]
fn outcomes_out_of_order_end_it() {
    let played = opened(|fake| {
        let request = fake.request();
        let outcome = Outcome {
            index: 1,
            effect: Effect::New,
            id: ItemId(vec![1]),
        };
        fake.say(request, &ToHost::Outcomes(vec![outcome]));
        fake.until_the_end();
    });
    let batch = Batch {
        changes: vec![Change::Put(item(1)), Change::Put(item(2))],
        ..Batch::default()
    };
    let error = played.link.apply(&batch, &limits()).unwrap_err().error;
    assert_eq!(error.status, Status::OutcomeUnknown);
    assert_eq!(played.link.ended().unwrap().status, Status::Protocol);
    played.end();
}

#[test]
fn runner_that_neither_reads_nor_ends_does_not_hold_up_its_closing() {
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let played = opened(move |_| {
        let _ended = wait.recv();
    });
    drop(played.link);
    drop(end);
}

#[test]
fn runner_that_never_stops_sending_does_not_hold_up_its_closing() {
    let played = opened(|fake| {
        // More fits in than is read at a time.
        sockopt::set_socket_send_buffer_size(&fake.socket, 8 << 20).unwrap();
        let mut flood = Vec::new();
        for request in 1..4000 {
            ToHost::Done.put(request, &mut flood);
        }
        fake.until_the_end();
        while fake.socket.write_all(&flood).is_ok() {}
    });
    played.end();
}

#[test]
fn many_threads_are_all_told_of_the_end() {
    let played = opened(|fake| {
        fake.request();
        // Some of the others wait for their turn by now, and some do not yet.
        fake.socket.shutdown(std::net::Shutdown::Both).unwrap();
    });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let error = played.link.list(&limits()).unwrap_err();
                assert_eq!(error.status, Status::Crashed);
            });
        }
    });
    played.end();
}
