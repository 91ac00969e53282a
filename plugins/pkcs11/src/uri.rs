//! PKCS#11 URIs (RFC 7512), as far as they name a token.

use std::fmt;

/// What a URI says of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uri {
    pub(crate) token: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) slot_id: Option<u64>,
}

/// Why a text is no URI of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UriError(String);

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Uri {
    /// Reads one; what would name an object, a PIN or another module is refused and not passed
    /// over, because the store would be another one than was meant.
    pub(crate) fn parse(text: &str) -> Result<Self, UriError> {
        let wrong = |what: String| Err(UriError(what));
        let (scheme, rest) = text.split_at_checked("pkcs11:".len()).unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("pkcs11:") {
            return wrong("it must begin with \"pkcs11:\"".to_owned());
        }
        if let Some((_, query)) = rest.split_once('?') {
            return wrong(format!(
                "\"?{query}\" has no place here: the module is the setting module, and the PIN \
                 stands among the store's secrets"
            ));
        }
        let mut uri = Self::default();
        for part in rest.split(';').filter(|part| !part.is_empty()) {
            let Some((key, value)) = part.split_once('=') else {
                return wrong(format!("\"{part}\" is no NAME=VALUE"));
            };
            let Some(value) = decoded(value) else {
                return wrong(format!("the value of {key} is not well encoded"));
            };
            let place = match key {
                "token" => &mut uri.token,
                "serial" => &mut uri.serial,
                "manufacturer" => &mut uri.manufacturer,
                "model" => &mut uri.model,
                "slot-id" => {
                    let Ok(id) = value.parse() else {
                        return wrong(format!("slot-id={value} is no number"));
                    };
                    if uri.slot_id.replace(id).is_some() {
                        return wrong("slot-id stands twice".to_owned());
                    }
                    continue;
                }
                "type" | "object" | "id" => {
                    return wrong(format!(
                        "{key} names one object, and a store is a whole token"
                    ));
                }
                _ => {
                    return wrong(format!(
                        "\"{key}\" says nothing of a token that is known here"
                    ));
                }
            };
            if place.replace(value).is_some() {
                return wrong(format!("{key} stands twice"));
            }
        }
        if uri == Self::default() {
            return wrong("it names no token: write token=LABEL or serial=NUMBER".to_owned());
        }
        Ok(uri)
    }
}

/// Resolves the percent encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, more) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = more;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_token_is_read() {
        let uri = Uri::parse("pkcs11:token=my%20corp;serial=01%3b2;slot-id=7;model=X").unwrap();
        assert_eq!(uri.token.as_deref(), Some("my corp"));
        assert_eq!(uri.serial.as_deref(), Some("01;2"));
        assert_eq!((uri.slot_id, uri.model.as_deref()), (Some(7), Some("X")));
        assert_eq!(
            Uri::parse("PKCS11:serial=1").unwrap().serial.as_deref(),
            Some("1")
        );
    }

    #[test]
    fn what_means_something_else_is_refused() {
        for (text, word) in [
            ("token=corp", "begin"),
            ("pkcs11:", "no token"),
            ("pkcs11:token=a;token=b", "twice"),
            ("pkcs11:token", "NAME=VALUE"),
            ("pkcs11:token=%zz", "encoded"),
            ("pkcs11:token=%2", "encoded"),
            ("pkcs11:token=%+1", "encoded"),
            ("pkcs11:token=%ff", "encoded"),
            ("pkcs11:slot-id=x", "number"),
            ("pkcs11:token=a;object=cert", "one object"),
            ("pkcs11:token=a;x-y=1", "known here"),
            ("pkcs11:token=a?pin-value=1234", "no place"),
            ("pk", "begin"),
            ("pkcs1é:token=a", "begin"),
        ] {
            let error = Uri::parse(text).unwrap_err();
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }
}
