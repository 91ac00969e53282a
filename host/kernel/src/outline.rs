//! Where the parts of a certificate lie: read in place, without allocating.

use anchorhold_formats::der::{CONTEXT_0, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};

/// The parts of one certificate that the host itself looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline<'a> {
    /// 1, 2 or 3.
    pub(crate) version: u8,
    /// The contents of the serial INTEGER.
    pub(crate) serial: &'a [u8],
    /// The signature algorithm, an AlgorithmIdentifier without tag and length.
    pub(crate) algorithm: &'a [u8],
    /// The issuer's Name without tag and length, as webpki has it.
    pub(crate) issuer: &'a [u8],
    /// The subject's Name without tag and length, as webpki has it.
    pub(crate) subject: &'a [u8],
    /// The contents of the Validity.
    validity: &'a [u8],
    /// The whole SubjectPublicKeyInfo.
    pub(crate) spki: &'a [u8],
    /// The contents of the SEQUENCE of extensions, empty where there is none.
    extensions: &'a [u8],
    /// The whole TBSCertificate: what is signed.
    pub(crate) signed: &'a [u8],
    /// The signature.
    pub(crate) signature: &'a [u8],
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl<'a> Outline<'a> {
    /// Finds the parts of bytes that are one certificate and nothing else.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Unreadable> {
        let mut certificate = Reader::new(only(der, SEQUENCE)?);
        let tbs = certificate.expect(SEQUENCE)?;
        let algorithm = certificate.expect(SEQUENCE)?.contents;
        let signature = bits(certificate.expect(BIT_STRING)?.contents)?;
        certificate.finish()?;

        let mut fields = tbs.reader();
        let version = match fields.optional(CONTEXT_0)? {
            Some(tagged) => match only(tagged.contents, INTEGER)? {
                [number @ 0..=2] => number + 1,
                _ => return Err(Unreadable("its version is none of 1, 2 and 3".to_owned())),
            },
            None => 1,
        };
        let serial = fields.expect(INTEGER)?.contents;
        let stated = fields.expect(SEQUENCE)?.contents;
        let issuer = fields.expect(SEQUENCE)?.contents;
        let validity = fields.expect(SEQUENCE)?.contents;
        let subject = fields.expect(SEQUENCE)?.contents;
        let spki = fields.expect(SEQUENCE)?.whole;
        let extensions = extensions(fields)?;
        if stated != algorithm {
            return Err(Unreadable(
                "it names two different signature algorithms".to_owned(),
            ));
        }
        Ok(Self {
            version,
            serial,
            algorithm,
            issuer,
            subject,
            validity,
            spki,
            extensions,
            signed: tbs.whole,
            signature,
        })
    }

    /// Start and end of its validity, Unix seconds.
    pub(crate) fn validity(&self) -> Result<(i64, i64), Unreadable> {
        let mut times = Reader::new(self.validity);
        let (not_before, not_after) = (time(&mut times), time(&mut times));
        match (not_before, not_after) {
            (Some(start), Some(end)) if times.is_empty() && start <= end => Ok((start, end)),
            _ => Err(Unreadable(
                "its validity is not two times in order".to_owned(),
            )),
        }
    }

    /// Whether issuer and subject are equal.
    pub(crate) fn self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The extensions; ends at the first that is broken.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let mut reader = Reader::new(self.extensions);
        std::iter::from_fn(move || extension(&mut reader).ok())
    }

    /// The value of one extension of the arc 2.5.29.
    fn standard(&self, number: u8) -> Option<&'a [u8]> {
        self.extensions()
            .find(|extension| extension.oid == [0x55, 0x1d, number])
            .map(|extension| extension.value)
    }

    /// Whether its basic constraints say that it is a CA.
    pub(crate) fn is_ca(&self) -> bool {
        self.standard(BASIC_CONSTRAINTS)
            .and_then(|value| only(value, SEQUENCE).ok())
            .and_then(|contents| Reader::new(contents).expect(BOOLEAN).ok())
            .is_some_and(|ca| ca.contents == [0xff])
    }

    /// How many other CAs may stand between it and an end entity, where it says so.
    pub(crate) fn path_length(&self) -> Result<Option<u64>, DerError> {
        let Some(value) = self.standard(BASIC_CONSTRAINTS) else {
            return Ok(None);
        };
        let mut fields = Reader::new(value).expect(SEQUENCE)?.reader();
        fields.optional(BOOLEAN)?;
        let length = match fields.is_empty() {
            true => None,
            false => Some(fields.unsigned()?),
        };
        fields.finish()?;
        Ok(length)
    }

    /// Whether its key usage, where it states one, lets it sign certificates.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.standard(KEY_USAGE).is_none_or(|value| {
            only(value, BIT_STRING)
                .ok()
                .and_then(|contents| contents.get(1))
                .is_some_and(|first| first & KEY_CERT_SIGN != 0)
        })
    }

    /// Whether its key usage says in so many words that it signs certificates.
    pub(crate) fn states_that_it_signs(&self) -> bool {
        self.standard(KEY_USAGE).is_some() && self.may_sign_certificates()
    }

    /// Whether it carries alternative names, as a server's own certificate does and a CA's rarely.
    pub(crate) fn has_alternative_names(&self) -> bool {
        self.standard(ALTERNATIVE_NAMES).is_some()
    }

    /// Whether its extended key usage, where it states one, lets it vouch for TLS servers.
    pub(crate) fn may_vouch_for_servers(&self) -> bool {
        self.standard(EXTENDED_KEY_USAGE).is_none_or(|value| {
            let mut purposes = Reader::new(only(value, SEQUENCE).unwrap_or_default());
            std::iter::from_fn(|| purposes.oid().ok())
                .any(|purpose| purpose == SERVER_AUTH || purpose == ANY_PURPOSE)
        })
    }

    /// The algorithm of its key, an AlgorithmIdentifier without tag and length, and the key.
    pub(crate) fn key(&self) -> Result<(&'a [u8], &'a [u8]), Unreadable> {
        let mut spki = Reader::new(only(self.spki, SEQUENCE)?);
        let algorithm = spki.expect(SEQUENCE)?.contents;
        let key = bits(spki.expect(BIT_STRING)?.contents)?;
        spki.finish()?;
        Ok((algorithm, key))
    }
}

