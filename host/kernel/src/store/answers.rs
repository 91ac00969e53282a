//! Who answers a store's questions: what the operator stored, a person, or nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use anchorhold_boundary::question::{Answer, Ask, Prompter, Question};
use anchorhold_boundary::status::{CallError, Status};
use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use crate::incidents::{Incidents, RefusedSecret, SecretMark};
use crate::plan::SecretSource;
use crate::secret;

/// Answers the questions of one store, within what the call that asks allows.
pub(crate) struct Answers {
    store: String,
    secrets: BTreeMap<String, SecretSource>,
    /// Who is asked where a person has to answer.
    person: Option<Arc<dyn Prompter>>,
    incidents: Arc<dyn Incidents>,
    /// One call at a time may ask.
    turn: Mutex<()>,
    open: Mutex<Option<Session>>,
    /// The stored secrets that were refused in this process, whether that could be written down or
    /// not.
    refused: Mutex<BTreeMap<String, SecretMark>>,
    /// What was read of descriptors, which give it once.
    read_once: Mutex<BTreeMap<u32, Zeroizing<Vec<u8>>>>,
}

/// Who may answer one call.
#[derive(Clone)]
pub(crate) enum Whom {
    /// Whoever there is: what is stored first, then a person.
    Anybody,
    /// This one, whatever is stored.
    Only(Arc<dyn Prompter>),
    /// Nobody has to be there: only what is stored, and only if that risks nothing.
    Stored,
}

/// One call that may ask.
struct Session {
    whom: Whom,
    /// What was given to the plugin, each stored secret once.
    given: Vec<Given>,
    /// Why a question was refused.
    refused: Option<String>,
}

struct Given {
    setting: String,
    mark: Option<SecretMark>,
}

impl Answers {
    pub(crate) fn new(
        store: &str,
        secrets: &BTreeMap<String, SecretSource>,
        person: Option<Arc<dyn Prompter>>,
        incidents: Arc<dyn Incidents>,
    ) -> Self {
        Self {
            store: store.to_owned(),
            secrets: secrets.clone(),
            person,
            incidents,
            turn: Mutex::default(),
            open: Mutex::default(),
            refused: Mutex::default(),
            read_once: Mutex::default(),
        }
    }

    /// Whether a secret is stored.
    pub(crate) fn has_stored(&self) -> bool {
        self.secrets.values().any(SecretSource::is_stored)
    }

