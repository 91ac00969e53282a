//! Which certificates of a token vouch, as `trust` and `scope` of its store say together.

use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::plan::{PlanError, StorePlan, StoreScope};

use super::PKCS11;

/// Which certificates of a token vouch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// All of them, for all servers that use the store.
    All,
    /// Those that the token calls trusted, for the servers that the scope table names.
    CkaTrusted,
    /// Those that the token calls trusted, for all servers that use the store.
    CkaTrustedAny,
    /// Those that the scope table names, whatever the token says of them.
    Imported,
}

impl Trust {
    /// What is in force for a store on a token; none for a store of another kind. What the two
    /// settings say is refused where one of them would take back what the other one says, for
    /// nobody could tell which of them was meant.
    pub(crate) fn of(plan: &StorePlan) -> Result<Option<Self>, PlanError> {
        if plan.plugin != PKCS11 {
            return Ok(None);
        }
        let wrong = |what: &str| PlanError {
            store: plan.name.clone(),
            what: what.to_owned(),
        };
        let word = match plan.settings.get("trust") {
            None => "imported",
            Some(Value::String(word)) => word,
            Some(_) => return Err(wrong(WORDS)),
        };
        match (word, plan.scope) {
            ("all", StoreScope::Any) => Ok(Some(Self::All)),
            ("all", _) => Err(wrong(ALL_OF_NOTHING)),
            ("cka-trusted", StoreScope::Any) => Ok(Some(Self::CkaTrustedAny)),
            ("cka-trusted", StoreScope::Imported) => Ok(Some(Self::CkaTrusted)),
            ("imported", StoreScope::Imported) => Ok(Some(Self::Imported)),
            ("imported", StoreScope::Any) => Err(wrong(ANY_OF_IMPORTED)),
            ("cka-trusted" | "imported", StoreScope::Store) => Err(wrong(TOKEN_KNOWS_NONE)),
            _ => Err(wrong(WORDS)),
        }
    }

    /// The word that stands in the settings.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::CkaTrusted | Self::CkaTrustedAny => "cka-trusted",
            Self::Imported => "imported",
        }
    }

    /// What is in force, for people.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::All => {
                "every certificate on the token vouches, for all servers that use the store: \
                 whoever can write to the token decides"
            }
            Self::CkaTrusted => {
                "a certificate vouches where the token calls it trusted (CKA_TRUSTED, which only \
                 the token's security officer can set) and `scope` names servers for it: both"
            }
            Self::CkaTrustedAny => {
                "every certificate that the token calls trusted (CKA_TRUSTED, which only the \
                 token's security officer can set) vouches, for all servers that use the store"
            }
            Self::Imported => {
                "a certificate vouches for the servers that `import` or `scope` named for it, \
                 whatever the token says of it"
            }
        }
    }
}

const WORDS: &str = "settings.trust is \"imported\", \"cka-trusted\" or \"all\"";

const ALL_OF_NOTHING: &str = "trust = \"all\" means that every certificate on the token vouches, \
                              and without scope = \"any\" beside it none would that `scope` does \
                              not name: write scope = \"any\" as well, or leave `trust` out";

const ANY_OF_IMPORTED: &str = "scope = \"any\" would let every certificate on the token vouch for \
                               all servers, and trust = \"imported\", which is the default, says \
                               that only those do that were imported: leave `scope` out, or write \
                               trust = \"cka-trusted\" or trust = \"all\" as well";

const TOKEN_KNOWS_NONE: &str = "scope = \"store\" asks the token for which servers its \
                                certificates are, and no token knows that: leave `scope` out";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(word: Option<&str>, scope: StoreScope) -> Result<Option<Trust>, String> {
        let mut plan = StorePlan::new("hsm", PKCS11, Path::new("/"));
        plan.scope = scope;
        if let Some(word) = word {
            plan = plan.with_setting("trust", Value::String(word.to_owned()));
        }
        Trust::of(&plan).map_err(|error| error.to_string())
    }

    #[test]
    fn each_word_goes_with_the_scope_that_it_means() {
        use StoreScope::{Any, Imported};
        for (word, scope, expected) in [
            (None, Imported, Trust::Imported),
            (Some("imported"), Imported, Trust::Imported),
            (Some("cka-trusted"), Imported, Trust::CkaTrusted),
            (Some("cka-trusted"), Any, Trust::CkaTrustedAny),
            (Some("all"), Any, Trust::All),
        ] {
            assert_eq!(of(word, scope), Ok(Some(expected)), "{word:?} {scope:?}");
            assert_eq!(expected.word(), word.unwrap_or("imported"));
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_both_ways_out() {
        use StoreScope::{Any, Imported, Store};
        for (word, scope, way_out) in [
            (Some("all"), Imported, "write scope = \"any\""),
            (Some("all"), Store, "write scope = \"any\""),
            (None, Any, "trust = \"cka-trusted\""),
            (Some("imported"), Any, "trust = \"all\""),
            (None, Store, "leave `scope` out"),
            (Some("cka-trusted"), Store, "leave `scope` out"),
            (Some("ALL"), Any, "\"imported\", \"cka-trusted\" or \"all\""),
            (
                Some(""),
                Imported,
                "\"imported\", \"cka-trusted\" or \"all\"",
            ),
        ] {
            let message = of(word, scope).expect_err("refused");
            assert!(message.starts_with("store \"hsm\": "), "{message}");
            assert!(message.contains(way_out), "{word:?} {scope:?}: {message}");
        }
    }

    #[test]
    fn other_stores_have_no_such_word() {
        let mut plan = StorePlan::new("keydb", super::super::KEYDB, Path::new("/"));
        plan.scope = StoreScope::Any;
        assert_eq!(Trust::of(&plan), Ok(None));
    }
}
