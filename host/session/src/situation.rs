//! What is known of a server before anybody talks to it: ledger, stores, options, warnings.

use crate::context::Context;
use crate::decision::{Facts, Held, Levels, Plain, Presented, Security};
use crate::error::ConnectError;
use crate::learnt::{claim_of, level_of};
use crate::level::{Era, Level};
use crate::report::Warning;
use crate::server::Server;
use anchorhold_kernel as kernel;
use anchorhold_kernel::View;
use anchorhold_state::Security as Recorded;
use anchorhold_state::{Allow, Fingerprint, Record, ScopeTable, Servers, Standing};
use std::sync::Arc;

/// What is known of a server before anybody talks to it.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    pub(crate) facts: Facts,
    pub(crate) view: Arc<View>,
    pub(crate) held: kernel::Held,
    pub(crate) standing: Standing,
    pub(crate) warnings: Vec<Warning>,
    /// Whether the operator's leave to go down holds.
    lowered: bool,
    /// The strict server that has the same address, where that makes this one strict.
    pub(crate) strict_twin: Option<Record>,
}

impl Situation {
    /// Asks ledger and stores; waits for the disk.
    pub(crate) fn look(context: &Context, server: &Server) -> Result<Self, ConnectError> {
        Self::listed(context, server, false)
    }

    /// The same with every store listed now, whatever it says of itself.
    pub(crate) fn look_fresh(context: &Context, server: &Server) -> Result<Self, ConnectError> {
        Self::listed(context, server, true)
    }

    /// Ledger, scope, stores, in this order: what another process does in between is then held by
    /// a server that counts as it was before, and never in scope before it is in a store.
    fn listed(context: &Context, server: &Server, fresh: bool) -> Result<Self, ConnectError> {
        let standing = context.state.server(&server.name)?;
        let scope = context.scope(server)?;
        let named = named(&scope, server);
        let view = Arc::new(context.view_under(server, scope, fresh));
        let held = view.held();
        if held == kernel::Held::No && named.is_some() && !fresh {
            // A store may be listed less often than it changes.
            return Self::listed(context, server, true);
        }
        let mut situation = Self {
            facts: facts(server, &held),
            view,
            held,
            standing,
            warnings: Vec::new(),
            lowered: false,
            strict_twin: None,
        };
        situation.apply_ledger(context, server)?;
        if let Some(named) = named {
            situation.miss(named, context, server);
        }
        situation.weigh_level();
        Ok(situation)
    }

    /// A certificate that is in scope by name and in no store any more was lost there: nobody
    /// knows, so acceptance does not open again. A strict server has its own row for that.
    fn miss(&mut self, named: Fingerprint, context: &Context, server: &Server) {
        if self.facts.held != Held::No || self.facts.security == Security::Strict {
            return;
        }
        self.facts.held = Held::Unanswered;
        self.held = kernel::Held::Unanswered {
            store: context.stores(server).first().cloned().unwrap_or_default(),
            why: format!(
                "{named} is in scope for {0}, and none of the stores of {0} holds it any more",
                server.name
            ),
        };
    }

    /// The ledger's word, and what lifts or lowers it.
    fn apply_ledger(&mut self, context: &Context, server: &Server) -> Result<(), ConnectError> {
        let recorded = self.standing.record.as_ref().map(|record| record.security);
        if self.standing.lost {
            self.facts.security = Security::Strict;
            self.warn(
                "ledger-lost",
                format!(
                    "what ledger and journal knew of {0} is lost: it counts as strict until \
                     `server lower {0} --allow plain --reason why` (or --allow accept)",
                    server.name
                ),
            );
        } else if recorded == Some(Recorded::Strict) {
            self.facts.security = Security::Strict;
        }
        if let Some(lowered) = self.standing.lowered(context.now().unix_timestamp()) {
            let allow = lowered.allow;
            self.lower(allow, server);
            return Ok(());
        }
        if self.facts.security == Security::Transitional {
            let twin = strict_twin(context, server)?;
            if let Some(twin) = &twin {
                self.facts.security = Security::Strict;
                let text = format!(
                    "{} has the address and port of {}, which is strict, and so it is strict too",
                    server.name, twin.server
                );
                self.warn("strict-by-endpoint", text);
            }
            self.strict_twin = twin;
        }
        Ok(())
    }

