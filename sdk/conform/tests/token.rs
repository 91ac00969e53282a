//! A store with a lock and keys that really sign: the kit has nothing to say of it, and tells each
//! thing that it is made to do wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anchorhold_boundary::link::Program;
use anchorhold_conform::{Again, Arguments, CaseReport, Report, Verdict};
use anchorhold_sdk::{
    By, Call, Config, Error, ErrorKind, Find, Health, HealthState, Host, Item, Items, Kind, Page,
    Query, Question, Scheme, Sign, TrustStore, Unlock,
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

/// What opens the lock.
const PIN: &[u8] = b"4711-token";

/// The heads of the SubjectPublicKeyInfo of the keys.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const CURVE25519: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The keys, the same in every store of this process.
struct Keys {
    p256: EcdsaKeyPair,
    curve25519: Ed25519KeyPair,
    infos: [Vec<u8>; 2],
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let p256 = EcdsaKeyPair::generate(algorithm).unwrap();
        let curve25519 = Ed25519KeyPair::generate().unwrap();
        let infos = [
            [P256, p256.public_key().as_ref()].concat(),
            [CURVE25519, curve25519.public_key().as_ref()].concat(),
        ];
        Keys {
            p256,
            curve25519,
            infos,
        }
    })
}

/// What a token does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    OpensForAnything,
    SaysAnotherScheme,
    SignsAnotherMessage,
}

impl Wrong {
    fn parse(text: &str) -> Self {
        match text {
            "opens-for-anything" => Self::OpensForAnything,
            "says-another-scheme" => Self::SaysAnotherScheme,
            "signs-another-message" => Self::SignsAnotherMessage,
            _ => Self::Nothing,
        }
    }
}

struct Token {
    wrong: Wrong,
    open: AtomicBool,
}

impl Token {
    fn check_open(&self) -> Result<(), Error> {
        if self.open.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::locked("the token is locked"))
    }

    fn push(index: usize, items: &mut Items<'_>) -> Result<(), Error> {
        let id = [u8::try_from(index).unwrap()];
        let mut item = Item::certificate(&id, &keys().infos[index]);
        item.kind = Kind::PrivateKey;
        item.label = "A key";
        item.read_only = true;
        items.push(&item)
    }

    fn key(&self, key: &[u8]) -> Result<usize, Error> {
        match key {
            [index @ (0 | 1)] => Ok(usize::from(*index)),
            _ => Err(Error::new(ErrorKind::NotFound, "there is no such key")),
        }
    }
}

impl TrustStore for Token {
    fn open(_: Host, config: &Config<'_>) -> Result<Self, Error> {
        Ok(Self {
            wrong: Wrong::parse(config.text("wrong").unwrap_or_default()),
            open: AtomicBool::new(false),
        })
    }

    fn health(&self) -> Health {
        let open = self.open.load(Ordering::Relaxed);
        let state = if open {
            HealthState::Ready
        } else {
            HealthState::Locked
        };
        Health::new(state).generation(1).item_count(2)
    }

    fn list(&self, _: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        self.check_open()?;
        for index in page.range(1, 2)? {
            Self::push(index, items)?;
        }
        Ok(())
    }
}

impl Find for Token {
    fn find(&self, _: &Call<'_>, query: &Query<'_>, items: &mut Items<'_>) -> Result<(), Error> {
        self.check_open()?;
        match query.by() {
            By::Id(id) => match self.key(id) {
                Ok(index) if query.wants(Kind::PrivateKey) => Self::push(index, items),
                _ => Ok(()),
            },
            _ => Err(Error::unsupported("keys are found by their ids")),
        }
    }
}

