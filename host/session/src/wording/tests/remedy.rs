//! A remedy helps: what it says leads to another decision, not to the same refusal again.

use super::*;
use crate::decision::{Plain, Rules, SslRequired, Then};

fn strict(server: Server) -> Scene {
    let sample = Sample::new();
    sample.raise(&server);
    Scene::of(&sample, server)
}

fn without_tls() -> Told<'static> {
    Told {
        cause: Cause::NoTls,
        detail: "it hung up",
        ..Told::of(Code::Downgrade)
    }
}

fn lowers(name: &str) -> Vec<String> {
    let words = [
        "server", "lower", name, "--allow", "plain", "--reason", "why",
    ];
    words.map(str::to_owned).to_vec()
}

fn with_ssl(server: Server) -> Server {
    Server {
        ssl: true,
        ..server
    }
}

#[test]
fn a_level_below_the_declared_one_is_mended_where_it_is_declared() {
    let mut scene = Scene::new(declared(ENHANCED));
    scene.situation.announced(EARLIER);
    let decision = Rules::all().decide(&scene.situation.facts);
    assert_eq!((decision.row, decision.code), (5, Code::Downgrade));
    let words = scene.words(Told::of(decision.code));
    assert!(words.message.contains("8.1.2.0"), "{}", words.message);
    let remedy = words.remedy.expect("a remedy");
    assert_eq!(remedy.command, [""; 0], "no leave changes it");
    assert!(
        remedy.note.contains("change level in [server.TSM1]"),
        "{}",
        remedy.note
    );
}

#[test]
fn a_strict_server_that_went_back_is_lowered_where_that_opens_a_plain_session() {
    let scene = strict(server("TSM1"));
    let words = scene.words(without_tls());
    assert!(words.message.contains("it hung up"), "{}", words.message);
    assert_eq!(words.remedy.expect("a remedy").command, lowers("TSM1"));
}

#[test]
fn no_leave_is_proposed_where_it_would_open_nothing() {
    let never = Policy {
        plain: Plain::Never,
        ..Policy::default()
    };
    let barred = [
        with_ssl(server("TSM1")),
        declared(ENHANCED),
        Server {
            policy: never,
            ..server("TSM1")
        },
        Server {
            ssl_required: SslRequired::Yes,
            ..server("TSM1")
        },
        Server {
            policy: Policy {
                ldap: Some(true),
                ..Policy::default()
            },
            ..server("TSM1")
        },
    ];
    for server in barred {
        let remedy = strict(server.clone()).remedy(without_tls());
        assert_eq!(remedy.command, [""; 0], "{server:?}");
        assert!(
            remedy.note.contains("TCPServeraddress and TCPPort"),
            "{}",
            remedy.note
        );
        assert!(remedy.note.contains("who answers there"), "{}", remedy.note);
    }
}

#[test]
fn a_proposed_leave_leads_to_a_plain_session() {
    let sample = Sample::new();
    let server = server("TSM1");
    sample.raise(&server);
    let before = Scene::of(&sample, server.clone());
    assert_eq!(before.remedy(without_tls()).command, lowers("TSM1"));
    sample.lower(&server, Allow::Plain);
    let mut after = Scene::of(&sample, server);
    after.situation.announced(EARLIER);
    assert_eq!(
        Rules::all().decide(&after.situation.facts).then,
        Then::Plain
    );
}

#[test]
fn a_held_level_is_let_go_in_the_policy() {
    let scene = strict(server("TSM1"));
    let remedy = scene.remedy(Told {
        cause: Cause::LevelFloor,
        detail: "level 8.1.2.0, and 8.1.9.0 was recorded before",
        ..Told::of(Code::LevelFell)
    });
    assert_eq!(remedy.command, [""; 0]);
    assert!(
        remedy.note.contains("level_floor = \"warn\""),
        "{}",
        remedy.note
    );
}

#[test]
fn a_claim_that_fell_is_lowered_only_where_a_plain_session_follows() {
    let fell = Told::of(Code::LevelFell);
    let mut scene = Scene::new(server("TSM1"));
    scene.situation.announced(EARLIER);
    scene.situation.facts.level_fell = true;
    assert_eq!(scene.remedy(fell).command, lowers("TSM1"));
    let mut scene = Scene::new(with_ssl(server("TSM1")));
    scene.situation.announced(EARLIER);
    scene.situation.facts.level_fell = true;
    assert_eq!(
        scene.remedy(fell).command,
        ["import", "--server", "TSM1", "cert256.arm"]
    );
    scene.situation.facts.held = Held::Yes;
    scene.situation.facts.levels.announced = None;
    scene.situation.facts.level_fell = false;
    assert!(
        !scene.situation.facts.ask_in_clear(),
        "once it is imported nobody asks"
    );
}

