//! Holds a document against a schema: as much of JSON Schema as the schemas here use, no more.

use serde_json::{Map, Value};

/// What is wrong with the document, one line each; nothing where it fits.
///
/// A field that the schema does not describe is wrong too, so that neither can grow alone.
pub(crate) fn mismatches(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Checker { root: schema }.walk(schema, document, "$", &mut found);
    found
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn walk(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in schema {
            match keyword.as_str() {
                "$defs" | "$schema" | "description" | "required" | "title" => {}
                "$ref" => self.walk(self.definition(rule), value, at, found),
                "anyOf" => self.any(rule, value, at, found),
                "enum" => {
                    let allowed = rule.as_array().expect("enum is a list");
                    note(
                        allowed.contains(value),
                        at,
                        &format!("{value} is none of {rule}"),
                        found,
                    );
                }
                "format" => {
                    assert_eq!(rule, "date-time", "no other format is used");
                    note(
                        is_time(value),
                        at,
                        &format!("{value} is no RFC 3339 time"),
                        found,
                    );
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.walk(rule, item, &format!("{at}[{index}]"), found);
                    }
                }
                "minimum" => {
                    let fits = value.is_null() || value.as_u64().is_some();
                    note(fits, at, &format!("{value} is below {rule}"), found);
                }
                "pattern" => {
                    assert_eq!(rule, "^[0-9a-f]{64}$", "no other pattern is used");
                    note(
                        is_sha256(value),
                        at,
                        &format!("{value} is no SHA-256"),
                        found,
                    );
                }
                "properties" => {
                    let required = schema.get("required").unwrap_or(&Value::Null);
                    self.object(rule, required, value, at, found);
                }
                "type" => {
                    note(
                        has_type(rule, value),
                        at,
                        &format!("{value} is no {rule}"),
                        found,
                    );
                }
                other => panic!("the checker does not know the keyword {other}"),
            }
        }
    }

    fn object(
        &self,
        properties: &Value,
        required: &Value,
        value: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) {
        let Some(fields) = value.as_object() else {
            return;
        };
        let properties: &Map<_, _> = properties.as_object().expect("properties is an object");
        for name in required
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            note(
                fields.contains_key(name),
                at,
                &format!("{name} is missing"),
                found,
            );
        }
        for (name, field) in fields {
            match properties.get(name) {
                Some(rule) => self.walk(rule, field, &format!("{at}.{name}"), found),
                None => found.push(format!("{at}: the schema does not describe {name}")),
            }
        }
    }

    fn any(&self, choices: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let choices = choices.as_array().expect("anyOf is a list");
        let mut closest: Option<Vec<String>> = None;
        for choice in choices {
            let mut wrong = Vec::new();
            self.walk(choice, value, at, &mut wrong);
            if wrong.is_empty() {
                return;
            }
            if closest
                .as_ref()
                .is_none_or(|least| wrong.len() < least.len())
            {
                closest = Some(wrong);
            }
        }
        found.extend(closest.unwrap_or_default());
    }

    fn definition(&self, reference: &Value) -> &Value {
        let name = reference
            .as_str()
            .and_then(|text| text.strip_prefix("#/$defs/"));
        let name = name.expect("references are local");
        self.root
            .get("$defs")
            .and_then(|all| all.get(name))
            .expect("the definition is there")
    }
}

fn note(fits: bool, at: &str, wrong: &str, found: &mut Vec<String>) {
    if !fits {
        found.push(format!("{at}: {wrong}"));
    }
}

fn has_type(rule: &Value, value: &Value) -> bool {
    if let Some(choices) = rule.as_array() {
        return choices.iter().any(|choice| has_type(choice, value));
    }
    match rule.as_str().expect("a type is a word") {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("the checker does not know the type {other}"),
    }
}

fn is_sha256(value: &Value) -> bool {
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    value
        .as_str()
        .is_some_and(|text| text.len() == 64 && text.bytes().all(lower_hex))
}

fn is_time(value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return false;
    };
    let shape = "dddd-dd-ddTdd:dd:dd";
    let fits = |(is, should): (u8, u8)| {
        if should == b'd' {
            is.is_ascii_digit()
        } else {
            is == should
        }
    };
    text.len() > shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}
