//! One test per row, and the properties over every combination of facts.

use super::*;
use crate::level::Era;

/// A transitional, enhanced server with nothing held and the vendor's defaults, not yet seen.
const FRESH: Facts = Facts {
    transport: Transport::Tcp,
    security: Security::Transitional,
    levels: Levels {
        announced: Some(Era::Enhanced),
        declared: None,
        inside: None,
    },
    level_fell: false,
    held: Held::No,
    ssl: false,
    ssl_required: SslRequired::Default,
    ldap: false,
    plain: Plain::Allow,
    accept: true,
    presented: Presented::Unseen,
};

const EARLIER: Facts = Facts {
    levels: announced(Era::Earlier),
    ..FRESH
};
const STRICT: Facts = Facts {
    security: Security::Strict,
    levels: NOT_ASKED,
    held: Held::Yes,
    ..FRESH
};
const NOT_ASKED: Levels = Levels {
    announced: None,
    declared: None,
    inside: None,
};

const fn announced(era: Era) -> Levels {
    Levels {
        announced: Some(era),
        declared: None,
        inside: None,
    }
}

fn check(facts: Facts, row: u8, then: Then, code: Code) {
    assert_eq!(
        Rules::all().decide(&facts),
        Decision { row, then, code },
        "{facts:?}"
    );
}

#[test]
fn row_1_refuses_what_is_not_tcp() {
    let facts = Facts {
        transport: Transport::Other,
        ..STRICT
    };
    check(facts, 1, Then::Refuse, Code::TransportUnsupported);
}

#[test]
fn row_2_refuses_a_strict_server_while_a_store_is_silent() {
    let facts = Facts {
        held: Held::Unanswered,
        ..STRICT
    };
    check(facts, 2, Then::Refuse, Code::StoreUnavailable);
}

#[test]
fn row_3_refuses_a_strict_server_without_certificate() {
    check(
        Facts {
            held: Held::No,
            ..STRICT
        },
        3,
        Then::Refuse,
        Code::CertificateLost,
    );
}

#[test]
fn row_4_leads_a_strict_server_to_tls_whatever_it_claims() {
    check(STRICT, 4, Then::Tls, Code::HeldCertificate);
    let claims = Facts {
        levels: announced(Era::Earlier),
        ..STRICT
    };
    check(claims, 4, Then::Tls, Code::HeldCertificate);
}

#[test]
fn row_5_refuses_less_than_declared_or_announced_before() {
    let levels = Levels {
        declared: Some(Era::Enhanced),
        ..announced(Era::Earlier)
    };
    check(Facts { levels, ..FRESH }, 5, Then::Refuse, Code::Downgrade);
    check(
        Facts {
            level_fell: true,
            ..EARLIER
        },
        5,
        Then::Refuse,
        Code::LevelFell,
    );
}

#[test]
fn row_6_refuses_options_that_contradict_each_other() {
    for ssl_required in [SslRequired::Yes, SslRequired::ServerOnly] {
        let facts = Facts {
            ssl_required,
            ldap: true,
            ..EARLIER
        };
        check(facts, 6, Then::Refuse, Code::SslRequiredButOff);
    }
}

#[test]
fn row_7_refuses_plain_sessions_with_ldap() {
    for ssl_required in [SslRequired::Default, SslRequired::No] {
        let facts = Facts {
            ssl_required,
            ldap: true,
            ..EARLIER
        };
        check(facts, 7, Then::Refuse, Code::SslRequiredByLdap);
    }
}

#[test]
fn row_8_refuses_plain_sessions_that_the_policy_forbids() {
    check(
        Facts {
            plain: Plain::Never,
            ..EARLIER
        },
        8,
        Then::Refuse,
        Code::PlainForbidden,
    );
}

#[test]
fn row_9_lets_the_existing_protocol_go_on() {
    for held in [Held::Yes, Held::No, Held::Unanswered] {
        check(
            Facts { held, ..EARLIER },
            9,
            Then::Plain,
            Code::ExistingProtocol,
        );
    }
    let declared = Levels {
        declared: Some(Era::Earlier),
        ..NOT_ASKED
    };
    check(
        Facts {
            levels: declared,
            ..FRESH
        },
        9,
        Then::Plain,
        Code::ExistingProtocol,
    );
}

