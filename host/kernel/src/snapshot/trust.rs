//! What a store's rules say of an item where TLS servers are concerned.

use anchorhold_boundary::item::{Decision, Item, Kind, Purpose};

/// What a store says of an item where TLS servers are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It may vouch, for what was issued before the time; 0 is no limit.
    Anchor { issued_before: i64 },
    /// It is refused wherever it appears.
    Distrust,
    /// Nothing.
    Neutral,
}

/// Reads the rules: distrust wins, then what is said of servers, then what is said of everything.
pub(crate) fn trust(item: &Item) -> Trust {
    let of_servers = |decision| {
        item.rules.iter().any(|rule| {
            matches!(rule.purpose, Purpose::Any | Purpose::Server) && rule.decision == decision
        })
    };
    if of_servers(Decision::Distrust) {
        return Trust::Distrust;
    }
    match item.kind {
        Kind::IssuerSerial | Kind::SpkiSha256 => of_distrusting(item),
        _ => of_certificate(item),
    }
}

/// These kinds exist to distrust only; rules about other purposes alone leave servers out.
fn of_distrusting(item: &Item) -> Trust {
    let elsewhere = item
        .rules
        .iter()
        .any(|rule| rule.decision == Decision::Distrust);
    if elsewhere {
        Trust::Neutral
    } else {
        Trust::Distrust
    }
}

fn of_certificate(item: &Item) -> Trust {
    let special = item
        .rules
        .iter()
        .any(|rule| rule.purpose == Purpose::Server);
    let wanted = if special {
        Purpose::Server
    } else {
        Purpose::Any
    };
    let anchors = item
        .rules
        .iter()
        .filter(|rule| rule.purpose == wanted && rule.decision == Decision::Anchor)
        .map(|rule| rule.issued_before);
    // Of two limits the stricter counts; no limit is the least strict.
    match anchors.min_by_key(|limit| if *limit == 0 { i64::MAX } else { *limit }) {
        Some(issued_before) => Trust::Anchor { issued_before },
        None => Trust::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use anchorhold_boundary::item::Rule;

    use super::*;

    fn with(kind: Kind, rules: &[(Purpose, Decision, i64)]) -> Trust {
        let mut item = Item::certificate(Vec::new(), String::new());
        item.kind = kind;
        item.rules = rules
            .iter()
            .map(|&(purpose, decision, issued_before)| Rule {
                purpose,
                decision,
                issued_before,
            })
            .collect();
        trust(&item)
    }

    #[test]
    fn an_item_without_rules_is_neutral() {
        assert_eq!(with(Kind::Certificate, &[]), Trust::Neutral);
    }

    #[test]
    fn a_rule_for_servers_or_for_everything_makes_an_anchor() {
        for purpose in [Purpose::Any, Purpose::Server] {
            let rules = [(purpose, Decision::Anchor, 0)];
            assert_eq!(
                with(Kind::Certificate, &rules),
                Trust::Anchor { issued_before: 0 }
            );
        }
    }

    #[test]
    fn rules_for_other_purposes_say_nothing_about_servers() {
        let rules = [
            (Purpose::Email, Decision::Anchor, 0),
            (Purpose::Code, Decision::Distrust, 0),
        ];
        assert_eq!(with(Kind::Certificate, &rules), Trust::Neutral);
    }

    #[test]
    fn distrust_wins_over_everything() {
        let rules = [
            (Purpose::Server, Decision::Anchor, 0),
            (Purpose::Any, Decision::Distrust, 0),
        ];
        assert_eq!(with(Kind::Certificate, &rules), Trust::Distrust);
    }

    #[test]
    fn a_neutral_rule_for_servers_outweighs_an_anchor_for_everything() {
        let rules = [
            (Purpose::Any, Decision::Anchor, 0),
            (Purpose::Server, Decision::Neutral, 0),
        ];
        assert_eq!(with(Kind::Certificate, &rules), Trust::Neutral);
    }

    #[test]
    fn the_stricter_limit_counts() {
        let rules = [
            (Purpose::Server, Decision::Anchor, 0),
            (Purpose::Server, Decision::Anchor, 90),
        ];
        assert_eq!(
            with(Kind::Certificate, &rules),
            Trust::Anchor { issued_before: 90 }
        );
    }

    #[test]
    fn kinds_that_exist_to_distrust_do_so_without_a_rule() {
        for kind in [Kind::IssuerSerial, Kind::SpkiSha256] {
            assert_eq!(with(kind, &[]), Trust::Distrust);
            assert_eq!(
                with(kind, &[(Purpose::Any, Decision::Anchor, 0)]),
                Trust::Distrust
            );
            assert_eq!(
                with(kind, &[(Purpose::Email, Decision::Distrust, 0)]),
                Trust::Neutral
            );
        }
    }
}
