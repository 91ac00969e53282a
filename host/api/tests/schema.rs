//! Every document fits its schema, every schema fits its document, and both speak as promised.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]
#[path = "schema/check.rs"]
mod check;
#[path = "schema/sample.rs"]
mod sample;

use check::mismatches;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn schema(name: &str) -> Value {
    let path = format!("{}/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the schema is there");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// The document fits the schema, with every field that may be absent present and absent, and
/// comes back from its own text.
fn check<T>(name: &str, documents: &[T])
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    for document in documents {
        let written = serde_json::to_value(document).expect("writes");
        assert_eq!(
            mismatches(&schema(name), &written),
            Vec::<String>::new(),
            "{name}"
        );
        let read: T = serde_json::from_value(written).expect("reads");
        assert_eq!(&read, document, "{name}");
    }
}

#[test]
fn every_document_fits_its_schema() {
    check("error", &[sample::error(true), sample::error(false)]);
    check("rehearse", &[sample::rehearsal()]);
    check("import", &[sample::import()]);
    check("export", &[sample::export(true), sample::export(false)]);
    check("list", &sample::lists());
    check("show", &[sample::shown()]);
    check("scope", &[sample::change()]);
    check("remove", &[sample::change()]);
    check(
        "scope-propose",
        &[sample::proposal(true), sample::proposal(false)],
    );
    check("verify", &[sample::verdict(true), sample::verdict(false)]);
    check("connect", &[sample::session(true), sample::session(false)]);
    check(
        "explain",
        &[sample::explanation(true), sample::explanation(false)],
    );
    check("server-list", &[sample::record_list()]);
    check(
        "server-show",
        &[sample::record(true), sample::record(false)],
    );
    check("server-raise", &[sample::record_change()]);
    check("server-lower", &[sample::record_change()]);
    check("store-list", &[sample::store_list()]);
    check("store-check", &[sample::store_check()]);
    check("store-password", &[sample::password()]);
    check(
        "store-create",
        &[sample::store_create(true), sample::store_create(false)],
    );
    check(
        "store-copy",
        &[sample::store_copy(true), sample::store_copy(false)],
    );
    let turns = [sample::store_turn(true), sample::store_turn(false)];
    check("store-unlock", &turns);
    check("store-lock", &turns);
    check("store-release", &turns);
    check("plugin-list", &[sample::plugin_list()]);
    check(
        "plugin-add",
        &[sample::plugin_add(true), sample::plugin_add(false)],
    );
    check("plugin-remove", &[sample::plugin_remove()]);
    check("plugin-check", &[sample::plugin_check()]);
    check("plugin-new", &[sample::plugin_new()]);
    check(
        "plugin-run",
        &[sample::plugin_run(true), sample::plugin_run(false)],
    );
    check("journal-show", &[sample::journal()]);
    check(
        "journal-verify",
        &[sample::journal_check(true), sample::journal_check(false)],
    );
    check(
        "doctor",
        &[sample::diagnosis(true), sample::diagnosis(false)],
    );
    check(
        "doctor-bundle",
        &[sample::bundle(true), sample::bundle(false)],
    );
}

#[test]
fn every_schema_is_tested() {
    let directory = format!("{}/schema", env!("CARGO_MANIFEST_DIR"));
    let here = include_str!("schema.rs").replace(char::is_whitespace, "");
    let files: Vec<_> = std::fs::read_dir(directory)
        .expect("the directory is there")
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let path = file.expect("readable").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name")
            .to_owned();
        assert!(
            here.contains(&format!("check(\"{name}\",")),
            "{name} is not tested"
        );
    }
}

