//! Which cases are tried, and which are not, for what reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::arguments::Arguments;
use crate::case::{Case, Level, catalogue};
use crate::target::Misuse;

/// The cases of one run.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) cases: Vec<Case>,
    /// Why a case is not tried, by its id.
    pub(super) disabled: BTreeMap<String, String>,
}

/// A file that disables cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    disabled: Vec<Disabled>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disabled {
    case: String,
    reason: String,
}

impl Choice {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, Misuse> {
        let mut cases = catalogue();
        for name in &arguments.only {
            if !cases.iter().any(|case| is_named(case, name)) {
                let levels: Vec<&str> = Level::ALL.into_iter().map(Level::name).collect();
                return Err(Misuse::new(
                    format!("there is no case and no level {name:?}"),
                    format!("levels are {}; --list names the cases", levels.join(", ")),
                ));
            }
        }
        if arguments.reproduce.is_some() && arguments.only.is_empty() {
            cases.retain(|case| case.level() == Level::Fuzz);
        }
        if !arguments.only.is_empty() {
            cases.retain(|case| arguments.only.iter().any(|name| is_named(case, name)));
        }
        let disabled = match &arguments.disable {
            Some(file) => disabled(file)?,
            None => BTreeMap::new(),
        };
        Ok(Self { cases, disabled })
    }
}

fn is_named(case: &Case, name: &str) -> bool {
    case.id == name || case.level().name() == name
}

fn disabled(file: &Path) -> Result<BTreeMap<String, String>, Misuse> {
    let wrong = |why: String| {
        Misuse::new(
            format!("{}: {why}", file.display()),
            "write [[disabled]] with case = \"…\" and reason = \"…\"",
        )
    };
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let written: Written = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let known = catalogue();
    let mut reasons = BTreeMap::new();
    for Disabled { case, reason } in written.disabled {
        if !known.iter().any(|one| one.id == case) {
            return Err(wrong(format!("there is no case {case:?}")));
        }
        if reason.trim().is_empty() {
            return Err(wrong(format!("{case} is disabled without a reason")));
        }
        reasons.insert(case, reason);
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str]) -> Result<Choice, Misuse> {
        let arguments = Arguments {
            only: only.iter().map(|name| (*name).to_owned()).collect(),
            ..Arguments::default()
        };
        Choice::new(&arguments)
    }

    #[test]
    fn cases_are_chosen_by_id_and_level() {
        assert_eq!(chosen(&["read.list"]).unwrap().cases.len(), 1);
        let both = chosen(&["load", "read.list"]).unwrap().cases;
        assert!(
            both.iter()
                .all(|case| case.level() == Level::Load || case.id == "read.list")
        );
        assert!(
            chosen(&["reed"])
                .err()
                .unwrap()
                .message
                .contains("\"reed\"")
        );
    }

    #[test]
    fn case_is_disabled_with_a_reason_only() {
        let dir = tempfile::tempdir().unwrap();
        let check = |text: &str| {
            let file = dir.path().join("disabled.toml");
            fs::write(&file, text).unwrap();
            disabled(&file)
        };
        let reasons = check("[[disabled]]\ncase = 'read.list'\nreason = 'no server here'").unwrap();
        assert_eq!(reasons["read.list"], "no server here");
        for (text, expected) in [
            (
                "[[disabled]]\ncase = 'read.list'\nreason = ' '",
                "without a reason",
            ),
            ("[[disabled]]\ncase = 'read.list'", "reason"),
            ("[[disabled]]\ncase = 'read.lisst'\nreason = 'x'", "no case"),
        ] {
            let message = check(text).unwrap_err().message;
            assert!(message.contains(expected), "{message}");
        }
    }
}