#[test]
fn row_10_refuses_while_a_store_is_silent() {
    let facts = Facts {
        held: Held::Unanswered,
        ..FRESH
    };
    check(facts, 10, Then::Refuse, Code::StoreUnavailable);
    let facts = Facts {
        held: Held::Unanswered,
        ssl: true,
        ..EARLIER
    };
    check(facts, 10, Then::Refuse, Code::StoreUnavailable);
}

#[test]
fn row_11_uses_what_is_held() {
    for levels in [announced(Era::Enhanced), NOT_ASKED] {
        check(
            Facts {
                levels,
                held: Held::Yes,
                ..FRESH
            },
            11,
            Then::Tls,
            Code::HeldCertificate,
        );
    }
    let facts = Facts {
        ssl: true,
        held: Held::Yes,
        ..EARLIER
    };
    check(facts, 11, Then::Tls, Code::HeldCertificate);
}

#[test]
fn row_12_asks_for_an_import() {
    check(
        Facts {
            accept: false,
            ..FRESH
        },
        12,
        Then::Refuse,
        Code::CertificateNeeded,
    );
}

#[test]
fn row_13_accepts_from_enhanced_servers_only() {
    let refused = [
        Facts {
            ssl: true,
            ..EARLIER
        },
        Facts {
            levels: NOT_ASKED,
            ..FRESH
        },
        Facts {
            levels: Levels {
                inside: Some(Era::Earlier),
                ..FRESH.levels
            },
            ..FRESH
        },
    ];
    for facts in refused {
        check(facts, 13, Then::Refuse, Code::CertificateNeeded);
    }
}

#[test]
fn row_14_bars_acceptance_with_ldap() {
    check(
        Facts {
            ldap: true,
            ..FRESH
        },
        14,
        Then::Refuse,
        Code::AcceptanceBarredByLdap,
    );
}

#[test]
fn rows_15_to_17_judge_what_is_presented() {
    for (presented, row, then, code) in [
        (
            Presented::CaSigned,
            15,
            Then::Refuse,
            Code::AcceptanceNeedsSelfSigned,
        ),
        (
            Presented::SelfSigned,
            16,
            Then::Accept,
            Code::AcceptedOnFirstUse,
        ),
        (Presented::Unseen, 16, Then::Look, Code::AcceptedOnFirstUse),
        (
            Presented::Unacceptable,
            17,
            Then::Refuse,
            Code::AcceptanceNeedsValid,
        ),
    ] {
        check(Facts { presented, ..FRESH }, row, then, code);
    }
}

#[test]
fn an_answer_inside_tls_opens_acceptance_where_the_plain_question_was_not_answered() {
    let levels = Levels {
        inside: Some(Era::Enhanced),
        ..NOT_ASKED
    };
    let facts = Facts {
        levels,
        presented: Presented::SelfSigned,
        ..FRESH
    };
    check(facts, 16, Then::Accept, Code::AcceptedOnFirstUse);
}