    /// Whether there is a person to ask.
    pub(crate) fn has_person(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.is_there())
    }

    /// Makes a call that may ask, and remembers what became of the secrets that it took.
    pub(crate) fn during<T>(
        &self,
        whom: Whom,
        call: impl FnOnce() -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let _turn = self.turn_for(&whom)?;
        *self.session() = Some(Session {
            whom,
            given: Vec::new(),
            refused: None,
        });
        let result = call();
        let Some(session) = self.session().take() else {
            return result;
        };
        match &result {
            Ok(_) if !session.given.is_empty() => {
                self.refused().clear();
                self.incidents.secret_taken(&self.store);
            }
            Err(error) if may_have_counted(error.status) => {
                self.remember_refused(&session.given, error);
            }
            _ => {}
        }
        result.map_err(|error| match session.refused {
            Some(why) if matches!(error.status, Status::PromptRefused | Status::Locked) => {
                CallError::new(error.status, why)
            }
            _ => error,
        })
    }

    /// The turn of a call that may ask. One that nobody has to be there for does not wait for a
    /// person who is being asked.
    fn turn_for(&self, whom: &Whom) -> Result<MutexGuard<'_, ()>, CallError> {
        if !matches!(whom, Whom::Stored) {
            return Ok(self.turn.lock().unwrap_or_else(PoisonError::into_inner));
        }
        match self.turn.try_lock() {
            Ok(turn) => Ok(turn),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let why = "it is being unlocked, or asks a person, at this moment";
                Err(CallError::new(Status::Locked, why))
            }
        }
    }

    /// Which of several secrets was the wrong one nobody knows.
    fn remember_refused(&self, given: &[Given], error: &CallError) {
        for Given { setting, mark } in given {
            if let Some(mark) = mark {
                self.refused().insert(setting.clone(), *mark);
            }
            self.incidents.secret_refused(&RefusedSecret {
                store: &self.store,
                setting,
                mark: *mark,
                what: &error.to_string(),
            });
        }
    }

    /// The stored secret that a question asks for, or why it is not given.
    fn stored(&self, question: &Question) -> Result<(Zeroizing<Vec<u8>>, SecretMark), String> {
        let Some(setting) = &question.setting else {
            return Err("it asks for no secret by its name".to_owned());
        };
        let Some(source) = self
            .secrets
            .get(setting)
            .filter(|source| source.is_stored())
        else {
            return Err(format!("no secret \"{setting}\" is stored for it"));
        };
        if self.was_given(setting) {
            return Err(format!(
                "the stored secret \"{setting}\" was given already in this call, and is not tried \
                 again"
            ));
        }
        if question.attempts_left == Some(1) {
            return Err("only one attempt is left, which is a person's".to_owned());
        }
        let secret = self
            .read(source)
            .map_err(|error| format!("the stored secret \"{setting}\": {error}"))?;
        let here = self.refused().get(setting).copied();
        let written = self.incidents.refused_secret(&self.store, setting);
        let is_same = |known: SecretMark| mark(&secret, known.salt) == known;
        if here.is_some_and(is_same) || written.is_some_and(|known| known.is_none_or(is_same)) {
            return Err(format!(
                "the stored secret \"{setting}\" was refused before, and is not tried again until \
                 it is changed or a person unlocks the store: anchorhold store unlock {}",
                self.store
            ));
        }
        if question.again && here.is_none() && written.is_none() {
            return Err(format!(
                "the stored secret \"{setting}\" may be the one that was just refused"
            ));
        }
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| "this machine has no random numbers".to_owned())?;
        let mark = mark(&secret, salt);
        Ok((secret, mark))
    }

    /// Whether the stored secret was given to the call that asks.
    fn was_given(&self, setting: &str) -> bool {
        let session = self.session();
        let given = session.iter().flat_map(|session| &session.given);
        given
            .filter(|given| given.mark.is_some())
            .any(|given| given.setting == setting)
    }

    fn read(&self, source: &SecretSource) -> Result<Zeroizing<Vec<u8>>, secret::SecretError> {
        let SecretSource::Descriptor(number) = source else {
            return secret::read(source);
        };
        let mut known = self
            .read_once
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(number) {
            return Ok(known.clone());
        }
        let read = secret::read(source)?;
        known.insert(*number, read.clone());
        Ok(read)
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<String, SecretMark>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, why: String) -> Answer {
        if let Some(session) = self.session().as_mut() {
            session.refused = Some(why);
        }
        Answer::Refused
    }

    fn give(
        &self,
        question: &Question,
        secret: Zeroizing<Vec<u8>>,
        mark: Option<SecretMark>,
    ) -> Answer {
        if let Some(session) = self.session().as_mut() {
            session.given.push(Given {
                setting: question.setting.clone().unwrap_or_default(),
                mark,
            });
        }
        Answer::Secret(secret)
    }

    fn ask(&self, person: Option<&Arc<dyn Prompter>>, question: &Question, why: String) -> Answer {
        let Some(person) = person else {
            return self.refuse(why);
        };
        match person.answer(question) {
            Answer::Secret(secret) => self.give(question, secret, None),
            // Why somebody had to be asked at all is what can be mended.
            Answer::Refused => self.refuse(format!("nobody answered its question: {why}")),
            Answer::Yes => Answer::Yes,
        }
    }
}

impl Prompter for Answers {
    fn answer(&self, question: &Question) -> Answer {
        let whom = self.session().as_ref().map(|session| session.whom.clone());
        let is_secret = matches!(question.ask, Ask::Password | Ask::Pin);
        let nobody = || "it asks for what only a person can give".to_owned();
        match whom {
            None => Answer::Refused,
            Some(Whom::Only(person)) => self.ask(Some(&person), question, nobody()),
            Some(Whom::Stored) if !is_secret => self.refuse(nobody()),
            Some(Whom::Anybody) if !is_secret => self.ask(self.person.as_ref(), question, nobody()),
            Some(whom) => match self.stored(question) {
                Ok((secret, mark)) => self.give(question, secret, Some(mark)),
                Err(why) if matches!(whom, Whom::Anybody) => {
                    self.ask(self.person.as_ref(), question, why)
                }
                Err(why) => self.refuse(why),
            },
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("store", &self.store)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Whether a secret may have been tried, and refused, where a call ends like this. Where nobody
/// knows it counts: an attempt too few is a nuisance, an attempt too many locks a token for good.
fn may_have_counted(status: Status) -> bool {
    !matches!(
        status,
        Status::Busy
            | Status::NotPresent
            | Status::PromptRefused
            | Status::Unavailable
            | Status::Unsupported
    )
}

fn mark(secret: &[u8], salt: [u8; 16]) -> SecretMark {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salt);
    let tag = hmac::sign(&key, secret);
    let mut hash = [0; 2];
    for (to, from) in hash.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    SecretMark { salt, hash }
}
