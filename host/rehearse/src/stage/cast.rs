//! The cast of an act: a server with its certificates, and a tap before each of its ports.

use super::Trouble;
use crate::certificate::{Authority, Credential, Leaf, Validity, stock};
use crate::server::{Character, Manners, Server, Versions};
use crate::story::{Change, Door, Paper, Part};
use crate::tap::{Recording, Tap};
use anchorhold_session::level::Era;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use time::OffsetDateTime;

/// Who signs the certificates of an act.
pub(super) struct Notary {
    authority: Authority,
    elsewhere: Authority,
    now: OffsetDateTime,
}

impl Notary {
    pub(super) fn new(now: OffsetDateTime) -> Result<Self, Trouble> {
        let current = Validity::current(now);
        Ok(Self {
            authority: Authority::new("Rehearsal Root", current)?,
            elsewhere: Authority::new("Another Root", current)?,
            now,
        })
    }

    /// The root that operators import.
    pub(super) fn root(&self) -> &[u8] {
        self.authority.root()
    }

    fn make(&self, paper: Paper) -> Result<Credential, Trouble> {
        let (current, expired) = (Validity::current(self.now), Validity::expired(self.now));
        let leaf = Leaf {
            name: "127.0.0.1",
            for_servers: true,
            validity: current,
        };
        let signed = match paper {
            Paper::Stock | Paper::StockNext => stock(current),
            Paper::StockExpired => stock(expired),
            Paper::Signed => self.authority.issue(&leaf),
            Paper::SignedExpired => self.authority.issue(&Leaf {
                validity: expired,
                ..leaf
            }),
            Paper::SignedForClients => self.authority.issue(&Leaf {
                for_servers: false,
                ..leaf
            }),
            Paper::SignedForOther => self.authority.issue(&Leaf {
                name: "other.example",
                ..leaf
            }),
            Paper::SignedElsewhere => self.elsewhere.issue(&leaf),
        };
        Ok(signed?)
    }
}

/// One server, with a tap before each of its ports.
#[derive(Debug)]
pub(super) struct House {
    server: Server,
    papers: BTreeMap<Paper, Credential>,
    common: Tap,
    ssl_only: Option<Tap>,
}

impl House {
    pub(super) async fn open(part: &Part, notary: &Notary) -> Result<Self, Trouble> {
        let mut papers = BTreeMap::new();
        for paper in Paper::ALL {
            papers.insert(paper, notary.make(paper)?);
        }
        let credential = paper(&papers, part.paper)?;
        let mut character = Character::new(part.level, credential);
        character.ldap = part.ldap;
        let server = Server::start(character, part.ssl_only).await?;
        let ssl_only = match server.ssl_only_address() {
            Some(address) => Some(Tap::open(address).await?),
            None => None,
        };
        Ok(Self {
            common: Tap::open(server.address()).await?,
            ssl_only,
            papers,
            server,
        })
    }

    /// Where clients reach it: the tap before the port.
    pub(super) fn address(&self, door: Door) -> Result<SocketAddr, Trouble> {
        match door {
            Door::Common => Ok(self.common.address()),
            Door::SslOnly => self
                .ssl_only
                .as_ref()
                .map(Tap::address)
                .ok_or_else(|| Trouble("the server has no SSL-only port".to_owned())),
        }
    }

    /// One of its certificates, DER.
    pub(super) fn certificate(&self, wanted: Paper) -> Result<Vec<u8>, Trouble> {
        Ok(paper(&self.papers, wanted)?.end_entity().to_vec())
    }

    /// Its certificates.
    pub(super) fn papers(&self) -> impl Iterator<Item = (Paper, &[u8])> {
        self.papers
            .iter()
            .map(|(paper, credential)| (*paper, credential.end_entity()))
    }

    /// What went over the wire since this was last asked.
    pub(super) fn wire(&self) -> Vec<Recording> {
        let ssl_only = self.ssl_only.as_ref().map(Tap::take).unwrap_or_default();
        [self.common.take(), ssl_only].concat()
    }

    pub(super) fn inject(&self, bytes: &[u8]) {
        self.common.inject(bytes.to_vec());
    }

    pub(super) fn change(&self, change: Change) -> Result<(), Trouble> {
        let credential = match change {
            Change::Paper(wanted) => Some(paper(&self.papers, wanted)?),
            _ => None,
        };
        self.server.change(|character| match change {
            Change::Honest => character.manners = Manners::Honest,
            Change::Luring(level) => character.manners = Manners::Luring(level),
            Change::Mumbling => character.manners = Manners::Mumbling,
            Change::Paper(_) => {
                character.credential = credential.unwrap_or_else(|| {
                    // It was looked up above for this very change.
                    character.credential.clone()
                })
            }
            Change::Silent => character.manners = Manners::Silent,
            Change::Upgrade(level) => {
                character.level = level;
                if level.era() == Era::Enhanced {
                    character.versions = Versions::Both;
                }
            }
            Change::Versions(versions) => character.versions = versions,
        });
        Ok(())
    }

    pub(super) async fn close(self) {
        self.server.stop().await;
    }
}

fn paper(papers: &BTreeMap<Paper, Credential>, wanted: Paper) -> Result<Credential, Trouble> {
    papers
        .get(&wanted)
        .cloned()
        .ok_or_else(|| Trouble(format!("there is no such certificate: {}", wanted.as_str())))
}
