//! A question that a plugin asks a person, and who answers it.

use std::fmt;

use zeroize::Zeroizing;

/// The most bytes of an answer.
pub const ANSWER_MAX: usize = 4096;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ask {
    /// A yes or a no.
    Confirm,
    /// A password.
    Password,
    /// A PIN.
    Pin,
    /// That the device is touched, or its PIN pad used: shown, and not answered.
    Touch,
}

/// One question. The texts are the plugin's, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// What is asked for.
    pub ask: Ask,
    /// The secret setting of the manifest that this asks for, where it names one.
    pub setting: Option<String>,
    /// The answer before was wrong: a stored one is not repeated.
    pub again: bool,
    /// How many attempts are left, where that is known.
    pub attempts_left: Option<u32>,
    /// In one line.
    pub title: String,
    /// More about it, may be empty.
    pub detail: String,
}

/// What came of a question.
pub enum Answer {
    /// No: what is asked for is refused, or nobody can be asked.
    Refused,
    /// The PIN or password; wiped when dropped.
    Secret(Zeroizing<Vec<u8>>),
    /// Yes; or, where nothing is to be answered, it is on the screen.
    Yes,
}

/// Answers the questions of one store. It is called on the thread of the call that asks, which
/// waits meanwhile.
pub trait Prompter: Send + Sync {
    /// Answers one question.
    fn answer(&self, question: &Question) -> Answer;

    /// Whether anybody is there to answer, as far as that shows before a question.
    fn is_there(&self) -> bool {
        true
    }
}

impl Question {
    /// A question with nothing but what it asks for.
    pub fn new(ask: Ask) -> Self {
        Self {
            ask,
            setting: None,
            again: false,
            attempts_left: None,
            title: String::new(),
            detail: String::new(),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "Refused",
            Self::Secret(_) => "Secret(..)",
            Self::Yes => "Yes",
        })
    }
}
