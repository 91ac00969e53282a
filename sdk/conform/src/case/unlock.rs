//! Locks and questions: who is asked, how often, and what becomes of the answer.

use anchorhold_abi as abi;

use crate::bench::Bench;
use crate::case::read::or_leave;
use crate::case::{Case, Finding, Outcome, bare, ensure};
use crate::host::{Answers, WRONG};
use crate::running::Terms;
use crate::status;
use crate::store::{Refusal, Store};

pub(super) const CASES: &[Case] = &[
    bare(
        "unlock.quietly",
        "unlock asks nobody where questions are not answered",
        quietly,
    )
    .after("load.open"),
    bare(
        "unlock.nobody",
        "unlock fails in good order where the host has no table for questions",
        nobody,
    )
    .after("load.open"),
    bare(
        "unlock.refused",
        "a question that is refused is an error",
        refused,
    )
    .after("load.open"),
    bare(
        "unlock.right-secret",
        "the secret unlocks the store, and is asked for once",
        right,
    )
    .after("load.open"),
    bare(
        "unlock.again",
        "a store that was locked again is unlocked again",
        again,
    )
    .after("unlock.right-secret"),
    bare(
        "unlock.wrong-secret",
        "a wrong secret is AH_WRONG_SECRET, after one question",
        wrong,
    )
    .after("load.open"),
];

fn asking() -> Terms {
    Terms {
        may_prompt: true,
        ..Terms::default()
    }
}

/// A store with somebody who answers like this, or what the case comes to.
fn open(bench: &Bench, answers: Answers) -> Result<Store, Outcome> {
    let mut setup = bench.setup();
    setup.offer = bench.offer(answers);
    let store = bench
        .open_with(&setup)
        .map_err(|why| Err(why.to_string()))?;
    if store.plugin().unlock.is_none() {
        return Err(Ok(Finding::Skipped("it has no lock".to_owned())));
    }
    Ok(store)
}

fn is_locked(store: &Store) -> bool {
    let health = store.health(&Terms::default());
    health.is_ok_and(|health| health.state == abi::AH_HEALTH_LOCKED)
}

fn quietly(bench: &Bench) -> Outcome {
    let store = or_leave!(open(bench, Answers::Wrong));
    let (_, done) = store.unlock(&Terms::default());
    // Whoever asks is noted by the host.
    if done.is_ok() && is_locked(&store) {
        return Err("unlock answered AH_OK, and the store is locked".to_owned());
    }
    Ok(Finding::Passed)
}

fn nobody(bench: &Bench) -> Outcome {
    let store = or_leave!(open(bench, Answers::Nobody));
    let was_locked = is_locked(&store);
    let (_, done) = store.unlock(&asking());
    if done.is_ok() && was_locked && is_locked(&store) {
        return Err("unlock answered AH_OK, and the store is locked".to_owned());
    }
    Ok(Finding::Passed)
}

fn refused(bench: &Bench) -> Outcome {
    let store = or_leave!(open(bench, Answers::Refused));
    let (asked, done) = store.unlock(&asking());
    if asked == 0 {
        return Ok(Finding::Skipped("it asked nothing".to_owned()));
    }
    match done {
        Ok(()) => Err("unlock answered AH_OK, and its question was refused".to_owned()),
        Err(refusal) if refusal.status == abi::AH_PROMPT_REFUSED => Ok(Finding::Passed),
        Err(refusal) => Ok(Finding::Warning(format!(
            "{refusal}, where AH_PROMPT_REFUSED says what happened"
        ))),
    }
}

fn right(bench: &Bench) -> Outcome {
    let store = or_leave!(open(bench, bench.stored()));
    if !bench.has_secrets() {
        return Ok(Finding::Skipped(
            "the secret is not known: name its file with --secret KEY=FILE".to_owned(),
        ));
    }
    let (_, done) = store.unlock(&asking());
    spilled(&store, done.as_ref().err(), bench)?;
    done.map_err(|refusal| refusal.to_string())?;
    ensure(!is_locked(&store), || {
        "unlock answered AH_OK, and health says that the store is locked".to_owned()
    })?;
    Ok(Finding::Passed)
}

fn again(bench: &Bench) -> Outcome {
    let store = or_leave!(open(bench, bench.stored()));
    for _ in 0..2 {
        let (_, done) = store.unlock(&asking());
        done.map_err(|refusal| refusal.to_string())?;
        store
            .lock(&Terms::default())
            .map_err(|refusal| refusal.to_string())?;
    }
    Ok(Finding::Passed)
}

fn wrong(bench: &Bench) -> Outcome {
    let store = or_leave!(open(bench, Answers::Wrong));
    if !bench.job().may_write {
        return Ok(Finding::Skipped(
            "the store is not said to be scratch, and may lock itself: give --scratch".to_owned(),
        ));
    }
    let (asked, done) = store.unlock(&asking());
    // What was kept of the answer is not there any more.
    let _locked = is_locked(&store);
    spilled(&store, done.as_ref().err(), bench)?;
    if asked == 0 {
        return Ok(Finding::Skipped("it asked nothing".to_owned()));
    }
    let answered = done.map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
    ensure(
        matches!(answered, abi::AH_WRONG_SECRET | abi::AH_LOCKED_OUT),
        || {
            format!(
                "a wrong secret answered {}, and must answer AH_WRONG_SECRET",
                status::name(answered)
            )
        },
    )?;
    Ok(Finding::Passed)
}

/// Fails where a secret stands in the log or in an error.
fn spilled(store: &Store, refusal: Option<&Refusal>, bench: &Bench) -> Result<(), String> {
    let mut secrets = vec![WRONG.to_vec()];
    if let Answers::Stored(stored) = bench.stored() {
        secrets.extend(stored.values().map(|secret| secret.to_vec()));
    }
    let mut texts = store.host().lines();
    texts.extend(refusal.map(|refusal| refusal.message.clone()));
    let holds = |text: &String| {
        let holds = |secret: &Vec<u8>| {
            // A short one stands in a text by accident.
            secret.len() >= 4
                && text
                    .as_bytes()
                    .windows(secret.len())
                    .any(|part| part == secret)
        };
        secrets.iter().any(holds)
    };
    ensure(!texts.iter().any(holds), || {
        "a secret stands in its log or in an error".to_owned()
    })
}
