//! Questions, asked as a plugin asks them.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use super::*;
use crate::plugin::StoreConfig;

type Script = dyn Fn(&Question) -> Answer + Send + Sync;

/// Answers as it is told to, and keeps what it was asked.
struct Person {
    asked: Mutex<Vec<Question>>,
    answers: Box<Script>,
}

impl Prompter for Person {
    fn answer(&self, question: &Question) -> Answer {
        self.asked.lock().unwrap().push(question.clone());
        (self.answers)(question)
    }
}

/// A host, a person, and a plugin that asks.
struct Scene {
    services: Arc<Services>,
    person: Arc<Person>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    fn new(answers: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Self {
        let person = Arc::new(Person {
            asked: Mutex::default(),
            answers: Box::new(answers),
        });
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let mut config = StoreConfig::new("s");
        config.prompter = Some(Arc::<Person>::clone(&person));
        config.log = Arc::new(move |_, line: &str| kept.lock().unwrap().push(line.to_owned()));
        let secrets = BTreeSet::from(["pin".to_owned()]);
        Self {
            services: Services::new(&config, secrets),
            person,
            lines,
        }
    }

    /// A person who answers every PIN with 1234, and everything else with yes.
    fn willing() -> Self {
        Self::new(|question| match question.ask {
            Ask::Pin | Ask::Password => secret(b"1234"),
            _ => Answer::Yes,
        })
    }

    /// Asks inside a call that may ask this often.
    fn ask_in(&self, may_ask: MayAsk, prompt: &ah_prompt) -> Asked {
        let call = ah_call::blank();
        let _asking = self.services.asking(&raw const call, may_ask);
        self.ask(&raw const call, prompt)
    }

    fn ask(&self, call: *const ah_call, prompt: &ah_prompt) -> Asked {
        let mut asked = Asked::default();
        let mut sink = ah_byte_sink::blank();
        sink.impl_ = (&raw mut asked).cast::<c_void>();
        sink.put = Some(keep);
        let mut error = ah_error::blank();
        // SAFETY: R1, R3: everything is ours and lives longer than the call.
        asked.status = unsafe {
            ask(
                self.services.host(),
                call,
                prompt,
                &raw const sink,
                &raw mut error,
            )
        };
        asked.message = quotation::field(&error.message);
        asked
    }

    fn asked(&self) -> Vec<Question> {
        self.person.asked.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// What the plugin got.
#[derive(Default, Debug)]
struct Asked {
    status: ah_status,
    message: String,
    answers: Vec<Vec<u8>>,
    /// What the plugin's sink returns.
    returns: ah_status,
}

/// The plugin's sink.
unsafe extern "C" fn keep(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status {
    // SAFETY: R3: the sink and the bytes are lent for this call.
    let (asked, bytes) = unsafe {
        (
            &mut *(*sink).impl_.cast::<Asked>(),
            adopt::bytes(bytes).unwrap(),
        )
    };
    asked.answers.push(bytes.to_vec());
    asked.returns
}

fn secret(bytes: &[u8]) -> Answer {
    Answer::Secret(Zeroizing::new(bytes.to_vec()))
}

fn prompt(kind: u32) -> ah_prompt {
    let mut prompt = ah_prompt::blank();
    prompt.kind = kind;
    prompt.attempts_left = u32::MAX;
    prompt.title = ah_str::new("PIN of the token");
    prompt
}

#[test]
fn question_arrives_as_it_was_asked_and_fit_to_be_shown() {
    // R4
    let scene = Scene::willing();
    let mut prompt = prompt(abi::AH_ASK_PIN);
    prompt.attempts_left = 2;
    prompt.flags = abi::AH_PROMPT_AGAIN;
    prompt.setting = ah_str::new("pin");
    prompt.title = ah_str::new("PIN\x1b[2J\n");
    prompt.detail = ah_str::new("of \u{202e}the token");
    let asked = scene.ask_in(MayAsk::Once, &prompt);
    assert_eq!(
        (asked.status, asked.answers),
        (abi::AH_OK, vec![b"1234".to_vec()])
    );
    let question = scene.asked().pop().unwrap();
    assert_eq!(question.ask, Ask::Pin);
    assert_eq!(question.setting.as_deref(), Some("pin"));
    assert!(question.again);
    assert_eq!(question.attempts_left, Some(2));
    assert_eq!(question.title, "PIN[2J");
    assert_eq!(question.detail, "of the token");
}

#[test]
fn yes_is_an_empty_answer_and_a_touch_has_none() {
    let scene = Scene::willing();
    let confirmed = scene.ask_in(MayAsk::Once, &prompt(abi::AH_ASK_CONFIRM));
    assert_eq!(
        (confirmed.status, confirmed.answers),
        (abi::AH_OK, vec![Vec::new()])
    );
    let touched = scene.ask_in(MayAsk::Once, &prompt(abi::AH_ASK_TOUCH));
    assert_eq!((touched.status, touched.answers.len()), (abi::AH_OK, 0));
}

#[test]
fn no_and_an_answer_to_another_question_are_refusals() {
    for (kind, answer) in [
        (abi::AH_ASK_PIN, Answer::Refused),
        (abi::AH_ASK_PIN, Answer::Yes),
        (abi::AH_ASK_CONFIRM, Answer::Refused),
        (abi::AH_ASK_CONFIRM, secret(b"1234")),
        (abi::AH_ASK_TOUCH, Answer::Refused),
        (abi::AH_ASK_PASSWORD, secret(&[b'x'; ANSWER_MAX + 1])),
    ] {
        let answer = Mutex::new(Some(answer));
        let scene = Scene::new(move |_| answer.lock().unwrap().take().unwrap());
        let asked = scene.ask_in(MayAsk::Several, &prompt(kind));
        assert_eq!(asked.status, abi::AH_PROMPT_REFUSED, "{kind}");
        assert_eq!(asked.answers.len(), 0);
        assert!(!asked.message.is_empty());
        // Nobody is at fault.
        assert_eq!(scene.lines(), [""; 0]);
    }
}

#[test]
fn longest_answer_is_given() {
    let scene = Scene::new(|_| secret(&[b'x'; ANSWER_MAX]));
    let asked = scene.ask_in(MayAsk::Once, &prompt(abi::AH_ASK_PASSWORD));
    assert_eq!(asked.answers[0].len(), ANSWER_MAX);
}

#[test]
fn call_that_may_not_ask_is_refused_and_told() {
    // R6
    let scene = Scene::willing();
    let call = ah_call::blank();
    for call in [&raw const call, std::ptr::null()] {
        let asked = scene.ask(call, &prompt(abi::AH_ASK_PIN));
        assert_eq!(asked.status, abi::AH_PROMPT_REFUSED);
        assert!(asked.message.contains("may not ask"), "{}", asked.message);
    }
    // Nor may one that ended.
    drop(scene.services.asking(&raw const call, MayAsk::Several));
    let asked = scene.ask(&raw const call, &prompt(abi::AH_ASK_PIN));
    assert_eq!(asked.status, abi::AH_PROMPT_REFUSED);
    // Nor one besides that which may.
    let other = ah_call::blank();
    let _asking = scene.services.asking(&raw const other, MayAsk::Several);
    let asked = scene.ask(&raw const call, &prompt(abi::AH_ASK_PIN));
    assert_eq!(asked.status, abi::AH_PROMPT_REFUSED);
    assert_eq!(scene.asked().len(), 0);
    assert_eq!(scene.lines().len(), 4);
}

#[test]
fn thread_of_the_plugins_own_is_refused() {
    // R7
    let scene = Scene::willing();
    let call = ah_call::blank();
    let _asking = scene.services.asking(&raw const call, MayAsk::Several);
    let lent = (&raw const call).addr();
    thread::scope(|threads| {
        threads.spawn(|| {
            let call = std::ptr::with_exposed_provenance::<ah_call>(lent);
            let asked = scene.ask(call, &prompt(abi::AH_ASK_PIN));
            assert_eq!(asked.status, abi::AH_PROMPT_REFUSED);
            assert!(asked.message.contains("a thread of its own"));
        });
    });
    assert_eq!(scene.asked().len(), 0);
}

#[test]
fn unlock_asks_once_and_may_show_more() {
    let scene = Scene::willing();
    let call = ah_call::blank();
    let _asking = scene.services.asking(&raw const call, MayAsk::Once);
    let ask = |kind| scene.ask(&raw const call, &prompt(kind)).status;
    assert_eq!(ask(abi::AH_ASK_TOUCH), abi::AH_OK);
    assert_eq!(ask(abi::AH_ASK_PIN), abi::AH_OK);
    assert_eq!(ask(abi::AH_ASK_TOUCH), abi::AH_OK);
    assert_eq!(ask(abi::AH_ASK_PASSWORD), abi::AH_PROMPT_REFUSED);
    assert_eq!(scene.asked().len(), 3);
    assert_eq!(scene.lines(), ["it asked more often than a call may"]);
}

#[test]
fn no_call_asks_without_end() {
    for kind in [abi::AH_ASK_PIN, abi::AH_ASK_TOUCH] {
        let scene = Scene::willing();
        let call = ah_call::blank();
        let _asking = scene.services.asking(&raw const call, MayAsk::Several);
        let asked = (0..100)
            .take_while(|_| scene.ask(&raw const call, &prompt(kind)).status == abi::AH_OK)
            .count();
        assert!((3..10).contains(&asked), "{asked}");
    }
}

#[test]
fn call_for_which_nobody_waits_asks_nobody() {
    // R8
    static OVER: AtomicBool = AtomicBool::new(false);
    unsafe extern "C" fn cancelled(_: *const ah_call) -> i32 {
        i32::from(OVER.load(Ordering::Relaxed))
    }
    let scene = Scene::willing();
    let mut call = ah_call::blank();
    call.cancelled = Some(cancelled);
    let _asking = scene.services.asking(&raw const call, MayAsk::Several);
    assert_eq!(
        scene.ask(&raw const call, &prompt(abi::AH_ASK_PIN)).status,
        abi::AH_OK
    );
    OVER.store(true, Ordering::Relaxed);
    let asked = scene.ask(&raw const call, &prompt(abi::AH_ASK_PIN));
    assert_eq!(asked.status, abi::AH_PROMPT_REFUSED);
    assert_eq!(scene.asked().len(), 1);
}

#[test]
fn only_a_secret_of_the_manifest_is_asked_for_by_name() {
    let scene = Scene::willing();
    for setting in ["other", "PIN", "pin "] {
        let mut prompt = prompt(abi::AH_ASK_PIN);
        prompt.setting = ah_str::new(setting);
        let asked = scene.ask_in(MayAsk::Once, &prompt);
        assert_eq!(asked.status, abi::AH_INVALID_ARGUMENT, "{setting}");
    }
    assert_eq!(scene.asked().len(), 0);
}

#[test]
fn question_that_breaks_the_contract_is_not_asked() {
    // R1
    let scene = Scene::willing();
    assert_eq!(
        scene.ask_in(MayAsk::Once, &prompt(9)).status,
        abi::AH_UNSUPPORTED
    );
    let mut short = prompt(abi::AH_ASK_PIN);
    short.struct_size = 8;
    assert_eq!(
        scene.ask_in(MayAsk::Once, &short).status,
        abi::AH_INVALID_ARGUMENT
    );
    let mut nowhere = prompt(abi::AH_ASK_PIN);
    nowhere.detail = ah_str {
        ptr: std::ptr::null(),
        len: 4,
    };
    assert_eq!(
        scene.ask_in(MayAsk::Once, &nowhere).status,
        abi::AH_INVALID_ARGUMENT
    );
    let call = ah_call::blank();
    let _asking = scene.services.asking(&raw const call, MayAsk::Once);
    // SAFETY: R3: NULL, or lives longer than the call.
    let (no_sink, no_host) = unsafe {
        let prompt = prompt(abi::AH_ASK_PIN);
        let (call, err) = (&raw const call, std::ptr::null_mut());
        (
            ask(
                scene.services.host(),
                call,
                &raw const prompt,
                std::ptr::null(),
                err,
            ),
            ask(
                std::ptr::null(),
                call,
                &raw const prompt,
                std::ptr::null(),
                err,
            ),
        )
    };
    assert_eq!(no_sink, abi::AH_INVALID_ARGUMENT);
    assert_eq!(no_host, abi::AH_INVALID_ARGUMENT);
    assert_eq!(scene.asked().len(), 0);
}

#[test]
fn what_the_plugins_sink_returns_comes_back() {
    let scene = Scene::willing();
    let call = ah_call::blank();
    let _asking = scene.services.asking(&raw const call, MayAsk::Once);
    let mut asked = Asked {
        returns: abi::AH_WRONG_SECRET,
        ..Asked::default()
    };
    let mut sink = ah_byte_sink::blank();
    sink.impl_ = (&raw mut asked).cast();
    sink.put = Some(keep);
    let prompt = prompt(abi::AH_ASK_PIN);
    // SAFETY: R1, R3: everything is ours and lives longer than the call.
    let status = unsafe {
        ask(
            scene.services.host(),
            &raw const call,
            &raw const prompt,
            &raw const sink,
            std::ptr::null_mut(),
        )
    };
    assert_eq!(status, abi::AH_WRONG_SECRET);
}

#[test]
fn panicking_person_is_a_refusal_and_the_next_one_is_asked() {
    // R5
    let first = AtomicBool::new(true);
    let scene = Scene::new(move |_| {
        assert!(!first.swap(false, Ordering::Relaxed), "the person");
        secret(b"1234")
    });
    let asked = scene.ask_in(MayAsk::Once, &prompt(abi::AH_ASK_PIN));
    assert_eq!(asked.status, abi::AH_PROMPT_REFUSED);
    let asked = scene.ask_in(MayAsk::Once, &prompt(abi::AH_ASK_PIN));
    assert_eq!(asked.status, abi::AH_OK);
}

#[test]
fn nobody_answers_where_there_is_nobody() {
    let services = Services::new(&StoreConfig::new("s"), BTreeSet::new());
    assert_eq!(services.may_ask(true, MayAsk::Several), MayAsk::Never);
    let scene = Scene::willing();
    assert_eq!(scene.services.may_ask(true, MayAsk::Once), MayAsk::Once);
    assert_eq!(scene.services.may_ask(false, MayAsk::Once), MayAsk::Never);
}
