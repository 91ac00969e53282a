//! Logging in: one attempt a call, with what the host's answer is, which is never kept.

use anchorhold_sdk::{Call, Error, ErrorKind, Question};
use cryptoki::error::RvError;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

use crate::error::{answer, failed};
use crate::token::Token;

/// Logs the user in.
pub(crate) fn user(session: &Session, token: &Token, call: &Call<'_>) -> Result<(), Error> {
    let info = &token.info;
    if info.user_pin_locked() {
        return Err(Error::new(
            ErrorKind::LockedOut,
            format!(
                "the PIN of {} is locked, and the token's administrator has to set a new one",
                token.name()
            ),
        ));
    }
    if !info.user_pin_initialized() && info.login_required() {
        return Err(Error::denied(format!(
            "{} has no PIN for its user yet: set one with the token's own program",
            token.name()
        )));
    }
    let asked = Asked {
        who: UserType::User,
        setting: "pin",
        title: format!("PIN of {}", token.name()),
        attempts_left: token.attempts_left(),
    };
    log_in(session, token, call, &asked)
}

/// Logs the security officer in.
pub(crate) fn officer(session: &Session, token: &Token, call: &Call<'_>) -> Result<(), Error> {
    if token.info.so_pin_locked() {
        return Err(Error::new(
            ErrorKind::LockedOut,
            format!(
                "the PIN of the security officer of {} is locked",
                token.name()
            ),
        ));
    }
    let asked = Asked {
        who: UserType::So,
        setting: "so_pin",
        title: format!("PIN of the security officer of {}", token.name()),
        attempts_left: token.info.so_pin_final_try().then_some(1),
    };
    log_in(session, token, call, &asked)
}

/// Says the PIN again for one signature, as a key wants that asks for it each time.
pub(crate) fn for_one_use(session: &Session, token: &Token, call: &Call<'_>) -> Result<(), Error> {
    let asked = Asked {
        who: UserType::ContextSpecific,
        setting: "pin",
        title: format!("PIN of {} for one signature", token.name()),
        attempts_left: token.attempts_left(),
    };
    log_in(session, token, call, &asked)
}

struct Asked {
    who: UserType,
    setting: &'static str,
    title: String,
    attempts_left: Option<u32>,
}

fn log_in(session: &Session, token: &Token, call: &Call<'_>, asked: &Asked) -> Result<(), Error> {
    if !call.may_prompt() {
        return Err(Error::locked(format!(
            "{} has to be unlocked first, and nobody can be asked in this call",
            token.name()
        )));
    }
    if token.info.protected_authentication_path() {
        call.show(&asked.title, "use the pad of the token itself")?;
        return done(session.login(asked.who, None), token);
    }
    let mut question = Question::pin(&asked.title).setting(asked.setting);
    if let Some(attempts) = asked.attempts_left {
        question = question.attempts_left(attempts);
    }
    call.ask(&question, |secret| {
        let text = std::str::from_utf8(secret).map_err(|_| {
            Error::new(
                ErrorKind::WrongSecret,
                "a PIN is UTF-8, and what was given is not",
            )
        })?;
        // The copy is wiped when it goes, as is the host's own.
        let pin = AuthPin::new(text.into());
        done(session.login(asked.who, Some(&pin)), token)
    })
}

fn done(logged_in: Result<(), cryptoki::error::Error>, token: &Token) -> Result<(), Error> {
    match logged_in {
        Ok(()) => Ok(()),
        Err(error) if answer(&error) == Some(RvError::UserAlreadyLoggedIn) => Ok(()),
        Err(error) => Err(failed(&token.name(), &error)),
    }
}
