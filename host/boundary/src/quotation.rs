//! A plugin's text made fit to be shown: valid, bounded, nothing in it moves a cursor or turns the
//! direction of writing.

/// Text, and whether it had to be changed.
pub(crate) struct Quotation {
    pub(crate) text: String,
    pub(crate) changed: bool,
}

/// One line of text, of at most `most` bytes, from which what is unfit is removed.
pub(crate) fn line(bytes: &[u8], most: usize) -> Quotation {
    quote(bytes, most, |character| {
        (!is_unfit(character)).then_some(character)
    })
}

/// Names, one a line, of at most `most` bytes. What is unfit is replaced, so that no name turns
/// into another one.
pub(crate) fn names(bytes: &[u8], most: usize) -> Quotation {
    quote(bytes, most, |character| match character {
        '\n' => Some(character),
        '\r' => None,
        _ if is_unfit(character) => Some(char::REPLACEMENT_CHARACTER),
        _ => Some(character),
    })
}

/// Whether [`line`] would change a text, but for its length.
pub(crate) fn is_changed_line(text: &str) -> bool {
    !is_plain(text.as_bytes()) && text.chars().any(is_unfit)
}

/// Whether [`names`] would change a text, but for its length.
pub(crate) fn are_changed_names(text: &str) -> bool {
    let unfit = |character: char| character != '\n' && is_unfit(character);
    !is_plain(text.as_bytes()) && text.chars().any(unfit)
}

/// What stands before the first NUL of a fixed field.
pub(crate) fn field(field: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = field
        .iter()
        .map(|slot| slot.to_ne_bytes()[0])
        .take_while(|byte| *byte != 0)
        .collect();
    line(&bytes, bytes.len().saturating_mul(3)).text
}

fn quote(bytes: &[u8], most: usize, mend: impl Fn(char) -> Option<char>) -> Quotation {
    // No character of ours is longer than 4 bytes, and a replacement is 3 bytes for at least one.
    let considered = bytes.get(..most.saturating_add(4)).unwrap_or(bytes);
    let lossy = String::from_utf8_lossy(considered);
    if bytes.len() <= most && is_plain(bytes) {
        return Quotation {
            text: lossy.into_owned(),
            changed: false,
        };
    }
    let mut text = String::with_capacity(lossy.len().min(most));
    for character in lossy.chars().filter_map(mend) {
        if text.len() + character.len_utf8() > most {
            break;
        }
        text.push(character);
    }
    let changed = text.as_bytes() != bytes;
    Quotation { text, changed }
}

fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// Control characters, line and paragraph separators, and what turns the direction of writing.
fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], most: usize, text: &str, changed: bool) {
        let quotation = line(bytes, most);
        assert_eq!(
            (quotation.text.as_str(), quotation.changed),
            (text, changed)
        );
    }

    #[test]
    fn clean_text_passes_as_it_is() {
        check(b"TSM server TSM1", 64, "TSM server TSM1", false);
        check("Zürich \u{1f512}".as_bytes(), 64, "Zürich \u{1f512}", false);
        check(b"", 64, "", false);
    }

    #[test]
    fn what_moves_a_cursor_is_removed() {
        // R4
        check(b"a\x1b[2Jb\r\nc\0", 64, "a[2Jbc", true);
        check("a\u{202e}b\u{2028}c\u{9b}d".as_bytes(), 64, "abcd", true);
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        check(b"a\xff\xfeb", 64, "a\u{fffd}\u{fffd}b", true);
    }

    #[test]
    fn long_text_is_cut_between_two_characters() {
        // R4
        check("aé".as_bytes(), 2, "a", true);
        check("aé".as_bytes(), 3, "aé", false);
        check(&[b'x'; 100], 10, "xxxxxxxxxx", true);
    }

    #[test]
    fn no_name_turns_into_another_one() {
        assert_eq!(names(b"TSM1\nTSM2\r\n", 64).text, "TSM1\nTSM2\n");
        assert_eq!(
            names(b"TS\0M1\n\xffTSM2", 64).text,
            "TS\u{fffd}M1\n\u{fffd}TSM2"
        );
    }

    #[test]
    fn field_without_an_end_is_read_whole() {
        let slots = b"whole".map(|byte| std::ffi::c_char::from_ne_bytes([byte]));
        assert_eq!(field(&slots), "whole");
        let slots = b"cut\0off".map(|byte| std::ffi::c_char::from_ne_bytes([byte]));
        assert_eq!(field(&slots), "cut");
    }
}
