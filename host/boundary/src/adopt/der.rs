//! Where the parts stand by which an item is looked for: as much DER as that takes, and no more.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// The tag of the version of a certificate.
const VERSION: u8 = 0xa0;

/// What a certificate is looked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CertificateParts<'a> {
    /// The contents of the INTEGER.
    pub(crate) serial: &'a [u8],
    /// The Name, whole.
    pub(crate) issuer: &'a [u8],
    /// The Name, whole.
    pub(crate) subject: &'a [u8],
    /// The SubjectPublicKeyInfo, whole.
    pub(crate) public_key: &'a [u8],
}

/// The parts of a certificate; `None` where the bytes are none.
pub(crate) fn certificate(der: &[u8]) -> Option<CertificateParts<'_>> {
    let mut signed = Walk(der).alone(SEQUENCE)?;
    let mut body = Walk(signed.next(SEQUENCE)?.contents);
    if body.0.first() == Some(&VERSION) {
        body.next(VERSION)?;
    }
    let serial = body.next(INTEGER)?.contents;
    body.next(SEQUENCE)?;
    let issuer = body.next(SEQUENCE)?.whole;
    body.next(SEQUENCE)?;
    let subject = body.next(SEQUENCE)?.whole;
    let public_key = body.next(SEQUENCE)?.whole;
    Some(CertificateParts {
        serial,
        issuer,
        subject,
        public_key,
    })
}

/// The issuer of a revocation list; `None` where the bytes are none.
pub(crate) fn issuer_of_list(der: &[u8]) -> Option<&[u8]> {
    let mut signed = Walk(der).alone(SEQUENCE)?;
    let mut body = Walk(signed.next(SEQUENCE)?.contents);
    if body.0.first() == Some(&INTEGER) {
        body.next(INTEGER)?;
    }
    body.next(SEQUENCE)?;
    Some(body.next(SEQUENCE)?.whole)
}

/// The issuer and the contents of the serial number of an IssuerAndSerialNumber.
pub(crate) fn issuer_and_serial(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut both = Walk(der).alone(SEQUENCE)?;
    let issuer = both.next(SEQUENCE)?.whole;
    let serial = both.next(INTEGER)?.contents;
    both.0.is_empty().then_some((issuer, serial))
}

/// Whether the bytes are a SEQUENCE of two INTEGERs that are more than zero and not padded, as an
/// ECDSA signature is.
pub(crate) fn is_ecdsa_signature(der: &[u8]) -> bool {
    let whole = || {
        let mut both = Walk(der).alone(SEQUENCE)?;
        let numbers = [both.next(INTEGER)?.contents, both.next(INTEGER)?.contents];
        (both.0.is_empty() && numbers.iter().all(|number| is_positive(number))).then_some(())
    };
    whole().is_some()
}

fn is_positive(number: &[u8]) -> bool {
    match number {
        [] | [0] => false,
        [0, second, ..] => second & 0x80 != 0,
        [first, ..] => first & 0x80 == 0,
    }
}

/// Elements one after the other.
struct Walk<'a>(&'a [u8]);

struct Element<'a> {
    whole: &'a [u8],
    contents: &'a [u8],
}

impl<'a> Walk<'a> {
    /// The contents of the one element that is everything.
    fn alone(mut self, tag: u8) -> Option<Self> {
        let element = self.next(tag)?;
        self.0.is_empty().then_some(Self(element.contents))
    }

    fn next(&mut self, tag: u8) -> Option<Element<'a>> {
        let [found, first, rest @ ..] = self.0 else {
            return None;
        };
        if *found != tag {
            return None;
        }
        let (length, header) = match *first {
            short @ 0..=0x7f => (usize::from(short), 2),
            long @ 0x81..=0x84 => {
                let count = usize::from(long & 0x7f);
                let bytes = rest.get(..count)?;
                let length = bytes
                    .iter()
                    .fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
                // The shortest form is the only one.
                let least = if count == 1 {
                    0x80
                } else {
                    1 << (8 * (count - 1))
                };
                if length < least {
                    return None;
                }
                (usize::try_from(length).ok()?, 2 + count)
            }
            _ => return None,
        };
        let end = header.checked_add(length)?;
        let whole = self.0.get(..end)?;
        let contents = whole.get(header..)?;
        self.0 = self.0.get(end..)?;
        Some(Element { whole, contents })
    }
}