#[test]
fn a_moved_replication_server_is_pinned() {
    let scene = Scene::new(replicated());
    let remedy = scene.remedy(Told {
        cause: Cause::Moved,
        presented: &[SHOWN],
        ..Told::of(Code::Verdict(kernel::Code::NameMismatch))
    });
    assert_eq!(
        remedy.command,
        [
            "import",
            "--server",
            "TSM1@repl",
            "--as",
            "pin",
            "cert256.arm"
        ]
    );
    assert!(remedy.note.contains(&SHOWN.to_string()), "{}", remedy.note);
}

#[test]
fn the_address_of_a_server_is_named_where_it_is_set() {
    let addressed = Server {
        policy: Policy {
            address: Some(("192.0.2.1".to_owned(), 1500)),
            ..Policy::default()
        },
        ..server("TSM1")
    };
    for (server, setting, absent) in [
        (server("TSM1"), "TCPServeraddress and TCPPort", "REPL"),
        (
            replicated(),
            "REPLTCPSERVERADDRESS and REPLTCPPort",
            " TCPS",
        ),
        (with_ssl(replicated()), "REPLSSLPORT", "REPLTCPPort"),
        (addressed, "address in [server.TSM1]", "TCPS"),
    ] {
        let scene = Scene::new(server);
        for code in [Code::ServerUnreachable, Code::TlsFailed] {
            let note = scene.remedy(Told::of(code)).note;
            assert!(note.contains(setting), "{note}");
            assert!(!note.contains(absent), "{note}");
        }
    }
}

#[test]
fn a_replication_server_without_address_says_so() {
    let scene = Scene::new(Server {
        host: String::new(),
        ..replicated()
    });
    let words = scene.words(Told::of(Code::ServerUnreachable));
    assert!(words.message.contains("is not known"), "{}", words.message);
    let note = words.remedy.expect("a remedy").note;
    assert!(note.contains("REPLTCPSERVERADDRESS"), "{note}");
}

#[test]
fn a_level_need_not_be_declared_where_ssl_is_yes() {
    let note = |server| Scene::new(server).remedy(Told::of(Code::LevelUnknown)).note;
    assert!(note(server("TSM1")).contains("declare the level"));
    let with_ssl = note(with_ssl(server("TSM1")));
    assert!(!with_ssl.contains("declare"), "{with_ssl}");
    assert!(with_ssl.contains("port with TLS"), "{with_ssl}");
}

#[test]
fn a_leave_for_an_acceptance_is_no_policy_against_plain_sessions() {
    let sample = Sample::new();
    let server = server("TSM1");
    sample.raise(&server);
    sample.lower(&server, Allow::Accept);
    let mut scene = Scene::of(&sample, server);
    scene.situation.announced(EARLIER);
    let decision = Rules::all().decide(&scene.situation.facts);
    assert_eq!(decision.code, Code::PlainForbidden);
    assert_eq!(scene.situation.facts.security, Security::Transitional);
    let words = scene.words(Told::of(decision.code));
    assert!(!words.message.contains("never"), "{}", words.message);
    assert_eq!(words.remedy.expect("a remedy").command, lowers("TSM1"));
}

#[test]
fn a_mismatch_names_the_fingerprint_that_was_presented() {
    let scene = Scene::new(server("TSM1"));
    let remedy = scene.remedy(Told {
        advice: Some("Ask."),
        presented: &[SHOWN],
        ..Told::of(Code::Verdict(kernel::Code::CertificateMismatch))
    });
    assert_eq!(
        remedy.command,
        ["import", "--server", "TSM1", "cert256.arm"]
    );
    assert!(remedy.note.contains(&SHOWN.to_string()), "{}", remedy.note);
}

#[test]
fn a_held_certificate_that_does_not_vouch_is_not_imported_as_if_it_were_missing() {
    let mut scene = Scene::new(server("TSM1"));
    scene.situation.held = kernel::Held::Yes([SHOWN].into_iter().collect());
    let remedy = scene.remedy(Told {
        advice: Some("Mark it as trusted in that store."),
        presented: &[SHOWN],
        ..Told::of(Code::Verdict(kernel::Code::CertificateMismatch))
    });
    assert_eq!(remedy.note, "Mark it as trusted in that store.");
}

#[test]
fn another_certificate_than_the_expected_one_is_settled_in_the_policy() {
    let policy = Policy {
        expect: Some(Fingerprint([0x11; 32])),
        ..Policy::default()
    };
    let scene = Scene::new(Server {
        policy,
        ..server("TSM1")
    });
    let told = |presented| Told {
        presented,
        ..Told::of(Code::AcceptanceNeedsValid)
    };
    let remedy = scene.remedy(told(&[SHOWN]));
    assert!(
        remedy.command.is_empty() && remedy.note.contains("expect"),
        "{remedy:?}"
    );
    let remedy = scene.remedy(told(&[Fingerprint([0x11; 32])]));
    assert_eq!(remedy.command.first().map(String::as_str), Some("import"));
}
