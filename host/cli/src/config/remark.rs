//! Remarks in a configuration file that this program writes itself: why a line stands there.

use toml::{Table, Value};

/// Why a line of a `[[store]]` stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The line, as TOML writes it, without the comma of a list.
    line: String,
    why: String,
}

impl Remark {
    /// Of an entry of a list.
    pub(crate) fn of_entry(text: &str, why: &str) -> Self {
        Self::new(Value::from(text).to_string(), why)
    }

    /// Of a key and its text.
    pub(crate) fn of_pair(key: &str, text: &str, why: &str) -> Self {
        let table = Table::from_iter([(key.to_owned(), Value::from(text))]);
        Self::new(table.to_string().trim_end().to_owned(), why)
    }

    fn new(line: String, why: &str) -> Self {
        // A remark is one line, whatever it was made of.
        let why = why.chars();
        let why = why.map(|letter| if letter.is_control() { ' ' } else { letter });
        Self {
            line,
            why: why.collect(),
        }
    }
}

/// A table as text, with each remark behind its line. What the text says is the table and nothing
/// else: where a remark could change that, all of them are left out.
pub(crate) fn annotated(table: &Table, remarks: &[Remark]) -> Result<String, toml::ser::Error> {
    if remarks.is_empty() {
        return toml::to_string(table);
    }
    let plain = toml::to_string_pretty(table)?;
    let mut text = String::new();
    for line in plain.lines() {
        text.push_str(line);
        let bare = line.trim();
        // A list of one stands in one line with its key.
        let only = bare
            .split_once(" = [")
            .and_then(|(_, rest)| rest.strip_suffix(']'));
        let bare = only.or_else(|| bare.strip_suffix(',')).unwrap_or(bare);
        if let Some(remark) = remarks.iter().find(|remark| remark.line == bare) {
            text.push_str(&format!(" # {}", remark.why));
        }
        text.push('\n');
    }
    match toml::from_str::<Table>(&text) {
        Ok(same) if same == *table => Ok(text),
        _ => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        toml::from_str(text).expect("valid")
    }

    #[test]
    fn a_remark_stands_behind_its_line_and_changes_nothing() {
        let table = table(
            "[[store]]\nname = 'hsm'\ngrant = ['read:/a', 'write:/b']\n\
             env = { SOFTHSM2_CONF = '/a', OTHER = 'read:/a' }",
        );
        let remarks = [
            Remark::of_entry("write:/b", "the tokens\n[server.X]"),
            Remark::of_pair("SOFTHSM2_CONF", "/a", "as it was given"),
            Remark::of_entry("read:/gone", "nobody reads this"),
        ];
        let text = annotated(&table, &remarks).expect("written");
        let line = |end: &str| text.lines().any(|line| line.trim() == end);
        assert!(line("\"write:/b\", # the tokens [server.X]"), "{text}");
        assert!(line("SOFTHSM2_CONF = \"/a\" # as it was given"), "{text}");
        assert!(line("OTHER = \"read:/a\""), "{text}");
        assert!(!text.contains("nobody"), "{text}");
        assert_eq!(toml::from_str::<Table>(&text).expect("valid"), table);
    }

    #[test]
    fn a_list_of_one_has_its_remark_too() {
        let table = table("[[store]]\nname = 'hsm'\ngrant = ['read:/a']");
        let text = annotated(&table, &[Remark::of_entry("read:/a", "why")]);
        let text = text.expect("written");
        assert!(text.contains("grant = [\"read:/a\"] # why\n"), "{text}");
    }

    #[test]
    fn a_text_of_several_lines_is_not_written_into() {
        let table =
            table("[[store]]\nname = 'x'\nsettings = { a = \"one\\n\\\"two\\\"\\nthree\" }");
        let remarks = [Remark::of_entry("two", "a remark")];
        let text = annotated(&table, &remarks).expect("written");
        assert_eq!(toml::from_str::<Table>(&text).expect("valid"), table);
        assert!(!text.contains("a remark"), "{text}");
    }
}
