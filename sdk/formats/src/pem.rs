//! Certificates in text armour: PEM and what resembles it, among other text.

use core::fmt;

use data_encoding::BASE64;

use crate::der;

/// Finds every certificate in `text`, in order, as DER.
///
/// Lines before, between and after the blocks are passed over, as are a byte order mark, blanks
/// and either kind of line end; blocks of other kinds are too, but a private key is refused, for
/// it has no business in a file of certificates. What OpenSSL adds to a `TRUSTED CERTIFICATE`
/// is left out. That the contents are a certificate is checked no further than its outermost
/// SEQUENCE.
pub fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, PemError> {
    let (contents, others) = read(text, false)?;
    let certificates = contents.into_iter().filter_map(|content| match content {
        Content::Certificate(der) => Some(der),
        Content::Pkcs7(_) => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        return Err(PemError::NoCertificate { others });
    }
    Ok(certificates)
}

/// The same with every PKCS#7 file in armour, whose contents are not looked at.
pub fn contents(text: &[u8]) -> Result<Vec<Content>, PemError> {
    let (contents, others) = read(text, true)?;
    if contents.is_empty() {
        return Err(PemError::NoCertificate { others });
    }
    Ok(contents)
}

/// What a block of a text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A certificate, as DER.
    Certificate(Vec<u8>),
    /// A PKCS#7 file without its armour.
    Pkcs7(Vec<u8>),
}

/// What the blocks of a text hold, and the labels of some that are not read.
fn read(text: &[u8], containers: bool) -> Result<(Vec<Content>, Vec<String>), PemError> {
    if text.len() > MAX_TEXT {
        return Err(PemError::TooLarge);
    }
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err(PemError::Utf16);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut found = Vec::new();
    let mut others = Vec::new();
    let mut scan = Scan {
        text,
        at: 0,
        containers,
    };
    while let Some(block) = scan.block()? {
        match kind(block.label) {
            Kind::Certificate => found.push(Content::Certificate(block.certificate()?)),
            Kind::Trusted => found.push(Content::Certificate(block.trusted()?)),
            Kind::Pkcs7 if containers => found.push(Content::Pkcs7(block.decode(MAX_TEXT)?)),
            Kind::PrivateKey => {
                return Err(PemError::PrivateKey {
                    label: shown(block.label),
                    line: block.line(),
                });
            }
            Kind::Pkcs7 | Kind::Other => {
                let label = shown(block.label);
                if others.len() < MAX_OTHERS && !others.contains(&label) {
                    others.push(label);
                }
            }
        }
    }
    Ok((found, others))
}

/// A certificate in armour: lines of 64 characters between its two marks, and nothing else.
pub fn write(der: &[u8]) -> String {
    let body = BASE64.encode(der);
    let mut text = String::with_capacity(body.len() + body.len() / LINE + 64);
    text.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

enum Kind {
    Certificate,
    Trusted,
    Pkcs7,
    PrivateKey,
    Other,
}

fn kind(label: &[u8]) -> Kind {
    match label {
        b"CERTIFICATE" | b"X509 CERTIFICATE" => Kind::Certificate,
        b"TRUSTED CERTIFICATE" => Kind::Trusted,
        b"PKCS7" | b"PKCS #7 SIGNED DATA" | b"CMS" => Kind::Pkcs7,
        label if label.ends_with(b"PRIVATE KEY") => Kind::PrivateKey,
        _ => Kind::Other,
    }
}

/// Goes through a text from block to block.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether PKCS#7 files matter.
    containers: bool,
}

/// What stands between a pair of marks.
struct Block<'a> {
    /// The whole text, in which lines are counted for an error.
    text: &'a [u8],
    label: &'a [u8],
    /// Where the mark that begins the block is.
    start: usize,
    /// Where the body begins.
    body: usize,
    /// Where it ends.
    end: usize,
}

impl<'a> Scan<'a> {
    /// The next block; none at the end of the text.
    fn block(&mut self) -> Result<Option<Block<'a>>, PemError> {
        while let Some((start, label)) = self.begin() {
            let body = start + BEGIN.len() + label.len() + DASHES.len();
            let block = Block {
                text: self.text,
                label,
                start,
                body,
                // Base64 has no dash, so the first one ends the body.
                end: body + position(&self.text[body..], b'-'),
            };
            if let Some(after) = closes(&self.text[block.end..], label) {
                self.at = block.end + after;
                return Ok(Some(block));
            }
            // A block of another kind may hold anything; only those that matter must be whole.
            let matters = match kind(label) {
                Kind::Certificate | Kind::PrivateKey | Kind::Trusted => true,
                Kind::Pkcs7 => self.containers,
                Kind::Other => false,
            };
            if !matters {
                self.at = body;
                continue;
            }
            return Err(PemError::NoEnd {
                label: shown(label),
                line: block.line(),
            });
        }
        Ok(None)
    }

    /// The next mark at the start of a line that begins a block, and its label.
    fn begin(&mut self) -> Option<(usize, &'a [u8])> {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let indent = rest.iter().take_while(|byte| is_blank(**byte)).count();
            let start = self.at + indent;
            if let Some(label) = opens(&rest[indent..]) {
                return Some((start, label));
            }
            self.at += position(rest, b'\n') + 1;
        }
        None
    }
}