/// Calls `visit` with every combination of facts.
fn walk(mut visit: impl FnMut(&Facts)) -> usize {
    const ERAS: [Option<Era>; 3] = [None, Some(Era::Earlier), Some(Era::Enhanced)];
    const BOTH: [bool; 2] = [false, true];
    let mut seen = 0;
    let mut levels = Vec::new();
    for announced in ERAS {
        for declared in ERAS {
            levels.extend(ERAS.map(|inside| Levels {
                announced,
                declared,
                inside,
            }));
        }
    }
    let mut options = Vec::new();
    for ssl in BOTH {
        for accept in BOTH {
            for ldap in BOTH {
                for required in [
                    SslRequired::Default,
                    SslRequired::No,
                    SslRequired::ServerOnly,
                    SslRequired::Yes,
                ] {
                    options.extend(
                        [Plain::Allow, Plain::Never]
                            .map(|plain| (ssl, accept, ldap, required, plain)),
                    );
                }
            }
        }
    }
    let mut visible = Vec::new();
    for transport in [Transport::Tcp, Transport::Other] {
        for security in [Security::Transitional, Security::Strict] {
            for held in [Held::Yes, Held::No, Held::Unanswered] {
                for level_fell in BOTH {
                    visible.extend(
                        [
                            Presented::Unseen,
                            Presented::SelfSigned,
                            Presented::CaSigned,
                            Presented::Unacceptable,
                        ]
                        .map(|presented| (transport, security, held, level_fell, presented)),
                    );
                }
            }
        }
    }
    for levels in levels {
        for (ssl, accept, ldap, ssl_required, plain) in options.iter().copied() {
            for (transport, security, held, level_fell, presented) in visible.iter().copied() {
                seen += 1;
                visit(&Facts {
                    transport,
                    security,
                    levels,
                    level_fell,
                    held,
                    ssl,
                    ssl_required,
                    ldap,
                    plain,
                    accept,
                    presented,
                });
            }
        }
    }
    seen
}

#[test]
fn every_combination_hits_a_row_and_keeps_the_properties() {
    let seen = walk(|facts| {
        let decision = Rules::all().decide(facts);
        let opens = matches!(decision.then, Then::Accept | Then::Look);
        assert_ne!(decision.row, 0, "no row: {facts:?}");
        if facts.security == Security::Strict {
            assert!(decision.then != Then::Plain && !opens, "strict: {facts:?}");
        }
        if opens {
            let told = [
                facts.levels.announced,
                facts.levels.declared,
                facts.levels.inside,
            ];
            assert!(
                facts.held == Held::No && facts.accept && !facts.ldap,
                "{facts:?}"
            );
            assert!(told.contains(&Some(Era::Enhanced)), "{facts:?}");
            assert_ne!(facts.levels.inside, Some(Era::Earlier), "{facts:?}");
        }
        if decision.then == Then::Accept {
            assert_eq!(facts.presented, Presented::SelfSigned, "{facts:?}");
        }
        if decision.then == Then::Plain {
            assert!(
                !facts.ssl && !facts.ldap && facts.plain == Plain::Allow,
                "{facts:?}"
            );
            assert_eq!(facts.levels.in_clear(), Some(Era::Earlier), "{facts:?}");
        }
        if facts.held == Held::Unanswered {
            assert!(!opens && decision.then != Then::Tls, "{facts:?}");
        }
        if facts.held == Held::Yes {
            assert!(!opens, "a held certificate is replaced: {facts:?}");
        }
    });
    assert_eq!(seen, 27 * 64 * 96);
}

#[test]
fn each_row_is_the_answer_to_some_facts() {
    let mut hit = std::collections::BTreeSet::new();
    walk(|facts| {
        hit.insert(Rules::all().decide(facts).row);
    });
    assert!(hit.into_iter().eq(1..=17));
}

#[test]
fn what_the_network_says_never_lowers_a_strict_server() {
    walk(|facts| {
        let silent = Facts {
            levels: NOT_ASKED,
            level_fell: false,
            ..*facts
        };
        let told = Rules::all().decide(facts);
        if facts.security == Security::Strict {
            assert_eq!(told, Rules::all().decide(&silent), "{facts:?}");
        }
    });
}

#[test]
fn the_level_is_asked_only_where_it_can_matter() {
    walk(|facts| {
        if facts.ask_in_clear() {
            return;
        }
        // Where nobody asks, no answer may have changed what follows.
        let decisions: Vec<_> = [None, Some(Era::Earlier), Some(Era::Enhanced)]
            .map(|announced| {
                let levels = Levels {
                    announced,
                    declared: None,
                    inside: None,
                };
                Rules::all()
                    .decide(&Facts {
                        levels,
                        level_fell: false,
                        ..*facts
                    })
                    .then
            })
            .into();
        assert!(
            decisions.windows(2).all(|pair| pair[0] == pair[1]),
            "{facts:?}"
        );
    });
}
