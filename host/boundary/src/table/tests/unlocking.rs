//! A store's lock: opened with one question, which nothing else may ask.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::{Contents, Held, Operation, PLUGIN};
use zeroize::Zeroizing;

use crate::batch::Batch;
use crate::health::HealthState;
use crate::plugin::{Plugin, StoreConfig};
use crate::question::{Answer, Ask, Prompter, Question};
use crate::status::Status;
use crate::table::tests::odd::{Inside, Script, open_asking};
use crate::table::{CallLimits, Table};

/// Gives one answer after the other, then refuses.
#[derive(Default)]
pub(super) struct Person {
    pub(super) answers: Mutex<Vec<&'static [u8]>>,
    pub(super) asked: Mutex<Vec<Question>>,
}

impl Person {
    pub(super) fn with(answers: &[&'static [u8]]) -> Arc<Self> {
        let person = Self::default();
        person.answers.lock().unwrap().extend(answers.iter().rev());
        Arc::new(person)
    }

    pub(super) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

impl Prompter for Person {
    fn answer(&self, question: &Question) -> Answer {
        self.asked.lock().unwrap().push(question.clone());
        match self.answers.lock().unwrap().pop() {
            Some(answer) => Answer::Secret(Zeroizing::new(answer.to_vec())),
            None => Answer::Refused,
        }
    }
}

pub(super) fn asking() -> CallLimits {
    let mut limits = CallLimits::within(Duration::from_secs(60));
    limits.may_prompt = true;
    limits
}

fn open(name: &str, person: &Arc<Person>) -> (Table, Arc<Contents>) {
    let mut config = StoreConfig::new(name);
    config.prompter = Some(Arc::<Person>::clone(person));
    let plugin = Plugin::builtin(PLUGIN.builtin()).unwrap();
    let contents = Contents::named(name);
    contents.put(Held::anchor("a", "one"));
    contents.lock_with(b"1234");
    (plugin.open(config).unwrap(), contents)
}

#[test]
fn right_pin_opens_and_lock_closes_again() {
    let person = Person::with(&[b"1234"]);
    let (table, contents) = open("unlock", &person);
    assert_eq!(table.health().unwrap().state, HealthState::Locked);
    assert_eq!(table.list(&asking()).unwrap_err().status, Status::Locked);
    assert_eq!(person.asked().len(), 0);
    table.unlock(&asking()).unwrap();
    assert_eq!(table.health().unwrap().state, HealthState::Ready);
    assert_eq!(table.list(&CallLimits::default()).unwrap().items.len(), 1);
    // One that is open asks nothing.
    table.unlock(&asking()).unwrap();
    assert_eq!(person.asked().len(), 1);
    table.lock(&CallLimits::default()).unwrap();
    assert!(!contents.is_open());
}

#[test]
fn question_says_what_is_asked_for() {
    let person = Person::with(&[b"0000", b"1234"]);
    let (table, _) = open("unlock says", &person);
    assert_eq!(
        table.unlock(&asking()).unwrap_err().status,
        Status::WrongSecret
    );
    assert_eq!(table.health().unwrap().attempts_left, Some(2));
    table.unlock(&asking()).unwrap();
    let [first, second] = person.asked().try_into().unwrap();
    assert_eq!(
        (first.ask, first.setting.as_deref()),
        (Ask::Pin, Some("pin"))
    );
    assert_eq!((first.again, first.attempts_left), (false, Some(3)));
    assert_eq!((second.again, second.attempts_left), (true, Some(2)));
}

#[test]
fn no_is_passed_on_and_costs_no_attempt() {
    let person = Person::with(&[]);
    let (table, _) = open("unlock refused", &person);
    assert_eq!(
        table.unlock(&asking()).unwrap_err().status,
        Status::PromptRefused
    );
    assert_eq!(table.health().unwrap().attempts_left, Some(3));
}

#[test]
fn call_that_may_not_ask_asks_nobody() {
    let person = Person::with(&[b"1234"]);
    let (table, _) = open("unlock alone", &person);
    let error = table.unlock(&CallLimits::default()).unwrap_err();
    assert_eq!(error.status, Status::PromptRefused);
    assert_eq!(person.asked().len(), 0);
}

#[test]
fn last_attempt_is_the_last() {
    let person = Person::with(&[b"1", b"2", b"3", b"1234"]);
    let (table, _) = open("unlock out", &person);
    for _ in 0..3 {
        assert_eq!(
            table.unlock(&asking()).unwrap_err().status,
            Status::WrongSecret
        );
    }
    assert_eq!(
        table.unlock(&asking()).unwrap_err().status,
        Status::LockedOut
    );
    assert_eq!(person.asked().len(), 3);
}

#[test]
fn error_and_panic_of_unlock_are_what_they_are() {
    // R5
    let person = Person::with(&[]);
    let (table, contents) = open("unlock fails", &person);
    contents.fault(|faults| faults.unlock = Some(ErrorKind::NotPresent));
    assert_eq!(
        table.unlock(&asking()).unwrap_err().status,
        Status::NotPresent
    );
    contents.fault(|faults| faults.panic = Some(Operation::Lock));
    assert_eq!(table.lock(&asking()).unwrap_err().status, Status::Panic);
    assert!(table.ended().is_some());
}

/// How often each call was answered.
type Counts = Arc<Mutex<Vec<usize>>>;

/// An odd store that asks as often as it can in every call that is given the host, and tells how
/// often it was answered.
fn greedy(person: &Arc<Person>) -> (Table, Counts) {
    let counts = Counts::default();
    let count = |counts: &Counts| {
        let counts = Arc::clone(counts);
        move |inside: Inside| {
            let answered = (0..100).filter(|_| inside.ask().0 == abi::AH_OK).count();
            counts.lock().unwrap().push(answered);
            abi::AH_OK
        }
    };
    let sign = count(&counts);
    let script = Script {
        unlock: Box::new(count(&counts)),
        lock: Box::new(count(&counts)),
        sign: Box::new(move |inside, _, sink| {
            sign(inside);
            sink.put(b"signature")
        }),
        ..Script::default()
    };
    let prompter = Arc::<Person>::clone(person);
    (open_asking(0, script, Some(prompter)), counts)
}

#[test]
fn host_counts_how_often_a_plugin_asks() {
    let person = Person::with(&[&b"1234"[..]; 100]);
    let (table, counts) = greedy(&person);
    table.unlock(&asking()).unwrap();
    table.lock(&asking()).unwrap();
    table
        .sign(&crate::item::ItemId(vec![1]), 0x0804, b"m", &asking())
        .unwrap();
    let counts = counts.lock().unwrap().clone();
    assert_eq!(counts[..2], [1, 0]);
    assert!((2..10).contains(&counts[2]), "{counts:?}");
    assert_eq!(person.asked().len(), 1 + counts[2]);
}

#[test]
fn store_without_a_prompter_is_told_that_nobody_answers() {
    let may = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&may);
    let script = move || {
        let seen = Arc::clone(&seen);
        Script {
            unlock: Box::new(move |inside| {
                seen.lock().unwrap().push(inside.may_prompt());
                inside.ask().0
            }),
            ..Script::default()
        }
    };
    let alone = open_asking(0, script(), None);
    assert_eq!(
        alone.unlock(&asking()).unwrap_err().status,
        Status::PromptRefused
    );
    let person = Person::with(&[b"1234"]);
    let attended = open_asking(0, script(), Some(person));
    attended.unlock(&asking()).unwrap();
    assert_eq!(
        attended.unlock(&CallLimits::default()).unwrap_err().status,
        Status::PromptRefused
    );
    assert_eq!(*may.lock().unwrap(), [false, true, false]);
}

#[test]
fn affine_store_asks_on_its_own_thread() {
    // R7
    let person = Person::with(&[b"1234"]);
    let script = Script {
        unlock: Box::new(|inside| match inside.ask() {
            (abi::AH_OK, Some(pin)) if pin == b"1234" => abi::AH_OK,
            _ => abi::AH_WRONG_SECRET,
        }),
        ..Script::default()
    };
    let prompter = Arc::<Person>::clone(&person);
    let table = open_asking(abi::AH_PLUGIN_THREAD_AFFINE, script, Some(prompter));
    table.unlock(&asking()).unwrap();
    assert_eq!(person.asked().len(), 1);
}

#[test]
fn plugin_without_a_lock_cannot_be_unlocked() {
    let table = super::odd::open_bare();
    for result in [table.unlock(&asking()), table.lock(&asking())] {
        assert_eq!(result.unwrap_err().status, Status::Unsupported);
    }
    assert!(table.apply(&Batch::default(), &asking()).is_err());
}
