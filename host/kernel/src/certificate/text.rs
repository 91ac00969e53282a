//! The string types of names as text that is safe to show.

/// The text of an attribute value, by its tag; none where the type is no text.
pub(super) fn decode(tag: u8, contents: &[u8]) -> Option<String> {
    match tag {
        UTF8 => Some(String::from_utf8_lossy(contents).into_owned()),
        NUMERIC | PRINTABLE | IA5 | VISIBLE => Some(latin(contents)),
        // What certificates call TeletexString is Latin-1 in practice.
        TELETEX => Some(latin(contents)),
        BMP => {
            let units: Vec<u16> = contents
                .chunks(2)
                .map(|pair| {
                    pair.iter()
                        .fold(0, |unit, byte| (unit << 8) | u16::from(*byte))
                })
                .collect();
            Some(String::from_utf16_lossy(&units))
        }
        UNIVERSAL => Some(
            contents
                .chunks(4)
                .map(|four| {
                    four.iter()
                        .fold(0, |code, byte| (code << 8) | u32::from(*byte))
                })
                .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        ),
        _ => None,
    }
}

/// Whether a character could make what is shown look like something else.
pub(super) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// A text with every deceptive character replaced by its bytes in hexadecimal.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_shown(&mut out, character);
    }
    out
}

/// Adds a character, in hexadecimal where it is deceptive.
pub(super) fn push_shown(out: &mut String, character: char) {
    if is_deceptive(character) {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            out.push_str(&format!("\\{byte:02X}"));
        }
    } else {
        out.push(character);
    }
}

fn latin(contents: &[u8]) -> String {
    contents.iter().map(|byte| char::from(*byte)).collect()
}

const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
const PRINTABLE: u8 = 0x13;
const TELETEX: u8 = 0x14;
const IA5: u8 = 0x16;
const VISIBLE: u8 = 0x1a;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;
