//! Every code has a message that names the server, and every refusal says a next step that helps.

mod remedy;

use super::*;
use crate::decision::{Held, Security};
use crate::level::{Era, Level};
use crate::policy::Policy;
use crate::sample::{Sample, server};
use anchorhold_kernel as kernel;
use anchorhold_state::Allow;

/// A server and what is known of it, to be changed by a test.
struct Scene {
    server: Server,
    situation: Situation,
}

impl Scene {
    fn of(sample: &Sample, server: Server) -> Self {
        let situation = Situation::look(&sample.context, &server).expect("a situation");
        Self { server, situation }
    }

    fn new(server: Server) -> Self {
        Self::of(&Sample::new(), server)
    }

    fn words(&self, told: Told<'_>) -> Words {
        of(&self.server, &self.situation, told)
    }

    fn remedy(&self, told: Told<'_>) -> Remedy {
        self.words(told).remedy.expect("a remedy")
    }
}

/// The code after this one; a new code does not compile before it stands here.
fn after(code: Option<Code>) -> Option<Code> {
    Some(match code {
        None => Code::AcceptanceBarredByLdap,
        Some(Code::AcceptanceBarredByLdap) => Code::AcceptanceNeedsSelfSigned,
        Some(Code::AcceptanceNeedsSelfSigned) => Code::AcceptanceNeedsValid,
        Some(Code::AcceptanceNeedsValid) => Code::AcceptedOnFirstUse,
        Some(Code::AcceptedOnFirstUse) => Code::BytesBeforeTls,
        Some(Code::BytesBeforeTls) => Code::CertificateLost,
        Some(Code::CertificateLost) => Code::CertificateNeeded,
        Some(Code::CertificateNeeded) => Code::ClientKeyMismatch,
        Some(Code::ClientKeyMismatch) => Code::ClientKeyMissing,
        Some(Code::ClientKeyMissing) => Code::Downgrade,
        Some(Code::Downgrade) => Code::ExistingProtocol,
        Some(Code::ExistingProtocol) => Code::FipsUnavailable,
        Some(Code::FipsUnavailable) => Code::HeldCertificate,
        Some(Code::HeldCertificate) => Code::LevelFell,
        Some(Code::LevelFell) => Code::LevelUnknown,
        Some(Code::LevelUnknown) => Code::NoRule,
        Some(Code::NoRule) => Code::NoWritableStore,
        Some(Code::NoWritableStore) => Code::PlainForbidden,
        Some(Code::PlainForbidden) => Code::ServerUnreachable,
        Some(Code::ServerUnreachable) => Code::SslRequiredButOff,
        Some(Code::SslRequiredButOff) => Code::SslRequiredByLdap,
        Some(Code::SslRequiredByLdap) => Code::StoreUnavailable,
        Some(Code::StoreUnavailable) => Code::TlsFailed,
        Some(Code::TlsFailed) => Code::TlsIncompatible,
        Some(Code::TlsIncompatible) => Code::TlsUnavailable,
        Some(Code::TlsUnavailable) => Code::TlsVersionFell,
        Some(Code::TlsVersionFell) => Code::TransportUnsupported,
        Some(Code::TransportUnsupported | Code::Verdict(_)) => return None,
    })
}

/// The kernel's codes for a chain that is refused.
const VERDICTS: [kernel::Code; 8] = [
    kernel::Code::CertificateExpired,
    kernel::Code::CertificateMismatch,
    kernel::Code::CertificateNotYetValid,
    kernel::Code::CertificateWeak,
    kernel::Code::Distrusted,
    kernel::Code::NameMismatch,
    kernel::Code::RevocationUnknown,
    kernel::Code::Revoked,
];

const CAUSES: [Cause; 6] = [
    Cause::ClientKey,
    Cause::ClientKeyWanted,
    Cause::LevelFloor,
    Cause::Moved,
    Cause::NoTls,
    Cause::Rules,
];

fn is_well(code: Code) -> bool {
    matches!(
        code,
        Code::AcceptedOnFirstUse | Code::ExistingProtocol | Code::HeldCertificate
    )
}

fn replicated() -> Server {
    Server {
        accept: false,
        replication: true,
        ..server("TSM1@repl")
    }
}

fn declared(level: Level) -> Server {
    let policy = Policy {
        level: Some(level),
        ..Policy::default()
    };
    Server {
        policy,
        ..server("TSM1")
    }
}

const EARLIER: Level = Level::new(7, 1, 0, 0);
const ENHANCED: Level = Level::new(8, 1, 2, 0);
const SHOWN: Fingerprint = Fingerprint([0xAB; 32]);

#[test]
fn every_code_names_the_server_and_every_refusal_a_next_step() {
    let codes = std::iter::successors(after(None), |code| after(Some(*code)));
    let all = codes.chain(VERDICTS.map(Code::Verdict));
    let scenes = [server("TSM1"), replicated(), declared(ENHANCED)].map(Scene::new);
    for code in all {
        for (scene, cause) in scenes
            .iter()
            .flat_map(|scene| CAUSES.map(|cause| (scene, cause)))
        {
            let told = Told {
                cause,
                detail: "detail",
                ..Told::of(code)
            };
            let words = scene.words(told);
            assert!(words.message.contains("TSM1"), "{code}: {}", words.message);
            let Some(remedy) = words.remedy else {
                assert!(is_well(code), "{code} has no remedy");
                continue;
            };
            assert!(!is_well(code), "{code} has a remedy");
            assert!(!remedy.note.is_empty(), "{code}");
        }
    }
}

