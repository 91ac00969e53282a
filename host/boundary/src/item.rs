//! What a store holds: one item, owned, typed and bounded.

use anchorhold_abi as abi;
use anchorhold_abi::ah_rule;

/// What the bytes of an item are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An X.509 certificate, DER.
    Certificate,
    /// A certificate revocation list, DER.
    Crl,
    /// An IssuerAndSerialNumber (RFC 5652), DER; to distrust only.
    IssuerSerial,
    /// The SubjectPublicKeyInfo of a private key that stays in the store, DER.
    PrivateKey,
    /// The SHA-256 of a SubjectPublicKeyInfo, 32 bytes; to distrust only.
    SpkiSha256,
}

/// What a trust rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Every purpose.
    Any,
    /// Authenticating a TLS client.
    Client,
    /// Signing code.
    Code,
    /// Protecting mail.
    Email,
    /// Authenticating a TLS server.
    Server,
    /// Time stamping.
    Timestamp,
}

/// What a trust rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// The item may vouch for others, within its scope.
    Anchor,
    /// The item is refused wherever it appears.
    Distrust,
    /// The store says nothing.
    Neutral,
}

/// One trust rule of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What the rule applies to.
    pub purpose: Purpose,
    /// What it says.
    pub decision: Decision,
    /// Unix seconds: only what was issued before counts; 0 is no cut-off.
    pub issued_before: i64,
}

impl Rule {
    /// A rule as the contract has it. A decision that is not known distrusts; a purpose that is not
    /// known is every purpose where it distrusts, and no rule where it does not (R2).
    pub fn of(rule: ah_rule) -> Option<Self> {
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

/// The identity of an item in its store: 1 to 64 bytes, the plugin's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub Vec<u8>);

/// One thing that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What `der` is.
    pub kind: Kind,
    /// Unique in the store; empty in an item to be added.
    pub id: ItemId,
    /// The bytes, by kind.
    pub der: Vec<u8>,
    /// For people; need not be unique.
    pub label: String,
    /// Trust rules; none is neutral for any purpose.
    pub rules: Vec<Rule>,
    /// DER NameConstraints that the store adds, may be empty.
    pub name_constraints: Vec<u8>,
    /// Servers that the store says it is meant for, one a line, `*` for all; a hint only.
    pub scope: String,
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

impl Item {
    /// A certificate to be added: an anchor for servers, with a label.
    pub fn certificate(der: Vec<u8>, label: String) -> Self {
        Self {
            kind: Kind::Certificate,
            id: ItemId::default(),
            der,
            label,
            rules: vec![Rule {
                purpose: Purpose::Server,
                decision: Decision::Anchor,
                issued_before: 0,
            }],
            name_constraints: Vec::new(),
            scope: String::new(),
            read_only: false,
            asks_each_use: false,
            trust_unknown: false,
            created: 0,
            modified: 0,
        }
    }
}