    /// The operator's word opens one of the two ways down, and the other stays shut.
    fn lower(&mut self, allow: Allow, server: &Server) {
        self.facts.security = Security::Transitional;
        self.lowered = true;
        let way = match allow {
            Allow::Plain => {
                self.facts.accept = false;
                "a plain session"
            }
            Allow::Accept => {
                self.facts.plain = Plain::Never;
                "one acceptance of a certificate"
            }
        };
        let text = format!("{} was lowered by hand: {way} is allowed", server.name);
        self.warn("lowered", text);
    }

    /// Takes in what the server announced in clear.
    pub(crate) fn announced(&mut self, level: Level) {
        self.facts.levels.announced = Some(level.era());
        self.weigh_level();
    }

    /// Takes over what an earlier look at the same server was told of it.
    pub(crate) fn told(mut self, told: &Facts) -> Self {
        (self.facts.levels, self.facts.presented) = (told.levels, told.presented);
        self.facts.ldap |= told.ldap;
        self.weigh_level();
        self
    }

    /// On which side of the change to TLS the server stands; where nobody asked, as recorded.
    /// For people: no decision rests on it.
    pub(crate) fn era(&self) -> Option<Era> {
        let told = self.facts.levels.for_acceptance();
        let recorded = self.standing.record.as_ref().and_then(level_of);
        told.or_else(|| recorded.map(Level::era))
    }

    /// Whether the level is less than what the server announced before.
    fn weigh_level(&mut self) {
        let claimed = self.standing.record.as_ref().and_then(claim_of);
        let before = claimed.map(Level::era);
        let now = self.facts.levels.in_clear();
        self.facts.level_fell =
            !self.lowered && before == Some(Era::Enhanced) && now == Some(Era::Earlier);
    }

    pub(crate) fn warn(&mut self, code: &'static str, text: String) {
        self.warnings.push(Warning { code, text });
    }
}

/// A certificate that is in scope for the server by its name.
fn named(scope: &ScopeTable, server: &Server) -> Option<Fingerprint> {
    let mut rows = scope.rows.iter();
    let found = rows.find(|(_, row)| match &row.servers {
        Servers::Any => false,
        Servers::Named(names) => names.contains(&server.name),
    });
    found.map(|(fingerprint, _)| *fingerprint)
}

/// Another server that is strict and has the same address: by a session that was completed
/// there, or by its name in the configuration, which is all that `server raise` knows.
fn strict_twin(context: &Context, server: &Server) -> Result<Option<Record>, ConnectError> {
    let endpoint = server.endpoint();
    if let Some(record) = context.state.strict_at(&endpoint, &server.name)? {
        return Ok(Some(record));
    }
    let neighbours = context.neighbours.iter();
    for (name, _) in neighbours.filter(|(name, at)| *name != server.name && at.same_as(&endpoint)) {
        let standing = context.state.server(name)?;
        if standing.is_strict() {
            let record = standing
                .record
                .unwrap_or_else(|| Record::new(name.clone(), 0));
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn facts(server: &Server, held: &kernel::Held) -> Facts {
    Facts {
        transport: server.transport,
        security: Security::Transitional,
        levels: Levels {
            announced: None,
            declared: server.policy.level.map(Level::era),
            inside: None,
        },
        level_fell: false,
        held: match held {
            kernel::Held::No => Held::No,
            kernel::Held::Unanswered { .. } => Held::Unanswered,
            kernel::Held::Yes(_) => Held::Yes,
        },
        ssl: server.ssl,
        ssl_required: server.ssl_required,
        ldap: server.ldap(),
        plain: server.policy.plain,
        accept: server.accept,
        presented: Presented::Unseen,
    }
}
