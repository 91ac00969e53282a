//! One thing that a store holds, borrowed for as long as it takes to hand it over.

use std::borrow::Cow;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_bytes, ah_item, ah_rule, ah_str};

use crate::error::Error;
use crate::foreign;

/// What the bytes of an item are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A certificate, DER.
    Certificate,
    /// A revocation list, DER.
    Crl,
    /// An IssuerAndSerialNumber (RFC 5652), DER; to distrust only.
    IssuerSerial,
    /// The SubjectPublicKeyInfo of a private key that stays in the store, DER.
    PrivateKey,
    /// The SHA-256 of a SubjectPublicKeyInfo, 32 bytes; to distrust only.
    SpkiSha256,
}

impl Kind {
    /// The kind as C has it.
    pub(crate) fn raw(self) -> u32 {
        match self {
            Self::Certificate => abi::AH_KIND_CERTIFICATE,
            Self::Crl => abi::AH_KIND_CRL,
            Self::IssuerSerial => abi::AH_KIND_ISSUER_SERIAL,
            Self::PrivateKey => abi::AH_KIND_PRIVATE_KEY,
            Self::SpkiSha256 => abi::AH_KIND_SPKI_SHA256,
        }
    }
}

/// What a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Purpose {
    /// Every purpose.
    Any = abi::AH_FOR_ANY,
    /// TLS clients.
    Client = abi::AH_FOR_CLIENT,
    /// Code.
    Code = abi::AH_FOR_CODE,
    /// Mail.
    Email = abi::AH_FOR_EMAIL,
    /// TLS servers.
    Server = abi::AH_FOR_SERVER,
    /// Time stamps.
    Timestamp = abi::AH_FOR_TIMESTAMP,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Decision {
    /// May vouch for others.
    Anchor = abi::AH_ANCHOR,
    /// Is refused wherever it appears.
    Distrust = abi::AH_DISTRUST,
    /// Nothing.
    Neutral = abi::AH_NEUTRAL,
}

/// What an item is trusted for.
// The layout is that of `ah_rule`, so that a slice of these is lent to the host as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Rule {
    /// What the rule applies to.
    pub purpose: Purpose,
    /// What it says.
    pub decision: Decision,
    /// Unix seconds: trust only what was issued before; 0 is no cut-off.
    pub issued_before: i64,
}

const _: () = {
    assert!(size_of::<Rule>() == size_of::<ah_rule>());
    assert!(align_of::<Rule>() == align_of::<ah_rule>());
    assert!(std::mem::offset_of!(Rule, purpose) == std::mem::offset_of!(ah_rule, purpose));
    assert!(std::mem::offset_of!(Rule, decision) == std::mem::offset_of!(ah_rule, decision));
    assert!(
        std::mem::offset_of!(Rule, issued_before) == std::mem::offset_of!(ah_rule, issued_before)
    );
};

impl Rule {
    /// An anchor for TLS servers, and nothing else.
    pub const SERVER_ANCHOR: &'static [Self] = &[Self::new(Purpose::Server, Decision::Anchor)];
    /// Distrust, whatever it is used for.
    pub const DISTRUST: &'static [Self] = &[Self::new(Purpose::Any, Decision::Distrust)];

    /// A rule without a cut-off.
    pub const fn new(purpose: Purpose, decision: Decision) -> Self {
        Self {
            purpose,
            decision,
            issued_before: 0,
        }
    }

    /// A rule of the host's; `None` is a rule that says nothing to this version (R2).
    fn adopt(rule: ah_rule) -> Option<Self> {
        let decision = match rule.decision {
            abi::AH_NEUTRAL => Decision::Neutral,
            abi::AH_ANCHOR => Decision::Anchor,
            _ => Decision::Distrust,
        };
        let purpose = match rule.purpose {
            abi::AH_FOR_ANY => Purpose::Any,
            abi::AH_FOR_SERVER => Purpose::Server,
            abi::AH_FOR_CLIENT => Purpose::Client,
            abi::AH_FOR_EMAIL => Purpose::Email,
            abi::AH_FOR_CODE => Purpose::Code,
            abi::AH_FOR_TIMESTAMP => Purpose::Timestamp,
            _ if decision == Decision::Distrust => Purpose::Any,
            _ => return None,
        };
        Some(Self {
            purpose,
            decision,
            issued_before: rule.issued_before,
        })
    }
}

/// One thing that a store holds, or is asked to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item<'a> {
    /// What `der` is.
    pub kind: Kind,
    /// Unique in the store, 1 to 64 bytes; the same in every process for as long as kind and der
    /// are held, and never reused for another der; empty in an item to be added.
    pub id: &'a [u8],
    /// The bytes, by kind.
    pub der: &'a [u8],
    /// For people; need not be unique.
    pub label: &'a str,
    /// None is neutral for any purpose.
    pub rules: Cow<'a, [Rule]>,
    /// DER, may be empty.
    pub name_constraints: &'a [u8],
    /// Servers it is meant for, one a line, `*` for all; empty where the store does not say.
    pub scope: &'a str,
    /// Whether the store refuses to change or remove it.
    pub read_only: bool,
    /// Whether a key wants its PIN for every signature.
    pub asks_each_use: bool,
    /// Whether the store marks its trust in a way that cannot be read; then it vouches for nobody,
    /// whatever its rules say, until the operator names it.
    pub trust_unknown: bool,
    /// Unix seconds, 0 where not known.
    pub created: i64,
    /// Unix seconds, 0 where not known.
    pub modified: i64,
}

