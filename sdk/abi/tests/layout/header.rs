//! Reads the header itself, so that nothing in it can be forgotten here.

use std::fmt::Write as _;

/// What the header declares, in its order.
pub(crate) struct Header {
    numbers: Vec<String>,
    texts: Vec<String>,
    structs: Vec<(String, Vec<String>)>,
}

impl Header {
    pub(crate) fn parse(text: &str) -> Self {
        let text = without_comments(text);
        let mut header = Self {
            numbers: Vec::new(),
            texts: Vec::new(),
            structs: Vec::new(),
        };
        header.read_definitions(&text);
        header.read_enums(&text);
        header.read_structs(&text);
        header
    }

    /// A C program that prints every fact.
    pub(crate) fn program(&self) -> String {
        let mut program =
            String::from("#include \"anchorhold.h\"\n#include <stdio.h>\nint main(void)\n{\n");
        for name in &self.numbers {
            writeln!(
                program,
                "printf(\"const {name} %lld\\n\", (long long){name});"
            )
            .unwrap();
        }
        for name in &self.texts {
            writeln!(program, "printf(\"text {name} %s\\n\", {name});").unwrap();
        }
        for (name, fields) in &self.structs {
            writeln!(
                program,
                "printf(\"struct {name} size %zu\\n\", sizeof(struct {name}));"
            )
            .unwrap();
            for field in fields {
                writeln!(
                    program,
                    "printf(\"{name}.{field} offset %zu size %zu\\n\", \
                     offsetof(struct {name}, {field}), sizeof(((struct {name} *)0)->{field}));"
                )
                .unwrap();
            }
        }
        program.push_str("return 0;\n}\n");
        program
    }

    /// `#define NAME VALUE`, except for functions and for what has no value of its own.
    fn read_definitions(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_whitespace();
            if words.next() != Some("#define") {
                continue;
            }
            let Some(name) = words.next().filter(|name| !name.contains('(')) else {
                continue;
            };
            match words.next() {
                Some(value) if value.starts_with('"') => self.texts.push(name.to_owned()),
                Some(value)
                    if value.starts_with(|first: char| first.is_ascii_digit() || first == '(') =>
                {
                    self.numbers.push(name.to_owned());
                }
                _ => {}
            }
        }
    }

    fn read_enums(&mut self, text: &str) {
        for after in text.split("enum {").skip(1) {
            let body = after.split('}').next().unwrap();
            for constant in body.split(',') {
                let name = constant.split('=').next().unwrap().trim();
                assert!(name.starts_with("AH_"), "{constant:?} is no constant");
                self.numbers.push(name.to_owned());
            }
        }
    }

    fn read_structs(&mut self, text: &str) {
        for after in text.split("struct ").skip(1) {
            // Only what has a body declares fields.
            let Some((name, body)) = after.split_once('{') else {
                continue;
            };
            let name = name.trim();
            if !is_name(name) {
                continue;
            }
            let body = body.split('}').next().unwrap();
            let fields = body
                .split(';')
                .map(str::trim)
                .filter(|field| !field.is_empty());
            self.structs
                .push((name.to_owned(), fields.map(field_name).collect()));
        }
    }
}

/// The name that a declaration declares: of a function pointer, of an array, or of a plain field.
fn field_name(declaration: &str) -> String {
    let plain = match declaration.split_once("(AH_CC *") {
        Some((_, function)) => function.split(')').next().unwrap(),
        None => declaration.split('[').next().unwrap(),
    };
    let name = plain
        .rsplit(|c: char| c.is_whitespace() || c == '*')
        .next()
        .unwrap();
    assert!(is_name(name), "{declaration:?} declares nothing");
    name.to_owned()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").unwrap().1;
    }
    kept + rest
}