impl Block<'_> {
    fn certificate(&self) -> Result<Vec<u8>, PemError> {
        let der = self.decode(MAX_CERTIFICATE)?;
        if der::is_one_sequence(&der) {
            Ok(der)
        } else {
            Err(PemError::NotDer { line: self.line() })
        }
    }

    /// The certificate alone; what follows it are OpenSSL's own trust settings.
    fn trusted(&self) -> Result<Vec<u8>, PemError> {
        let mut der = self.decode(MAX_CERTIFICATE)?;
        let length = der::Reader::new(&der)
            .expect(der::SEQUENCE)
            .map_err(|_| PemError::NotDer { line: self.line() })?
            .whole
            .len();
        der.truncate(length);
        Ok(der)
    }

    fn decode(&self, most: usize) -> Result<Vec<u8>, PemError> {
        let body = &self.text[self.body..self.end];
        // Four characters hold three bytes; a body with its line ends is a little longer.
        if body.len() > most * 2 {
            return Err(PemError::CertificateTooLarge { line: self.line() });
        }
        let packed: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| !is_space(*byte))
            .collect();
        let der = BASE64.decode(&packed).map_err(|wrong| PemError::Base64 {
            line: self.line_of_character(wrong.position),
        })?;
        if der.len() > most {
            return Err(PemError::CertificateTooLarge { line: self.line() });
        }
        Ok(der)
    }

    /// The line on which the block begins, counted from 1.
    fn line(&self) -> usize {
        line_at(self.text, self.start)
    }

    /// The line of the body's character `index`, blanks and line ends not counted.
    fn line_of_character(&self, index: usize) -> usize {
        let body = &self.text[self.body..self.end];
        let place = body
            .iter()
            .enumerate()
            .filter(|(_, byte)| !is_space(**byte))
            .nth(index)
            .map_or(body.len(), |(place, _)| place);
        line_at(self.text, self.body + place)
    }
}

/// The label, if `line` starts with a mark that begins a block.
fn opens(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(BEGIN)?;
    let length = rest
        .iter()
        .take(MAX_LABEL)
        .take_while(|byte| **byte == b' ' || byte.is_ascii_graphic() && **byte != b'-')
        .count();
    rest[length..].starts_with(DASHES).then(|| &rest[..length])
}

/// The length of the mark that ends a block of this label, if `text` starts with it.
fn closes(text: &[u8], label: &[u8]) -> Option<usize> {
    text.strip_prefix(END)?
        .strip_prefix(label)?
        .strip_prefix(DASHES)?;
    Some(END.len() + label.len() + DASHES.len())
}

/// The position of the first `wanted`, or the end.
fn position(text: &[u8], wanted: u8) -> usize {
    text.iter()
        .position(|byte| *byte == wanted)
        .unwrap_or(text.len())
}

fn line_at(text: &[u8], place: usize) -> usize {
    1 + text[..place].iter().filter(|byte| **byte == b'\n').count()
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// A label is printable by the way it is found.
fn shown(label: &[u8]) -> String {
    String::from_utf8_lossy(label).into_owned()
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Characters of base64 in a line.
const LINE: usize = 64;
const MAX_LABEL: usize = 64;
/// Labels of other blocks that an error names.
const MAX_OTHERS: usize = 4;
/// The largest text, in bytes; 100,000 certificates need about a third.
const MAX_TEXT: usize = 256 << 20;
/// The largest certificate, in bytes.
const MAX_CERTIFICATE: usize = 256 << 10;

/// Why no certificates could be taken from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemError {
    /// A body is not base64.
    Base64 {
        /// The line where it goes wrong, counted from 1.
        line: usize,
    },
    /// A certificate has more bytes than any real one.
    CertificateTooLarge {
        /// The line where its block begins.
        line: usize,
    },
    /// There is no certificate.
    NoCertificate {
        /// The labels of some blocks that are there instead.
        others: Vec<String>,
    },
    /// A block has no line that ends it.
    NoEnd {
        /// What the block calls itself.
        label: String,
        /// The line where it begins.
        line: usize,
    },
    /// A block that calls itself a certificate holds something else.
    NotDer {
        /// The line where it begins.
        line: usize,
    },
    /// There is a private key.
    PrivateKey {
        /// What its block calls itself.
        label: String,
        /// The line where it begins.
        line: usize,
    },
    /// The text is larger than any file of certificates.
    TooLarge,
    /// The text is UTF-16.
    Utf16,
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 { line } => write!(
                f,
                "line {line} is not base64: the certificate was damaged on its way; fetch it again"
            ),
            Self::CertificateTooLarge { line } => write!(
                f,
                "the certificate on line {line} is larger than {} KiB",
                MAX_CERTIFICATE >> 10
            ),
            Self::NoCertificate { others } if others.is_empty() => {
                f.write_str("it holds no certificate (no \"-----BEGIN CERTIFICATE-----\" line)")
            }
            Self::NoCertificate { others } => {
                write!(f, "it holds no certificate, only: {}", others.join(", "))
            }
            Self::NoEnd { label, line } => write!(
                f,
                "\"BEGIN {label}\" on line {line} has no \"-----END {label}-----\": the file was cut \
                 short or damaged; fetch it again"
            ),
            Self::NotDer { line } => {
                write!(f, "the block on line {line} does not hold a certificate")
            }
            Self::PrivateKey { label, line } => write!(
                f,
                "it holds a private key (\"{label}\" on line {line}): pass on the certificate \
                 alone, and keep the key where it belongs"
            ),
            Self::TooLarge => write!(f, "it is larger than {} MiB", MAX_TEXT >> 20),
            Self::Utf16 => f.write_str("it is UTF-16 text; save it as plain ASCII or UTF-8"),
        }
    }
}

impl core::error::Error for PemError {}

#[cfg(test)]
mod tests;