/// The fields that other programs were promised, by document.
#[test]
fn promised_fields_are_required() {
    let promised = json!({
        "error": ["error.code", "error.message", "error.remedy"],
        "rehearse": [
            "stories[].id", "stories[].title", "stories[].passed", "stories[].steps[].did",
            "stories[].steps[].expected", "stories[].steps[].got", "stories[].steps[].passed",
            "passed", "failed",
        ],
        "plugin-check": [
            "cases[].id", "cases[].level", "cases[].result", "cases[].message", "passed", "failed",
        ],
        "import": [
            "imported[].sha256", "imported[].label", "imported[].store", "imported[].kind",
            "imported[].outcome", "dry_run",
        ],
        "list": [
            "certificates[].sha256", "certificates[].subject", "certificates[].issuer",
            "certificates[].not_before", "certificates[].not_after", "certificates[].label",
            "certificates[].store", "certificates[].servers", "certificates[].kind",
            "certificates[].note",
        ],
        "verify": [
            "trusted", "code", "by.sha256", "by.store", "by.plugin", "chain[]", "message",
            "remedy",
        ],
        "connect": SESSION,
        "explain": SESSION,
        "doctor": [
            "findings[].code", "findings[].severity", "findings[].about", "findings[].message",
            "findings[].remedy",
        ],
        "store-list": [
            "stores[].name", "stores[].plugin", "stores[].version", "stores[].isolation",
            "stores[].sandbox", "stores[].sandbox_note", "stores[].health",
            "stores[].generation", "stores[].items", "stores[].age_seconds",
        ],
    });
    for (name, paths) in promised.as_object().expect("by document") {
        let whole = schema(name);
        for path in paths
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            assert!(is_required(&whole, &whole, path), "{name}: {path}");
        }
    }
}

const SESSION: &[&str] = &[
    "server",
    "decision",
    "code",
    "row",
    "level.value",
    "level.evidence",
    "session_security",
    "tls_version",
    "key_exchange",
    "authentication",
    "object_data",
    "options[].name",
    "options[].value",
    "options[].from",
    "certificate.sha256",
    "certificate.store",
    "certificate.how",
    "warnings",
    "message",
    "remedy",
];

fn is_required(root: &Value, schema: &Value, path: &str) -> bool {
    let schema = resolve(root, schema);
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let name = first.trim_end_matches("[]");
    let required = schema.get("required").and_then(Value::as_array);
    if !required.is_some_and(|all| all.iter().any(|one| one == name)) {
        return false;
    }
    let field = schema
        .pointer(&format!("/properties/{name}"))
        .expect("what is required is known");
    let field = if first.ends_with("[]") {
        let Some(items) = resolve(root, field).get("items") else {
            return false;
        };
        items
    } else {
        field
    };
    rest.is_empty() || is_required(root, field, rest)
}

/// Follows a reference, and takes what is not null of a choice.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(first) = schema.pointer("/anyOf/0") {
        return resolve(root, first);
    }
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            resolve(
                root,
                root.pointer(pointer).expect("the definition is there"),
            )
        }
        None => schema,
    }
}

#[test]
fn a_document_that_does_not_fit_is_noticed() {
    let verdict = schema("verify");
    let good = serde_json::to_value(sample::verdict(true)).expect("writes");
    for (field, bad, wrong) in [
        (
            "trusted",
            json!("yes"),
            "$.trusted: \"yes\" is no \"boolean\"",
        ),
        ("chain", json!(["ab"]), "$.chain[0]: \"ab\" is no SHA-256"),
        ("by", json!(7), "$.by: 7 is no"),
        (
            "extra",
            json!(null),
            "$: the schema does not describe extra",
        ),
    ] {
        let mut document = good.clone();
        document
            .as_object_mut()
            .expect("an object")
            .insert(field.to_owned(), bad);
        let found = mismatches(&verdict, &document);
        assert!(
            found.iter().any(|line| line.starts_with(wrong)),
            "{field}: {found:?}"
        );
    }
    let mut document = good;
    document.as_object_mut().expect("an object").remove("code");
    assert_eq!(mismatches(&verdict, &document), ["$: code is missing"]);
}

#[test]
fn servers_are_a_list_or_a_word() {
    use anchorhold_api::Servers;
    for (servers, text) in [
        (Servers::Any, json!("any")),
        (Servers::None, json!("none")),
        (Servers::Named(vec!["any".to_owned()]), json!(["any"])),
    ] {
        assert_eq!(serde_json::to_value(&servers).expect("writes"), text);
        assert_eq!(
            serde_json::from_value::<Servers>(text).expect("reads"),
            servers
        );
    }
    assert!(serde_json::from_value::<Servers>(json!("some")).is_err());
}
