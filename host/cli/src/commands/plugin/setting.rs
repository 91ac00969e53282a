//! Settings as they are typed on a command line, by the types of a manifest.

use std::collections::BTreeMap;

use anchorhold_boundary::manifest::{Manifest, SettingError, SettingKind, Value};

use crate::exit::Failure;
use crate::home::Home;

/// What was typed, with the types that the manifest has for it. A relative path starts from where
/// it was typed; a key that is repeated is a list.
pub(in crate::commands) fn typed(
    manifest: &Manifest,
    given: &[(String, String)],
) -> Result<BTreeMap<String, Value>, Failure> {
    let mut settings: BTreeMap<String, Value> = BTreeMap::new();
    for (key, text) in given {
        let kind = manifest.settings.get(key).map(|schema| schema.kind);
        let value = match (settings.remove(key), kind) {
            (Some(Value::List(mut texts)), _) => {
                texts.push(text.clone());
                Value::List(texts)
            }
            (Some(_), _) => return Err(wrong(key, "it is given twice, and takes one value")),
            (None, Some(SettingKind::List)) => Value::List(vec![text.clone()]),
            (None, kind) => value(key, kind, text)?,
        };
        settings.insert(key.clone(), value);
    }
    Ok(settings)
}

/// The same without the digests of libraries, which are the host's: `module_sha256`.
pub(super) fn without_pins(
    manifest: &Manifest,
    settings: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let is_pin = |key: &str| {
        let library = key.strip_suffix("_sha256");
        let library = library.and_then(|key| manifest.settings.get(key));
        !manifest.settings.contains_key(key)
            && library.is_some_and(|schema| schema.kind == SettingKind::Library)
    };
    let mut settings = settings.clone();
    settings.retain(|key, _| !is_pin(key));
    settings
}

/// What a store would lack that has these settings and no others, and a source for these of its
/// secrets; where that is a secret, `instead` says what to do.
pub(in crate::commands) fn missing(
    manifest: &Manifest,
    settings: &BTreeMap<String, Value>,
    sources: &[&str],
    home: &Home,
    instead: &str,
) -> Result<Option<Failure>, Failure> {
    let wrong = |message: String| Failure::usage("setting-invalid", message);
    let checked = manifest.check_settings(&without_pins(manifest, settings), &home.paths.base);
    match checked {
        Ok(_) => {}
        Err(error @ SettingError::Missing { .. }) => {
            let (keys, _) = required(manifest);
            return Ok(Some(wrong(error.to_string()).remedy(format!(
                "give it with --set KEY=VALUE; required are: {}",
                keys.join(", ")
            ))));
        }
        Err(error) => return Err(wrong(error.to_string())),
    }
    let (_, mut secrets) = required(manifest);
    secrets.retain(|key| !sources.contains(key));
    Ok((!secrets.is_empty()).then(|| {
        let message = format!("it needs the secret {}", secrets.join(", "));
        wrong(message).remedy(instead)
    }))
}

/// The settings that a store cannot be made without, and the secrets among them.
pub(super) fn required(manifest: &Manifest) -> (Vec<&str>, Vec<&str>) {
    let required = manifest.settings.iter();
    let required = required.filter(|(_, schema)| schema.required && schema.default.is_none());
    let (secrets, settings): (Vec<_>, Vec<_>) =
        required.partition(|(_, schema)| schema.kind == SettingKind::Secret);
    (
        settings.into_iter().map(|(key, _)| key.as_str()).collect(),
        secrets.into_iter().map(|(key, _)| key.as_str()).collect(),
    )
}

fn value(key: &str, kind: Option<SettingKind>, text: &str) -> Result<Value, Failure> {
    Ok(match kind {
        Some(SettingKind::Bool) => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(wrong(key, "it takes true or false")),
        },
        Some(SettingKind::Integer) => {
            let number = text
                .parse()
                .map_err(|_| wrong(key, "it takes a whole number"));
            Value::Integer(number?)
        }
        Some(SettingKind::Library | SettingKind::Path) if !text.is_empty() => {
            let path = std::path::absolute(text).ok();
            let path = path.and_then(|path| path.into_os_string().into_string().ok());
            Value::String(path.ok_or_else(|| wrong(key, "it is no usable path"))?)
        }
        Some(SettingKind::Secret) => {
            return Err(wrong(
                key,
                "it is a secret, and never stands in an argument: write its source under secrets",
            ));
        }
        _ => Value::String(text.to_owned()),
    })
}

/// A setting that does not fit.
pub(super) fn wrong(key: &str, what: &str) -> Failure {
    Failure::usage("setting-invalid", format!("--set {key}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse(
            "id = 'org.example.x'\nabi = 1\n[settings]\npath = { type = 'path', required = true }\n\
             module = { type = 'library' }\ncount = { type = 'integer' }\n\
             quick = { type = 'bool' }\nhosts = { type = 'list' }\n\
             pin = { type = 'secret', required = true }\n\
             wait = { type = 'duration', required = true, default = '2s' }",
        )
        .expect("valid")
    }

    fn given(pairs: &[(&str, &str)]) -> Result<BTreeMap<String, Value>, Failure> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        typed(&manifest(), &pairs)
    }

    #[test]
    fn each_value_has_the_type_that_the_manifest_says() {
        let settings = given(&[
            ("path", "a/b"),
            ("count", "-3"),
            ("quick", "true"),
            ("hosts", "one"),
            ("hosts", "two"),
            ("other", "x"),
        ])
        .expect("typed");
        let here = std::env::current_dir().expect("a directory").join("a/b");
        assert_eq!(settings["path"], Value::String(here.display().to_string()));
        assert_eq!(settings["count"], Value::Integer(-3));
        assert_eq!(settings["quick"], Value::Bool(true));
        let hosts = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(settings["hosts"], Value::List(hosts));
        assert_eq!(settings["other"], Value::String("x".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (pairs, what) in [
            (&[("count", "3x")][..], "whole number"),
            (&[("quick", "yes")], "true or false"),
            (&[("path", "a"), ("path", "b")], "given twice"),
            (&[("pin", "1234")], "never stands in an argument"),
        ] {
            let failure = given(pairs).expect_err("refused");
            assert!(failure.message.contains(what), "{}", failure.message);
            assert!(!failure.message.contains("1234"));
        }
    }

    #[test]
    fn pins_of_libraries_are_the_hosts_and_secrets_are_asked_for() {
        let settings = given(&[("module_sha256", "00"), ("path_sha256", "00")]).expect("typed");
        let without = without_pins(&manifest(), &settings);
        assert_eq!(without.keys().collect::<Vec<_>>(), ["path_sha256"]);
        assert_eq!(required(&manifest()), (vec!["path"], vec!["pin"]));
    }
}
