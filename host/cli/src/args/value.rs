//! Values as they are typed, checked before anything is done with them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anchorhold_boundary::environment;
use anchorhold_boundary::grant::Grant;
use anchorhold_kernel::plan::{self, SecretSource};
use anchorhold_session::level::Level;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The name of a server: any text without control characters, as stanzas have.
pub(crate) fn server_name(text: &str) -> Result<String, String> {
    printable(text, "a server's name", 128)
}

/// Why no stanza can have a name, so that nothing imported for it would ever count.
pub(crate) fn no_stanza_name(name: &str) -> Option<String> {
    let bare = name.strip_suffix("@repl").unwrap_or(name);
    let reserved = ["*", "any", "none"];
    if reserved.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
        return Some(format!(
            "\"{name}\" stands for servers, and is the name of none"
        ));
    }
    if bare.is_empty() || bare.chars().count() > STANZA_MAX {
        return Some(format!(
            "the name of a server has 1 to {STANZA_MAX} characters"
        ));
    }
    let allowed = |letter: &char| {
        letter.is_alphanumeric() || (letter.is_ascii_graphic() && !"\"',".contains(*letter))
    };
    let strange = bare.chars().find(|letter| !allowed(letter))?;
    Some(format!(
        "no stanza can have the name \"{name}\": {strange:?} is not allowed in it"
    ))
}

/// The name of a store.
pub(crate) fn store_name(text: &str) -> Result<String, String> {
    printable(text, "a store's name", 64)
}

/// The id of a plugin, which is never a path.
pub(crate) fn plugin_id(text: &str) -> Result<String, String> {
    if anchorhold_boundary::manifest::is_id(text) {
        Ok(text.to_owned())
    } else {
        Err("a plugin's id is made of letters, digits, '.', '_', '+' and '-'".to_owned())
    }
}

/// A setting of a store, as KEY=VALUE.
pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    if key.is_empty() {
        return Err("the key is empty".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// A variable of an environment, as NAME=VALUE.
pub(crate) fn variable(text: &str) -> Result<(OsString, OsString), String> {
    let (name, value) = written_variable(text)?;
    Ok((name.into(), value.into()))
}

/// A variable of an environment that is written into a configuration file, as NAME=VALUE.
pub(crate) fn written_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = setting(text)?;
    environment::check(&name, &value)?;
    Ok((name, value))
}

/// Something that the operator lets a plugin reach.
pub(crate) fn grant(text: &str) -> Result<Grant, String> {
    Grant::parse(text).map_err(|error| error.what)
}

/// Where a secret of a store comes from, or why that cannot be told: the parser of the command line
/// would repeat what it refuses, which may be the secret itself.
pub(crate) type TypedSecret = Result<(String, SecretSource), String>;

/// Takes whatever is typed for the source of a secret.
pub(crate) fn typed_secret(text: &str) -> Result<TypedSecret, String> {
    Ok(secret(text))
}

/// Where a secret of a store comes from, as KEY=file:PATH, KEY=fd:NUMBER, KEY=credential:NAME or
/// KEY=ask.
fn secret(text: &str) -> Result<(String, SecretSource), String> {
    let forms = || {
        "write KEY=file:PATH, KEY=fd:NUMBER, KEY=credential:NAME or KEY=ask, and never the secret \
         itself, which others see in the list of processes"
            .to_owned()
    };
    let (key, source) = text.split_once('=').ok_or_else(forms)?;
    let of_key = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if key.is_empty() || !key.chars().all(of_key) {
        return Err(forms());
    }
    let source = match source.split_once(':') {
        None if source == "ask" => SecretSource::Ask,
        Some(("file", path)) if !path.is_empty() => {
            let path = std::path::absolute(path);
            SecretSource::File(path.map_err(|error| error.to_string())?)
        }
        Some(("fd", number)) => match number.parse() {
            Ok(number @ 3..) => SecretSource::Descriptor(number),
            _ => return Err("fd is the number of a file descriptor, 3 or more".to_owned()),
        },
        Some(("credential", name)) if plan::is_credential(name) => {
            SecretSource::Credential(name.to_owned())
        }
        Some(("credential", _)) => {
            return Err("the name of a credential is a file name, and no path".to_owned());
        }
        _ => return Err(forms()),
    };
    Ok((key.to_owned(), source))
}

/// The label of a certificate.
pub(crate) fn label(text: &str) -> Result<String, String> {
    printable(text, "a label", 128)
}

/// Why something is done.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    printable(text.trim(), "a reason", 500)
}