/// Items made of nothing but what a query looks at.
#[cfg(test)]
pub(crate) mod sample {
    use super::{INTEGER, SEQUENCE, VERSION};

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        let mut whole = vec![tag];
        match u8::try_from(contents.len()) {
            Ok(short @ 0..=0x7f) => whole.push(short),
            Ok(long) => whole.extend([0x81, long]),
            Err(_) => {
                whole.push(0x82);
                whole.extend(u16::try_from(contents.len()).unwrap().to_be_bytes());
            }
        }
        whole.extend(contents);
        whole
    }

    pub(crate) fn name(text: &str) -> Vec<u8> {
        element(SEQUENCE, &[&element(0x0c, &[text.as_bytes()])])
    }

    pub(crate) fn public_key() -> Vec<u8> {
        element(SEQUENCE, &[&element(0x03, &[&[4; 130]])])
    }

    pub(crate) fn certificate() -> Vec<u8> {
        let body = element(
            SEQUENCE,
            &[
                &element(VERSION, &[&element(INTEGER, &[&[2]])]),
                &element(INTEGER, &[&[0x11]]),
                &element(SEQUENCE, &[]),
                &name("issuer"),
                &element(SEQUENCE, &[]),
                &name("subject"),
                &public_key(),
            ],
        );
        element(SEQUENCE, &[&body, &element(SEQUENCE, &[]), &[3, 1, 0]])
    }

    pub(crate) fn revocation_list() -> Vec<u8> {
        let body = element(
            SEQUENCE,
            &[
                &element(INTEGER, &[&[1]]),
                &element(SEQUENCE, &[]),
                &name("issuer"),
            ],
        );
        element(SEQUENCE, &[&body])
    }

    pub(crate) fn issuer_and_serial() -> Vec<u8> {
        element(SEQUENCE, &[&name("issuer"), &element(INTEGER, &[&[0x11]])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_where_they_do() {
        let der = sample::certificate();
        let parts = certificate(&der).unwrap();
        assert_eq!(parts.serial, [0x11]);
        assert_eq!(parts.issuer, sample::name("issuer"));
        assert_eq!(parts.subject, sample::name("subject"));
        assert_eq!(parts.public_key, sample::public_key());
    }

    #[test]
    fn certificate_without_a_version_is_one() {
        // Version 1 leaves it out.
        let der = sample::certificate();
        let parts = certificate(&der).unwrap();
        assert_eq!(der[..4], [0x30, 0x81, der[2], 0x30]);
        let mut old = der.clone();
        old.drain(6..11);
        old[2] -= 5;
        old[5] -= 5;
        assert_eq!(certificate(&old), Some(parts));
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let der = sample::certificate();
        for length in 0..der.len() {
            assert_eq!(certificate(&der[..length]), None, "{length}");
        }
        let mut longer = der;
        longer.push(0);
        assert_eq!(certificate(&longer), None);
        for list in [sample::revocation_list(), sample::issuer_and_serial()] {
            for length in 0..list.len() {
                assert_eq!(issuer_of_list(&list[..length]), None);
                assert_eq!(issuer_and_serial(&list[..length]), None);
            }
        }
    }

    #[test]
    fn length_that_is_not_the_shortest_is_refused() {
        assert!(is_ecdsa_signature(b"\x30\x06\x02\x01\x01\x02\x01\x02"));
        assert!(!is_ecdsa_signature(b"\x30\x81\x06\x02\x01\x01\x02\x01\x02"));
        assert!(!is_ecdsa_signature(
            b"\x30\x80\x02\x01\x01\x02\x01\x02\x00\x00"
        ));
        assert!(!is_ecdsa_signature(
            b"\x30\x85\x00\x00\x00\x00\x06\x02\x01\x01\x02\x01\x02"
        ));
    }

    #[test]
    fn ecdsa_signature_is_two_positive_numbers_in_a_sequence() {
        assert!(is_ecdsa_signature(b"\x30\x07\x02\x02\x00\x80\x02\x01\x02"));
        for other in [
            &b""[..],
            b"\x30\x00",
            b"\x30\x03\x02\x01\x01",
            b"\x30\x06\x02\x01\x01\x02\x01\x00",
            b"\x30\x06\x02\x01\x81\x02\x01\x02",
            b"\x30\x07\x02\x02\x00\x01\x02\x01\x02",
            b"\x30\x09\x02\x01\x01\x02\x01\x02\x02\x01\x03",
            b"\x30\x06\x02\x01\x01\x02\x01\x02\x00",
            &[7; 64],
        ] {
            assert!(!is_ecdsa_signature(other), "{other:x?}");
        }
    }
}
