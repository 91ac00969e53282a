//! Questions: answered on the caller's thread, inside a call that may ask, and nowhere else.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

use super::fake::{Stage, opened_with};
use super::*;
use crate::question::{ANSWER_MAX, Answer, Ask, Prompter, Question};
use crate::wire::{ToHost, ToRunner};

/// Answers with a secret, and keeps what it was asked, and where.
#[derive(Default)]
struct Person(Mutex<Vec<(ThreadId, Question)>>);

impl Prompter for Person {
    fn answer(&self, question: &Question) -> Answer {
        let mut asked = self.0.lock().unwrap();
        asked.push((thread::current().id(), question.clone()));
        Answer::Secret(b"tulip".to_vec().into())
    }
}

struct Faulty;

impl Prompter for Faulty {
    fn answer(&self, _question: &Question) -> Answer {
        panic!("the prompter")
    }
}

struct Verbose;

impl Prompter for Verbose {
    fn answer(&self, _question: &Question) -> Answer {
        Answer::Secret(vec![b'x'; ANSWER_MAX + 1].into())
    }
}

fn asking() -> CallLimits {
    CallLimits {
        may_prompt: true,
        ..CallLimits::default()
    }
}

/// Asks in the next call, and tells whether a secret came back.
fn ask(fake: &mut Fake) -> (u32, bool) {
    let (request, message) = fake.next().unwrap();
    let (ToRunner::Unlock(_) | ToRunner::ListPage { .. }) = message else {
        panic!("{message:?}");
    };
    fake.say(request, &ToHost::Ask(Question::new(Ask::Pin)));
    match fake.next() {
        Some((of, ToRunner::Answer(Answer::Secret(secret)))) => {
            assert_eq!((of, &secret[..]), (request, &b"tulip"[..]));
            (request, true)
        }
        Some((of, ToRunner::Answer(Answer::Refused))) if of == request => (request, false),
        other => panic!("{other:?}"),
    }
}

fn with_person(person: Arc<dyn Prompter>) -> Stage {
    let mut stage = Stage::new();
    stage.config.prompter = Some(person);
    stage
}

#[test]
fn question_is_answered_on_the_thread_of_the_call() {
    // R6
    let person = Arc::new(Person::default());
    let played = opened_with(with_person(person.clone()), |fake| {
        let (request, answered) = ask(fake);
        assert!(answered);
        fake.say(request, &ToHost::Done);
        fake.until_the_end();
    });
    assert_eq!(played.link.unlock(&asking()), Ok(()));
    let asked = person.0.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, thread::current().id());
    drop(asked);
    played.end();
}

#[test]
fn answer_that_is_too_long_is_none() {
    let played = opened_with(with_person(Arc::new(Verbose)), |fake| {
        let (request, answered) = ask(fake);
        assert!(!answered);
        fake.say(request, &ToHost::Done);
        fake.until_the_end();
    });
    assert_eq!(played.link.unlock(&asking()), Ok(()));
    played.end();
}

#[test]
fn nobody_is_asked_in_a_call_that_may_not_ask() {
    let person = Arc::new(Person::default());
    let played = opened_with(with_person(person.clone()), |fake| {
        // An unlock whose caller allows no question, and a listing, which never may.
        let (request, answered) = ask(fake);
        assert!(!answered);
        fake.say(request, &ToHost::Done);
        let (request, answered) = ask(fake);
        assert!(!answered);
        fake.last_page(request, Vec::new());
        fake.until_the_end();
    });
    assert_eq!(played.link.unlock(&CallLimits::default()), Ok(()));
    assert!(played.link.list(&asking()).is_ok());
    assert!(person.0.lock().unwrap().is_empty());
    played.end();
}

#[test]
fn nobody_is_asked_where_there_is_nobody() {
    let played = opened(|fake| {
        let (request, answered) = ask(fake);
        assert!(!answered);
        let refused = CallError::new(Status::PromptRefused, "");
        fake.say(request, &ToHost::Failed(refused));
        fake.until_the_end();
    });
    let error = played.link.unlock(&asking()).unwrap_err();
    assert_eq!(error.status, Status::PromptRefused);
    played.end();
}

#[test]
fn prompter_that_panics_refuses() {
    let played = opened_with(with_person(Arc::new(Faulty)), |fake| {
        let (request, answered) = ask(fake);
        assert!(!answered);
        fake.say(request, &ToHost::Done);
        fake.until_the_end();
    });
    assert_eq!(played.link.unlock(&asking()), Ok(()));
    played.end();
}

#[test]
fn question_after_the_callers_time_is_refused() {
    // R8
    let person = Arc::new(Person::default());
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let played = opened_with(with_person(person.clone()), move |fake| {
        let request = fake.request();
        wait.recv().unwrap();
        fake.say(request, &ToHost::Ask(Question::new(Ask::Pin)));
        let refused = matches!(fake.next(), Some((_, ToRunner::Answer(Answer::Refused))));
        assert!(refused);
        fake.say(request, &ToHost::Done);
        fake.until_the_end();
    });
    let mut limits = CallLimits::within(Duration::from_millis(150));
    limits.may_prompt = true;
    assert_eq!(
        played.link.unlock(&limits).unwrap_err().status,
        Status::Timeout
    );
    go.send(()).unwrap();
    while !played.link.shared.calls().is_empty() {
        thread::yield_now();
    }
    assert!(person.0.lock().unwrap().is_empty());
    played.end();
}

#[test]
fn second_question_of_an_unlock_ends_the_runner() {
    let person = Arc::new(Person::default());
    let played = opened_with(with_person(person.clone()), |fake| {
        let (request, _) = ask(fake);
        fake.say(request, &ToHost::Ask(Question::new(Ask::Pin)));
        fake.until_the_end();
    });
    let error = played.link.unlock(&asking()).unwrap_err();
    assert_eq!(error.status, Status::Protocol);
    assert_eq!(person.0.lock().unwrap().len(), 1);
    played.end();
}
