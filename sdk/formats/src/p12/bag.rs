//! The bags of a part, one at a time.

use super::entry::TRUSTED;
use super::owner::Traits;
use super::{P12Error, ids};
use crate::der::{BMP_STRING, CONTEXT_0, DerError, Element, OCTET_STRING, Reader, SEQUENCE, SET};

/// The bags of a part that are not read yet.
pub(super) struct Bags<'a> {
    rest: Reader<'a>,
}

/// One bag.
pub(super) struct Bag<'a> {
    /// All of it.
    pub(super) whole: &'a [u8],
    pub(super) kind: Kind<'a>,
    /// Its value, with the tag around it.
    pub(super) value: Element<'a>,
    /// The attributes, one after another.
    pub(super) set: Option<Element<'a>>,
    pub(super) attributes: Attributes<'a>,
}

/// What is in a bag.
pub(super) enum Kind<'a> {
    /// An X.509 certificate, which is the contents of this element.
    Certificate(Element<'a>),
    /// A private key, encrypted or not.
    Key,
    /// Something else.
    Other,
}

/// What the attributes of a bag say.
#[derive(Default)]
pub(super) struct Attributes<'a> {
    /// The friendly name, as UTF-16.
    pub(super) label: Option<&'a [u8]>,
    pub(super) key_id: Option<Element<'a>>,
    pub(super) trusted: bool,
    /// Whether there is anything that a bag which is written here would not have.
    pub(super) is_foreign: bool,
}

impl<'a> Bags<'a> {
    /// Starts at the first of a part in clear, whose SafeContents are counted from `offset`.
    pub(super) fn of(contents: &'a [u8], offset: usize) -> Result<Self, P12Error> {
        let mut outer = Reader::at(contents, offset);
        let bags = outer.expect(SEQUENCE).map_err(wrong)?;
        outer.finish().map_err(wrong)?;
        Ok(Self {
            rest: bags.reader(),
        })
    }

    /// The next bag; none after the last.
    pub(super) fn next(&mut self) -> Result<Option<Bag<'a>>, P12Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        Bag::read(&self.rest.expect(SEQUENCE).map_err(wrong)?).map(Some)
    }
}

impl<'a> Bag<'a> {
    fn read(bag: &Element<'a>) -> Result<Self, P12Error> {
        let wrong = P12Error::reading("a bag");
        let mut reader = bag.reader();
        let kind = reader.oid().map_err(&wrong)?;
        let value = reader.expect(CONTEXT_0).map_err(&wrong)?;
        let set = reader.optional(SET).map_err(&wrong)?;
        reader.finish().map_err(&wrong)?;
        let kind = match kind {
            ids::CERT_BAG => certificate(&value)?.map_or(Kind::Other, Kind::Certificate),
            ids::KEY_BAG | ids::SHROUDED_KEY_BAG => Kind::Key,
            _ => Kind::Other,
        };
        Ok(Self {
            whole: bag.whole,
            kind,
            value,
            attributes: match &set {
                Some(set) => Attributes::read(set)?,
                None => Attributes::default(),
            },
            set,
        })
    }
}

impl<'a> Attributes<'a> {
    /// What tells to whom the bag belongs.
    pub(super) fn traits(&self) -> Traits<'a> {
        Traits {
            id: self.key_id.map(|id| id.contents),
            label: self.label.unwrap_or_default(),
            is_trusted: self.trusted,
        }
    }

    fn read(set: &Element<'a>) -> Result<Self, P12Error> {
        let wrong = P12Error::reading("the attributes of a bag");
        let mut found = Self::default();
        let mut attributes = set.reader();
        while !attributes.is_empty() {
            let whole = attributes.expect(SEQUENCE).map_err(&wrong)?;
            let mut attribute = whole.reader();
            let kind = attribute.oid().map_err(&wrong)?;
            let mut values = attribute.expect(SET).map_err(&wrong)?.reader();
            attribute.finish().map_err(&wrong)?;
            match kind {
                ids::FRIENDLY_NAME => found.take_name(&mut values).map_err(&wrong)?,
                ids::LOCAL_KEY_ID => {
                    let id = values.expect(OCTET_STRING).map_err(&wrong)?;
                    // Readers differ in which of two they take, and so in whose certificate it is.
                    if found.key_id.is_some() {
                        return Err(wrong(whole.out_of_range()));
                    }
                    values.finish().map_err(&wrong)?;
                    found.key_id = Some(id);
                    found.is_foreign = true;
                }
                ids::JAVA_TRUSTED => {
                    found.is_foreign |= found.trusted || whole.whole != TRUSTED;
                    found.trusted = true;
                }
                _ => found.is_foreign = true,
            }
        }
        Ok(found)
    }

    /// Takes a friendly name. Of more than one the first counts, as it does for OpenSSL and NSS.
    fn take_name(&mut self, values: &mut Reader<'a>) -> Result<(), DerError> {
        let text = values.expect(BMP_STRING)?;
        if !text.contents.len().is_multiple_of(2) {
            return Err(text.out_of_range());
        }
        self.is_foreign |= self.label.is_some() || !values.is_empty();
        self.label.get_or_insert(text.contents);
        Ok(())
    }
}

/// The certificate of a CertBag; none if it is of another kind than X.509.
fn certificate<'a>(value: &Element<'a>) -> Result<Option<Element<'a>>, P12Error> {
    let wrong = P12Error::reading("a certificate");
    let mut explicit = value.reader();
    let mut bag = explicit.expect(SEQUENCE).map_err(&wrong)?.reader();
    explicit.finish().map_err(&wrong)?;
    if bag.oid().map_err(&wrong)? != ids::X509 {
        return Ok(None);
    }
    let mut explicit = bag.expect(CONTEXT_0).map_err(&wrong)?.reader();
    bag.finish().map_err(&wrong)?;
    let octets = explicit.expect(OCTET_STRING).map_err(&wrong)?;
    explicit.finish().map_err(&wrong)?;
    let mut inside = octets.reader();
    inside.expect(SEQUENCE).map_err(&wrong)?;
    inside.finish().map_err(&wrong)?;
    Ok(Some(octets))
}

fn wrong(source: DerError) -> P12Error {
    P12Error::reading("the bags of a part")(source)
}
