//! The tokens of a module, and which of them a store is about.

use anchorhold_sdk::{Error, ErrorKind};
use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::slot::{Slot, TokenInfo};

use crate::error::{answer, failed};
use crate::uri::Uri;

/// One token, as its module describes it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) slot: Slot,
    pub(crate) info: TokenInfo,
}

impl Token {
    /// How messages name it.
    pub(crate) fn name(&self) -> String {
        match (self.info.label(), self.info.serial_number()) {
            ("", serial) => format!("the token with serial {serial}"),
            (label, _) => format!("the token \"{label}\""),
        }
    }

    /// Whether another description is of the same token, be it that it was put in again.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.slot == other.slot
            && self.info.label() == other.info.label()
            && self.info.serial_number() == other.info.serial_number()
    }

    /// How many attempts at the user's PIN are known to be left.
    pub(crate) fn attempts_left(&self) -> Option<u32> {
        self.info.user_pin_final_try().then_some(1)
    }

    /// Whether there can be anything on it. What is built into a module, and cannot be written, was
    /// never initialised and need not be.
    fn is_ready(&self) -> bool {
        self.info.token_initialized() || self.info.write_protected()
    }

    fn fits(&self, wanted: &Uri) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        same(&wanted.token, self.info.label())
            && same(&wanted.serial, self.info.serial_number())
            && same(&wanted.manufacturer, self.info.manufacturer_id())
            && same(&wanted.model, self.info.model())
            && wanted.slot_id.is_none_or(|wanted| wanted == self.slot.id())
    }
}

/// The tokens that are meant: the one that is named, or else every one of the module.
pub(crate) fn tokens(module: &Pkcs11, wanted: &Uri) -> Result<Vec<Token>, Error> {
    let slots = module
        .get_slots_with_token()
        .map_err(|error| failed("the module's tokens", &error))?;
    let mut found = Vec::new();
    for slot in slots.into_iter().take(SLOTS_MAX) {
        match module.get_token_info(slot) {
            Ok(info) => found.push(Token { slot, info }),
            // Pulled out a moment ago, or of a kind that the module does not know.
            Err(error) if is_absent(answer(&error)) => {}
            Err(error) => return Err(failed("the module's tokens", &error)),
        }
    }
    choose(found, wanted)
}

fn choose(found: Vec<Token>, wanted: &Uri) -> Result<Vec<Token>, Error> {
    let is_named = *wanted != Uri::default();
    let (ready, blank): (Vec<_>, Vec<_>) = found.into_iter().partition(Token::is_ready);
    let others: Vec<String> = ready.iter().map(Token::name).collect();
    let fitting: Vec<_> = ready
        .into_iter()
        .filter(|token| token.fits(wanted))
        .collect();
    match &fitting[..] {
        [] if !is_named => Err(absent(format!(
            "the module has no token that is initialised ({} that are not): put one in, or \
             initialise it with the token's own program",
            blank.len()
        ))),
        [] => {
            let there = match &others[..] {
                [] => "there is none that is initialised".to_owned(),
                others => format!("there are: {}", others.join(", ")),
            };
            Err(absent(format!(
                "{} is not there: put it in, or correct the settings; {there}",
                named(wanted)
            )))
        }
        [_, _, ..] if is_named => {
            let serials: Vec<_> = fitting
                .iter()
                .map(|token| token.info.serial_number())
                .collect();
            Err(Error::invalid_argument(format!(
                "{} is the name of {} tokens: say which with the setting serial, which is one of \
                 {}",
                named(wanted),
                fitting.len(),
                serials.join(", ")
            )))
        }
        _ => Ok(fitting),
    }
}

fn named(wanted: &Uri) -> String {
    match wanted {
        Uri {
            token: Some(label),
            serial: None,
            ..
        } => format!("the token \"{label}\""),
        Uri {
            token: Some(label),
            serial: Some(serial),
            ..
        } => format!("the token \"{label}\" with serial {serial}"),
        Uri {
            serial: Some(serial),
            ..
        } => format!("the token with serial {serial}"),
        _ => "the token of the uri".to_owned(),
    }
}

fn is_absent(code: Option<RvError>) -> bool {
    matches!(
        code,
        Some(RvError::TokenNotPresent | RvError::TokenNotRecognized | RvError::DeviceRemoved)
    )
}

fn absent(message: String) -> Error {
    Error::new(ErrorKind::NotPresent, message)
}

/// More slots than any module has.
const SLOTS_MAX: usize = 1024;