/// The name of a file; an empty one is a slip of a script.
pub(crate) fn certificate_file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("the name is empty".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

/// A number of days.
pub(crate) fn expiry_days(text: &str) -> Result<i64, String> {
    let days = text
        .parse::<u16>()
        .map_err(|_| "a number of days, such as 90".to_owned())?;
    Ok(i64::from(days))
}

/// The level of a server.
pub(crate) fn level(text: &str) -> Result<Level, String> {
    text.parse()
        .map_err(|error: anchorhold_session::level::NotALevel| error.to_string())
}

/// A moment.
pub(crate) fn instant(text: &str) -> Result<OffsetDateTime, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339);
    moment.map_err(|_| "a time such as 2026-01-31T12:00:00Z".to_owned())
}

/// How long something holds: a number and a unit.
pub(crate) fn lifetime(text: &str) -> Result<Duration, String> {
    let wanted = || "a number and a unit, such as 90m, 24h or 7d; a year at most".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(wanted()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wanted());
    }
    let seconds = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=YEAR) => Ok(Duration::from_secs(seconds)),
        _ => Err(wanted()),
    }
}

fn printable(text: &str, what: &str, most: usize) -> Result<String, String> {
    if text.is_empty() {
        return Err(format!("{what} is not empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{what} has no control characters"));
    }
    if text.chars().count() > most {
        return Err(format!("{what} has at most {most} characters"));
    }
    Ok(text.to_owned())
}

/// How long the name of a stanza may be.
const STANZA_MAX: usize = 64;

const YEAR: u64 = 366 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_a_secret_is_named_and_never_the_secret() {
        let here = std::env::current_dir().expect("a directory");
        for (text, key, source) in [
            ("pin=ask", "pin", SecretSource::Ask),
            ("pin=fd:3", "pin", SecretSource::Descriptor(3)),
            (
                "so_pin=file:a",
                "so_pin",
                SecretSource::File(here.join("a")),
            ),
            ("pin=file:/a:b", "pin", SecretSource::File("/a:b".into())),
            (
                "pin=credential:hsm.pin",
                "pin",
                SecretSource::Credential("hsm.pin".to_owned()),
            ),
        ] {
            assert_eq!(secret(text), Ok((key.to_owned(), source)), "{text}");
        }
        for text in [
            "pin=S3cret",
            "pin=S3cret:x",
            "S3cret",
            "=ask",
            "pin=",
            "pin=fd:2",
            "pin=fd:S3cret",
            "pin=file:",
            "pin=credential:../S3cret",
            "pin=credential:",
            "p n=ask",
        ] {
            let message = secret(text).expect_err("refused");
            assert!(!message.contains("S3cret"), "{text}: {message}");
        }
    }

    #[test]
    fn a_name_that_no_stanza_can_have_is_known_as_such() {
        for name in [
            "TSM1",
            "tsm-1.example_2",
            "ANY2",
            "TSM1@repl",
            "Zürich",
            "a*b",
        ] {
            assert_eq!(no_stanza_name(name), None, "{name}");
        }
        let long = "x".repeat(65);
        for name in [
            "TSM 1", "*", "any", "ANY", "none", "a,b", "\"a\"", "it's", "@repl", "a\tb",
        ] {
            assert!(no_stanza_name(name).is_some(), "{name}");
        }
        assert!(no_stanza_name(&long).is_some());
    }
}