#[test]
fn the_list_of_codes_goes_through_all_but_the_verdicts() {
    let codes = std::iter::successors(after(None), |code| after(Some(*code)));
    assert_eq!(codes.count(), 27);
}

#[test]
fn a_verdict_is_told_in_its_own_words_and_with_its_own_advice() {
    let scene = Scene::new(server("TSM1"));
    for code in [
        kernel::Code::CertificateExpired,
        kernel::Code::CertificateNotYetValid,
        kernel::Code::CertificateWeak,
        kernel::Code::Distrusted,
        kernel::Code::NameMismatch,
        kernel::Code::RevocationUnknown,
        kernel::Code::Revoked,
    ] {
        let words = scene.words(Told {
            detail: "What was seen.",
            advice: Some("Do this."),
            ..Told::of(code.into())
        });
        assert_eq!(words.message, "TSM1: What was seen.");
        assert_eq!(words.remedy.expect("a remedy").note, "Do this.", "{code}");
    }
}

#[test]
fn a_certificate_that_is_needed_says_why_none_is_accepted() {
    let barred = |scene: &Scene| scene.words(Told::of(Code::CertificateNeeded)).message;
    let mut scene = Scene::new(server("TSM1"));
    assert!(barred(&scene).contains("level is not known"));
    scene.situation.announced(EARLIER);
    assert!(barred(&scene).contains("earlier level"));
    let refuses = Server {
        accept: false,
        ..server("TSM1")
    };
    assert!(barred(&Scene::new(refuses)).contains("SSLACCEPTCERTFROMSERV No"));
    let other = barred(&Scene::new(replicated()));
    assert!(other.contains("replication server"), "{other}");
    assert!(!other.contains("SSLACCEPTCERTFROMSERV"), "{other}");
    let sample = Sample::new();
    let lowered = server("TSM1");
    sample.raise(&lowered);
    sample.lower(&lowered, Allow::Plain);
    let mut lowered = Scene::of(&sample, lowered);
    lowered.situation.announced(ENHANCED);
    assert!(barred(&lowered).contains("leave for a plain session"));
}

#[test]
fn a_certificate_that_is_needed_is_the_one_that_was_presented() {
    let scene = Scene::new(server("TSM1"));
    let words = scene.words(Told {
        detail: "No certificate is held that vouches for SHA-256 abab.",
        advice: Some("Get it."),
        presented: &[SHOWN],
        ..Told::of(Code::CertificateNeeded)
    });
    assert!(words.message.contains("SHA-256 abab"), "{}", words.message);
    let remedy = words.remedy.expect("a remedy");
    assert_eq!(
        remedy.command,
        ["import", "--server", "TSM1", "cert256.arm"]
    );
    assert!(remedy.note.contains(&SHOWN.to_string()), "{}", remedy.note);
}

#[test]
fn only_an_unknown_level_is_asked_to_be_declared() {
    let mut scene = Scene::new(server("TSM1"));
    let note = |scene: &Scene| scene.remedy(Told::of(Code::CertificateNeeded)).note;
    assert!(note(&scene).contains("declares"));
    scene.situation.facts.levels.announced = Some(Era::Earlier);
    assert!(!note(&scene).contains("declares"));
}

#[test]
fn a_silent_store_is_named() {
    let mut scene = Scene::new(server("TSM1"));
    scene.situation.facts.held = Held::Unanswered;
    scene.situation.held = kernel::Held::Unanswered {
        store: "hsm".to_owned(),
        why: "it timed out".to_owned(),
    };
    let words = scene.words(Told::of(Code::StoreUnavailable));
    assert!(words.message.contains("\"hsm\"") && words.message.contains("timed out"));
    let remedy = words.remedy.expect("a remedy");
    assert_eq!(remedy.command, ["store", "check", "hsm"]);
}

#[test]
fn the_table_of_a_policy_is_named_as_it_is_typed() {
    let note = |server: Server| {
        Scene::new(server)
            .remedy(Told::of(Code::TlsVersionFell))
            .note
    };
    assert!(note(server("TSM1")).contains("[server.TSM1]"));
    assert!(note(replicated()).contains("[server.\"TSM1@repl\"]"));
}

#[test]
fn a_mismatch_with_what_is_held_as_something_else_says_how_to_change_that() {
    let sample = Sample::new();
    let server = server("TSM1");
    let situation = Situation::look(&sample.context, &server).expect("a situation");
    let told = Told {
        advice: Some("import it as an anchor"),
        misfiled: Some(Fingerprint([7; 32])),
        ..Told::of(Code::Verdict(kernel::Code::CertificateMismatch))
    };
    let remedy = of(&server, &situation, told).remedy.expect("a remedy");
    assert_eq!(remedy, Remedy::advice("import it as an anchor"));
}
