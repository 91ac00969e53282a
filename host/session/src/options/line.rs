//! An option file as numbered lines: comments, blank lines and line ends taken away.

use super::error::Mistake;

/// The longest option file that is read.
pub(super) const LONGEST_FILE: usize = 4 << 20;
/// The longest line that is not a comment.
pub(super) const LONGEST_LINE: usize = 16 << 10;

/// The longest word that is repeated in a message.
const LONGEST_SHOWN: usize = 72;

/// The lines of a file that say something, each with its number, without blanks at either end.
///
/// Bytes, not text: what stands in a comment or in an option of somebody else need not be UTF-8.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<&[u8], Mistake>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The end-of-file mark of DOS editors.
    let bytes = bytes.strip_suffix(b"\x1a").unwrap_or(bytes);
    bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter_map(|(index, line)| Some((index + 1, said(line)?)))
}

/// What a line says, if it is neither blank nor a comment.
fn said(line: &[u8]) -> Option<Result<&[u8], Mistake>> {
    let line = trim(line);
    // Also in a comment: an editor that shows two lines where a parser sees one comment would
    // show an option that is not in force.
    if line.contains(&b'\r') {
        return Some(Err(Mistake::CarriageReturn));
    }
    if line.is_empty() || line.starts_with(b"*") {
        return None;
    }
    if line.len() > LONGEST_LINE {
        return Some(Err(Mistake::LineTooLong {
            limit: LONGEST_LINE,
        }));
    }
    Some(Ok(line))
}

/// Whether the bytes begin with the mark of UTF-16.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}

/// Cuts a line into its keyword and the rest, which keeps an equals sign that stands before it.
pub(super) fn cut(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line
        .iter()
        .position(|byte| is_blank(*byte) || *byte == b'=')
        .unwrap_or(line.len())
        .max(1);
    let (keyword, rest) = line.split_at(end.min(line.len()));
    (keyword, trim(rest))
}

/// Takes blanks from both ends, and the carriage returns of line ends.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_blank(*first) {
            break;
        }
        bytes = rest;
    }
    while let [rest @ .., last] = bytes {
        if !is_blank(*last) && *last != b'\r' {
            break;
        }
        bytes = rest;
    }
    bytes
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

/// A word as a message may show it: escaped, and cut where it is long.
pub(super) fn shown(word: &[u8]) -> String {
    let mut letters = word.utf8_chunks().flat_map(|chunk| {
        let invalid = chunk.invalid().iter().copied().map(Err);
        chunk.valid().chars().map(Ok).chain(invalid)
    });
    let mut shown = String::new();
    for letter in letters.by_ref().take(LONGEST_SHOWN) {
        match letter {
            // Both are common in paths and quoted values, and harmless.
            Ok(letter @ ('"' | '\'' | '\\')) => shown.push(letter),
            Ok(letter) => shown.extend(letter.escape_debug()),
            Err(byte) => shown.extend(std::ascii::escape_default(byte).map(char::from)),
        }
    }
    if letters.next().is_some() {
        shown.push_str("...");
    }
    shown
}

/// The whole text of a value that this host only keeps: what is no text or would move a
/// terminal's cursor is escaped.
pub(super) fn kept(value: &[u8]) -> String {
    let mut kept = String::new();
    for letter in String::from_utf8_lossy(value).chars() {
        if letter.is_control() && letter != '\t' {
            kept.extend(letter.escape_debug());
        } else {
            kept.push(letter);
        }
    }
    kept
}
