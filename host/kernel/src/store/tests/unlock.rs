//! Stores with a lock: who opens it, and what is never risked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anchorhold_boundary::CallError;
use anchorhold_boundary::question::{Answer, Ask, Prompter, Question};
use anchorhold_state::{Actor, State};
use tempfile::TempDir;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::*;
use crate::incidents::{LedgerIncidents, Unrecorded};
use crate::plan::SecretSource;

/// A store with a lock, a file for its PIN, and a state directory.
struct Token {
    stores: Stores,
    home: TempDir,
}

/// Answers every question with the same secret, or not at all; it counts the questions.
struct Person {
    says: Option<&'static str>,
    asked: AtomicU64,
}

impl Person {
    fn says(says: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self {
            says,
            asked: AtomicU64::new(0),
        })
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Prompter for Person {
    fn answer(&self, question: &Question) -> Answer {
        assert_eq!(question.ask, Ask::Pin);
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.says {
            Some(says) => Answer::Secret(Zeroizing::new(says.as_bytes().to_vec())),
            None => Answer::Refused,
        }
    }
}

impl Token {
    /// The PIN is 1234, and this is what is stored.
    fn new(stored: &str) -> Self {
        let token = Self::open(tempfile::tempdir().unwrap(), Person::says(None));
        token.store_pin(stored);
        token.stores.contents[0].lock_with(b"1234");
        token
    }

    fn open(home: TempDir, person: Arc<Person>) -> Self {
        let path = home.path().join("pin");
        let incidents = LedgerIncidents::new(
            &home.path().join("state"),
            Actor::new("tester", "test"),
            Arc::new(|| OffsetDateTime::UNIX_EPOCH),
            Arc::new(|_, _| {}),
        );
        let options = KernelOptions::default()
            .with_incidents(Arc::new(incidents))
            .with_prompters(Arc::new(move |_| person.clone()));
        let with_pin = |_: &str, mut plan: StorePlan| {
            let source = SecretSource::File(path.clone());
            plan.secrets.insert("pin".to_owned(), source);
            plan
        };
        let stores = Stores::with_options(&["token"], with_pin, options);
        Self { stores, home }
    }

    /// Another process with the same state and the same token.
    fn again(self) -> Self {
        let contents = Arc::clone(&self.stores.contents[0]);
        let plan = self.store().plan().clone();
        let mut next = Self::open(self.home, Person::says(None));
        let plans = |_: &str, _: StorePlan| plan.clone();
        let incidents = Arc::clone(&next.store().incidents);
        let options = KernelOptions::default().with_incidents(incidents);
        next.stores = Stores::with_options(&["token"], plans, options);
        next.stores.contents[0] = contents;
        next
    }

    fn store(&self) -> &Store {
        &self.stores.kernel.stores()[0]
    }

