//! Object identifiers for people.

/// An object identifier's contents as the dotted text that people look up.
///
/// What is no well-formed identifier is shown as hexadecimal bytes, so that nothing is hidden.
pub fn dotted(contents: &[u8]) -> String {
    arcs(contents).unwrap_or_else(|| data_encoding::HEXLOWER.encode(contents))
}

fn arcs(contents: &[u8]) -> Option<String> {
    if contents.len() > MAX_OID || contents.last()? & 0x80 != 0 {
        return None;
    }
    let mut text = String::new();
    let mut arc = 0_u64;
    let mut first = true;
    for byte in contents {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if first {
            // The first two arcs share one number: 40 * top + second, where top is 0, 1 or 2.
            let top = (arc / 40).min(2);
            text = format!("{top}.{}", arc - 40 * top);
            first = false;
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        arc = 0;
    }
    Some(text)
}

/// Longer identifiers than any in use; what is longer is not worth a line on a screen.
const MAX_OID: usize = 64;