/// Why bytes are not a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

impl From<DerError> for Unreadable {
    fn from(error: DerError) -> Self {
        Self(error.to_string())
    }
}

/// The contents of the only element of a slice, which must have this tag.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Result<&[u8], DerError> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.finish()?;
    Ok(element.contents)
}

/// The extensions after the key; the unique ids of version 2 are passed over.
fn extensions<'a>(mut fields: Reader<'a>) -> Result<&'a [u8], DerError> {
    while !fields.is_empty() {
        let field = fields.any()?;
        if field.tag == CONTEXT_3 {
            fields.finish()?;
            return only(field.contents, SEQUENCE);
        }
    }
    Ok(&[])
}

fn extension<'a>(reader: &mut Reader<'a>) -> Result<Extension<'a>, DerError> {
    let mut fields = reader.expect(SEQUENCE)?.reader();
    let oid = fields.expect(OID)?.contents;
    fields.optional(BOOLEAN)?;
    let value = fields.expect(OCTET_STRING)?.contents;
    Ok(Extension { oid, value })
}

/// A BIT STRING of whole bytes.
fn bits(contents: &[u8]) -> Result<&[u8], Unreadable> {
    match contents.split_first() {
        Some((0, bytes)) => Ok(bytes),
        _ => Err(Unreadable(
            "a key or a signature is not whole bytes".to_owned(),
        )),
    }
}

/// A UTCTime or GeneralizedTime as RFC 5280 allows them: with seconds, in Zulu.
fn time(reader: &mut Reader<'_>) -> Option<i64> {
    let element = reader.any().ok()?;
    let text = element.contents.strip_suffix(b"Z")?;
    let (year, rest) = match (element.tag, text.len()) {
        (UTC_TIME, 12) => {
            let short = number(text.get(..2)?)?;
            (
                if short >= 50 {
                    1900 + short
                } else {
                    2000 + short
                },
                text.get(2..)?,
            )
        }
        (GENERALIZED_TIME, 14) => (number(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    let mut pairs = rest
        .chunks(2)
        .map(|pair| number(pair).and_then(|n| u8::try_from(n).ok()));
    let mut next = || pairs.next().flatten();
    let month = time::Month::try_from(next()?).ok()?;
    let date = time::Date::from_calendar_date(i32::from(year), month, next()?).ok()?;
    let clock = time::Time::from_hms(next()?, next()?, next()?).ok()?;
    Some(
        time::PrimitiveDateTime::new(date, clock)
            .assume_utc()
            .unix_timestamp(),
    )
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + u16::from(digit - b'0'))
    })
}

const BOOLEAN: u8 = 0x01;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const CONTEXT_3: u8 = 0xa3;

const KEY_USAGE: u8 = 15;
const ALTERNATIVE_NAMES: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const EXTENDED_KEY_USAGE: u8 = 37;
const KEY_CERT_SIGN: u8 = 0x04;
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0];

#[cfg(test)]
mod tests;