    fn store_pin(&self, pin: &str) {
        let path = self.pin_file();
        fs::write(&path, pin).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn pin_file(&self) -> PathBuf {
        self.home.path().join("pin")
    }

    fn attempts_left(&self) -> Option<u32> {
        self.store().health().attempts_left
    }

    fn events(&self) -> Vec<String> {
        let state = State::open(&self.home.path().join("state")).unwrap();
        let journal = state.journal().unwrap().into_iter();
        journal.map(|entry| entry.event).collect()
    }
}

fn status(error: &StoreError) -> Status {
    match error.kind() {
        StoreErrorKind::Call(error) => error.status,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_stored_opens_the_lock_when_the_store_is_listed() {
    let token = Token::new("1234\n");
    assert_eq!(token.store().health().word(), "locked");
    assert!(token.store().snapshot().is_ok());
    assert_eq!(token.store().health().word(), "ready");
    assert_eq!(token.attempts_left(), Some(3));
    assert!(!token.home.path().join("state").exists(), "nothing to tell");
}

#[test]
fn a_wrong_secret_is_tried_once_by_whatever_process() {
    let token = Token::new("4321\n");
    let error = token.store().snapshot().unwrap_err();
    assert_eq!(status(&error), Status::WrongSecret);
    assert_eq!(token.attempts_left(), Some(2));
    assert_eq!(token.events(), ["secret-refused"]);
    let check = |token: &Token| {
        let error = token.store().snapshot().unwrap_err();
        assert!(error.to_string().contains("was refused before"), "{error}");
        assert!(error.to_string().contains("store unlock token"), "{error}");
        assert!(!error.to_string().contains("4321"), "{error}");
        assert_eq!(token.attempts_left(), Some(2), "it was tried again");
        assert_eq!(token.events(), ["secret-refused"]);
    };
    check(&token);
    check(&token.again());
}

#[test]
fn another_secret_is_tried_and_what_it_opens_forgets_the_wrong_one() {
    let token = Token::new("4321\n");
    token.store().snapshot().unwrap_err();
    token.store_pin("1234\n");
    assert!(token.store().snapshot().is_ok());
    assert_eq!(token.events(), ["secret-refused", "secret-taken"]);
    let state = State::open(&token.home.path().join("state")).unwrap();
    assert_eq!(state.attempts("token").unwrap(), []);
}

#[test]
fn what_may_be_the_secret_that_was_just_refused_is_not_tried() {
    let token = Token::new("4321\n");
    // Somebody has typed it, and the token remembers that it was wrong.
    let wrong = Person::says(Some("0000"));
    token.store().unlock(Some(wrong)).unwrap_err();
    let error = token.store().snapshot().unwrap_err();
    assert!(error.to_string().contains("just refused"), "{error}");
    assert_eq!(token.attempts_left(), Some(2));
}

#[test]
fn a_wrong_secret_that_could_not_be_written_down_is_not_repeated_here() {
    let token = Token::new("4321\n");
    fs::write(token.home.path().join("state"), "no directory").unwrap();
    assert!(
        token.store().snapshot().is_err(),
        "nobody knows what was refused"
    );
    assert_eq!(token.attempts_left(), Some(3), "so it is not tried");
}

#[test]
fn the_last_attempt_is_a_persons() {
    let token = Token::new("1234\n");
    for _ in 0..2 {
        let wrong = Person::says(Some("0000"));
        let error = token.store().unlock(Some(wrong)).unwrap_err();
        assert_eq!(status(&error), Status::WrongSecret);
    }
    assert_eq!(token.attempts_left(), Some(1));
    let error = token.store().snapshot().unwrap_err();
    assert!(error.to_string().contains("only one attempt"), "{error}");
    assert_eq!(token.attempts_left(), Some(1));
    let person = Person::says(Some("1234"));
    token.store().unlock(Some(person.clone())).unwrap();
    assert_eq!(person.asked(), 1);
    assert!(token.store().snapshot().is_ok());
}

#[test]
fn a_person_who_unlocks_is_asked_once_and_makes_what_is_stored_good_again() {
    let token = Token::new("4321\n");
    token.store().snapshot().unwrap_err();
    token
        .store()
        .unlock(Some(Person::says(Some("1234"))))
        .unwrap();
    assert!(token.store().snapshot().is_ok());
    assert_eq!(token.events(), ["secret-refused", "secret-taken"]);
    token.store().lock().unwrap();
    assert_eq!(token.store().health().word(), "locked");
}

#[test]
fn a_file_that_others_can_read_is_no_secret() {
    let token = Token::new("1234\n");
    fs::set_permissions(token.pin_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let error = token.store().snapshot().unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
    assert_eq!(token.attempts_left(), Some(3));
    fs::remove_file(token.pin_file()).unwrap();
    let error = token.store().snapshot().unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn a_listing_asks_no_person() {
    let person = Person::says(Some("1234"));
    let token = Token::open(tempfile::tempdir().unwrap(), Arc::clone(&person));
    token.stores.contents[0].lock_with(b"1234");
    assert!(token.store().snapshot().is_err());
    assert_eq!(person.asked(), 0);
    token.store().unlock(None).unwrap();
    assert_eq!(person.asked(), 1, "what is stored cannot be read");
    assert!(token.store().snapshot().is_ok());
}

#[test]
fn a_person_who_refuses_costs_no_attempt() {
    let token = Token::new("1234\n");
    let error = token.store().unlock(Some(Person::says(None))).unwrap_err();
    assert_eq!(status(&error), Status::PromptRefused);
    assert_eq!(token.attempts_left(), Some(3));
    assert!(!token.home.path().join("state").exists());
}

#[test]
fn a_secret_that_a_person_mistyped_says_nothing_of_what_is_stored() {
    let token = Token::new("1234\n");
    let error = token
        .store()
        .unlock(Some(Person::says(Some("0000"))))
        .unwrap_err();
    assert_eq!(status(&error), Status::WrongSecret);
    assert_eq!(token.events(), ["secret-refused"]);
    token.stores.contents[0].lock_with(b"1234");
    assert!(token.store().snapshot().is_ok());
}

/// Answers that know of one stored secret, and of a person who says another one.
fn answers(home: &TempDir) -> Answers {
    let path = home.path().join("pin");
    fs::write(&path, "4321").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let secrets = [("pin".to_owned(), SecretSource::File(path))].into();
    let person: Arc<dyn Prompter> = Person::says(Some("0000"));
    Answers::new("token", &secrets, Some(person), Arc::new(Unrecorded))
}

fn wrong<T>() -> Result<T, CallError> {
    Err(CallError::new(Status::WrongSecret, "it is wrong"))
}

#[test]
fn a_stored_secret_is_given_once_in_a_call_that_asks_again_and_again() {
    let home = tempfile::tempdir().unwrap();
    let answers = answers(&home);
    let mut question = Question::new(Ask::Pin);
    question.setting = Some("pin".to_owned());
    let said = |question: &Question| match answers.answer(question) {
        Answer::Secret(secret) => String::from_utf8(secret.to_vec()).unwrap(),
        other => format!("{other:?}"),
    };
    let call = || {
        assert_eq!(said(&question), "4321");
        assert_eq!(said(&question), "Refused", "it was tried already");
        wrong::<()>()
    };
    answers.during(Whom::Stored, call).unwrap_err();
    let again = || {
        assert_eq!(said(&question), "0000", "a person is asked");
        wrong::<()>()
    };
    answers.during(Whom::Anybody, again).unwrap_err();
}

#[test]
fn nobody_who_only_lists_waits_for_a_person() {
    let home = tempfile::tempdir().unwrap();
    let answers = answers(&home);
    let person = || {
        let listing = || panic!("it is not made");
        let listed = answers.during(Whom::Stored, listing).map(|(): ()| ());
        assert_eq!(listed.unwrap_err().status, Status::Locked);
        Ok(())
    };
    answers.during(Whom::Anybody, person).unwrap();
    answers.during(Whom::Stored, || Ok(())).unwrap();
}

#[test]
fn what_may_have_been_tried_counts_as_tried() {
    let token = Token::new("1234\n");
    token.stores.contents[0].fault(|faults| faults.panic = Some(Operation::Unlock));
    token.store().snapshot().unwrap_err();
    // It panicked before it asked: no secret was given.
    token.stores.contents[0].fault(|faults| faults.panic = None);
    assert!(token.store().snapshot().is_ok());
}
