//! Private keys: their schemes, and signatures that somebody else verifies.

use anchorhold_abi as abi;
use anchorhold_boundary::item::{Item, ItemId, Kind};

use crate::bench::Bench;
use crate::case::read::{items, or_leave};
use crate::case::{Case, Finding, Outcome, anywhere, bare, ensure};
use crate::running::Terms;
use crate::signature::{self, Doubt};
use crate::sink::shown;
use crate::status;
use crate::store::Anywhere;

pub(super) const CASES: &[Case] = &[
    bare(
        "sign.schemes",
        "every key has schemes, and how many there are is said also where there is no room",
        schemes,
    )
    .after("read.list"),
    anywhere(
        "sign.verifies",
        "a signature of every scheme of every key verifies, as TLS carries it",
        verifies,
    )
    .after("read.list"),
    anywhere(
        "sign.messages",
        "messages of every length are signed",
        messages,
    )
    .after("sign.verifies"),
    anywhere(
        "sign.unknown-scheme",
        "a scheme that a key does not have is refused",
        unknown_scheme,
    )
    .after("read.list"),
    anywhere(
        "sign.unknown-key",
        "a key that is not held is AH_NOT_FOUND",
        unknown_key,
    )
    .after("load.open"),
];

/// The keys of a store, or what the case comes to.
fn keys(store: &dyn Anywhere, bench: &Bench) -> Result<Vec<Item>, Outcome> {
    can_sign(store)?;
    let mut keys = items(store, bench)?;
    keys.retain(|item| item.kind == Kind::PrivateKey);
    if keys.is_empty() {
        let why = "the store holds no private key";
        return Err(Ok(Finding::Skipped(why.to_owned())));
    }
    if keys.iter().any(|key| key.asks_each_use) && !bench.has_secrets() {
        let why = "its keys ask each time they are used: name their secret with --secret KEY=FILE";
        return Err(Ok(Finding::Skipped(why.to_owned())));
    }
    Ok(keys)
}

fn can_sign(store: &dyn Anywhere) -> Result<(), Outcome> {
    if store.abilities().sign {
        return Ok(());
    }
    Err(Ok(Finding::Skipped("it does not sign".to_owned())))
}

fn schemes(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    for key in or_leave!(keys(&store, bench)) {
        let name = shown(&key.id.0);
        let (all, count, done) = store.schemes(&key.id.0, 64, &Terms::default());
        done.map_err(|refusal| refusal.to_string())?;
        ensure((1..=64).contains(&count), || {
            format!("the key {name} has {count} schemes")
        })?;
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        ensure(once.len() == all.len(), || {
            format!("the key {name} has a scheme twice")
        })?;
        for room in [0, count - 1] {
            let (_, said, done) = store.schemes(&key.id.0, room, &Terms::default());
            let answered = done.map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
            ensure(
                answered == abi::AH_BUFFER_TOO_SMALL && said == count,
                || {
                    format!(
                        "with room for {room} of {count} schemes, the answer was {} and {said}",
                        status::name(answered)
                    )
                },
            )?;
        }
    }
    Ok(Finding::Passed)
}

fn verifies(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    let mut unknown = Vec::new();
    for key in or_leave!(keys(&*store, bench)) {
        let schemes = store
            .schemes_of_key(&key.id)
            .map_err(|why| why.to_string())?;
        for scheme in schemes {
            match signed(&*store, &key, scheme, b"Conformance of what is signed.")? {
                Ok(()) => {}
                Err(Doubt::Unknown) => unknown.push(format!("{scheme:#06x}")),
                Err(Doubt::Wrong(why)) => {
                    let name = shown(&key.id.0);
                    return Err(format!("key {name}, scheme {scheme:#06x}: {why}"));
                }
            }
        }
    }
    if !unknown.is_empty() {
        return Ok(Finding::Warning(format!(
            "nobody here can verify the schemes {}",
            unknown.join(", ")
        )));
    }
    Ok(Finding::Passed)
}

fn signed(
    store: &dyn Anywhere,
    key: &Item,
    scheme: u16,
    message: &[u8],
) -> Result<Result<(), Doubt>, String> {
    let signature = store.sign_with(key, scheme, message);
    let signature = signature.map_err(|why| why.to_string())?;
    Ok(signature::verify(scheme, &key.der, message, &signature))
}

fn messages(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    for key in or_leave!(keys(&*store, bench)) {
        let schemes = store
            .schemes_of_key(&key.id)
            .map_err(|why| why.to_string())?;
        let Some(scheme) = schemes.first() else {
            continue;
        };
        for length in [0, 1, 31, 32, 33, 130, 4096, 70_000] {
            let message = vec![0x6d; length];
            if let Err(Doubt::Wrong(why)) = signed(&*store, &key, *scheme, &message)? {
                return Err(format!("a message of {length} bytes: {why}"));
            }
        }
    }
    Ok(Finding::Passed)
}

fn unknown_scheme(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    for key in or_leave!(keys(&*store, bench)) {
        let has = store
            .schemes_of_key(&key.id)
            .map_err(|why| why.to_string())?;
        let known = [0x0401, 0x0403, 0x0503, 0x0804, 0x0807];
        for scheme in [0x0000, 0xfefe].into_iter().chain(known) {
            if has.contains(&scheme) {
                continue;
            }
            let answered = store.sign_with(&key, scheme, b"message");
            ensure(answered.is_err(), || {
                format!("it signed by the scheme {scheme:#06x}, which the key does not have")
            })?;
        }
    }
    Ok(Finding::Passed)
}

fn unknown_key(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    or_leave!(can_sign(&*store));
    let mut key = Item::certificate(Vec::new(), String::new());
    key.id = ItemId(b"conform-no-such-key".to_vec());
    let schemes = store.schemes_of_key(&key.id).map(drop);
    let signed = store.sign_with(&key, 0x0403, b"message").map(drop);
    for answer in [schemes, signed] {
        let answered = answer.map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
        // A store that is locked need not tell which keys it has.
        let fits = matches!(answered, abi::AH_NOT_FOUND | abi::AH_LOCKED);
        ensure(fits, || {
            format!(
                "a key that is not held answered {}, and must answer AH_NOT_FOUND",
                status::name(answered)
            )
        })?;
    }
    Ok(Finding::Passed)
}