impl<'a> Item<'a> {
    /// An item without label, rules and dates.
    pub fn new(kind: Kind, id: &'a [u8], der: &'a [u8]) -> Self {
        Self {
            kind,
            id,
            der,
            label: "",
            rules: Cow::Borrowed(&[]),
            name_constraints: &[],
            scope: "",
            read_only: false,
            asks_each_use: false,
            trust_unknown: false,
            created: 0,
            modified: 0,
        }
    }

    /// A certificate without label, rules and dates.
    pub fn certificate(id: &'a [u8], der: &'a [u8]) -> Self {
        Self::new(Kind::Certificate, id, der)
    }

    /// Whether it says no more of trust than that it vouches for TLS servers, or not even that. A
    /// store that can keep nothing else refuses every other: what it forgot would widen trust.
    pub fn is_server_anchor_at_most(&self) -> bool {
        let is_kept = |rule: &Rule| match rule.decision {
            Decision::Anchor => rule.purpose == Purpose::Server && rule.issued_before == 0,
            Decision::Neutral => true,
            Decision::Distrust => false,
        };
        self.rules.iter().all(is_kept) && self.name_constraints.is_empty() && !self.trust_unknown
    }

    /// The item as C has it; it borrows from `self` (R3).
    pub(crate) fn lower(&self) -> ah_item {
        let mut item = <ah_item as abi::Growing>::blank();
        item.kind = self.kind.raw();
        if self.read_only {
            item.flags |= abi::AH_ITEM_READ_ONLY;
        }
        if self.asks_each_use {
            item.flags |= abi::AH_ITEM_ASKS_EACH_USE;
        }
        if self.trust_unknown {
            item.flags |= abi::AH_ITEM_TRUST_UNKNOWN;
        }
        item.rule_stride = abi::stride_of::<Rule>();
        item.created = self.created;
        item.modified = self.modified;
        item.rules = self.rules.as_ptr().cast::<ah_rule>();
        item.rule_count = self.rules.len();
        item.id = ah_bytes::new(self.id);
        item.der = ah_bytes::new(self.der);
        item.label = ah_str::new(self.label);
        item.name_constraints = ah_bytes::new(self.name_constraints);
        item.scope = ah_str::new(self.scope);
        item
    }

    /// # Safety
    ///
    /// R1, R3: `item` is NULL or the host's struct, lent with all it leads to for `'a`.
    pub(crate) unsafe fn adopt(item: *const ah_item) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(item) }.ok_or_else(|| {
            Error::invalid_argument("a change without ah_item, or with a short one")
        })?;
        let kind = match read.kind {
            abi::AH_KIND_CERTIFICATE => Kind::Certificate,
            abi::AH_KIND_ISSUER_SERIAL => Kind::IssuerSerial,
            abi::AH_KIND_SPKI_SHA256 => Kind::SpkiSha256,
            abi::AH_KIND_CRL => Kind::Crl,
            abi::AH_KIND_PRIVATE_KEY => Kind::PrivateKey,
            kind => {
                return Err(Error::unsupported(format!(
                    "items of kind {kind} are not known"
                )));
            }
        };
        let mut rules = Vec::new();
        let keep = |rule| {
            rules.extend(Rule::adopt(rule));
            Ok(())
        };
        // SAFETY: R1, R3: the array has the stride that stands beside it, and is lent for `'a`.
        unsafe { foreign::elements(read.rules, read.rule_count, read.rule_stride, keep) }?;
        // SAFETY: R3: each is lent for `'a`.
        let (id, der, name_constraints) = unsafe {
            (
                foreign::bytes(read.id)?,
                foreign::bytes(read.der)?,
                foreign::bytes(read.name_constraints)?,
            )
        };
        // SAFETY: R3: both are lent for `'a`.
        let (label, scope) = unsafe { (foreign::text(read.label)?, foreign::text(read.scope)?) };
        Ok(Self {
            kind,
            id,
            der,
            label,
            rules: Cow::Owned(rules),
            name_constraints,
            scope,
            read_only: read.flags & abi::AH_ITEM_READ_ONLY != 0,
            asks_each_use: read.flags & abi::AH_ITEM_ASKS_EACH_USE != 0,
            trust_unknown: read.flags & abi::AH_ITEM_TRUST_UNKNOWN != 0,
            created: read.created,
            modified: read.modified,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_of_server_anchors_can_keep_is_told_from_what_it_would_forget() {
        let with = |rules: &[Rule]| {
            let mut item = Item::certificate(b"id", b"der");
            item.rules = rules.to_vec().into();
            item.is_server_anchor_at_most()
        };
        let rule = |issued_before| Rule {
            issued_before,
            ..Rule::new(Purpose::Server, Decision::Anchor)
        };
        assert!(with(&[]));
        assert!(with(Rule::SERVER_ANCHOR));
        assert!(with(&[Rule::new(Purpose::Any, Decision::Neutral), rule(0)]));
        assert!(!with(Rule::DISTRUST));
        assert!(!with(&[rule(0), rule(1)]));
        assert!(!with(&[Rule::new(Purpose::Any, Decision::Anchor)]));
        assert!(!with(&[Rule::new(Purpose::Client, Decision::Anchor)]));
        let mut item = Item::certificate(b"id", b"der");
        item.name_constraints = &[0x30, 0];
        assert!(!item.is_server_anchor_at_most());
        let mut item = Item::certificate(b"id", b"der");
        item.trust_unknown = true;
        assert!(!item.is_server_anchor_at_most());
    }
}