impl Unlock for Token {
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error> {
        if !call.may_prompt() {
            return Err(Error::locked("nobody can be asked for the PIN"));
        }
        let question = Question::pin("PIN of the token").setting("pin");
        let is_right = call.ask(&question, |pin| Ok(pin == PIN))?;
        if is_right || self.wrong == Wrong::OpensForAnything {
            self.open.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(Error::new(ErrorKind::WrongSecret, "this is not the PIN"))
    }

    fn lock(&self, _: &Call<'_>) -> Result<(), Error> {
        self.open.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Sign for Token {
    fn schemes(&self, _: &Call<'_>, key: &[u8]) -> Result<Vec<Scheme>, Error> {
        let own = match self.key(key)? {
            0 => Scheme::ECDSA_SECP256R1_SHA256,
            _ => Scheme::ED25519,
        };
        if self.wrong == Wrong::SaysAnotherScheme {
            return Ok(vec![Scheme::ECDSA_SECP384R1_SHA384]);
        }
        Ok(vec![own])
    }

    fn sign(
        &self,
        _: &Call<'_>,
        key: &[u8],
        scheme: Scheme,
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let index = self.key(key)?;
        self.check_open()?;
        let message = match self.wrong {
            Wrong::SignsAnotherMessage => &[message, b"."].concat(),
            _ => message,
        };
        let strict = self.wrong != Wrong::SaysAnotherScheme;
        match (index, scheme) {
            (0, scheme) if scheme == Scheme::ECDSA_SECP256R1_SHA256 || !strict => {
                let signature = keys().p256.sign(&SystemRandom::new(), message);
                Ok(signature.unwrap().as_ref().to_vec())
            }
            (1, scheme) if scheme == Scheme::ED25519 || !strict => {
                Ok(keys().curve25519.sign(message).as_ref().to_vec())
            }
            _ => Err(Error::unsupported("the key has another scheme")),
        }
    }
}

anchorhold_sdk::plugin! {
    static PLUGIN:
    store: Token,
    id: "org.example.token",
    name: "Token",
    version: "1.0.0",
    manifest: "id = 'org.example.token'\nabi = 1\nneeds = ['read', 'sign', 'prompt']\n\
               [settings]\npin = { type = 'secret', required = true }\n\
               wrong = { type = 'string' }",
    also: [Find, Unlock, Sign],
}

anchorhold_sdk::builtin!(PLUGIN);

/// Holds the token against its contract; a test binary plays no child, so it is done here.
fn check(directory: &Path, wrong: &str) -> Report {
    let pin = directory.join("pin");
    std::fs::write(&pin, PIN).unwrap();
    std::fs::set_permissions(&pin, PermissionsExt::from_mode(0o600)).unwrap();
    let mut arguments = Arguments::default();
    arguments.target = Some("org.example.token".into());
    arguments.settings = vec![format!("wrong={wrong}")];
    arguments.secrets = vec![format!("pin={}", pin.display())];
    arguments.scratch = true;
    arguments.in_process = true;
    arguments.limit = 500;
    arguments.timeout = 45;
    let again = Again {
        program: Program {
            path: "/proc/self/exe".into(),
            arguments: Vec::new(),
        },
        case: String::new(),
        runner: Vec::new(),
    };
    anchorhold_conform::check(&arguments, &again, &mut |_| {}).unwrap()
}

fn broken(report: &Report) -> Vec<&CaseReport> {
    let cases = report.cases.iter();
    cases.filter(|case| case.verdict.is_broken()).collect()
}

/// In one test, as what is noted of a plugin is noted for the whole process.
#[test]
fn locks_and_signatures_are_held_against_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let report = check(directory.path(), "nothing");
    assert!(broken(&report).is_empty(), "{:#?}", broken(&report));
    for id in [
        "read.list",
        "read.find-nothing",
        "unlock.quietly",
        "unlock.refused",
        "unlock.right-secret",
        "unlock.again",
        "unlock.wrong-secret",
        "sign.schemes",
        "sign.verifies",
        "sign.messages",
        "sign.unknown-scheme",
        "sign.unknown-key",
        "fuzz.calls",
    ] {
        let case = report.cases.iter().find(|case| case.id == id).unwrap();
        assert_eq!(case.verdict, Verdict::Passed, "{case:#?}");
    }
    for (wrong, id, said) in [
        (
            "opens-for-anything",
            "unlock.wrong-secret",
            "a wrong secret answered AH_OK",
        ),
        (
            "says-another-scheme",
            "sign.verifies",
            "the signature does not verify",
        ),
        (
            "signs-another-message",
            "sign.verifies",
            "the signature does not verify",
        ),
    ] {
        let report = check(directory.path(), wrong);
        let told = broken(&report);
        let named = |case: &&&CaseReport| case.id == id && case.message.contains(said);
        assert!(told.iter().any(|case| named(&case)), "{wrong}: {told:#?}");
    }
}
