//! `store`: the stores, their health, their locks, and a file store's password.

mod adopt;
mod copy;
mod create;
mod draft;
mod like;
mod lock;
mod look;
mod outfit;
mod search;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anchorhold_api as api;
use anchorhold_formats::sth;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_kernel::health::StoreHealth;
use anchorhold_kernel::{Kernel, Store as KernelStore};
use anchorhold_state::{Event, Intent};
use zeroize::Zeroizing;

use super::holding::{Holding, check_stores, unknown_store};
use super::{damage, missing, undertaking};
use crate::args::{Store, StorePassword};
use crate::builtin;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::input;
use crate::output::Reply;

/// Shows the stores, checks them, turns their locks, or writes out a password.
pub(super) fn run(args: &Store, home: &Home) -> Result<Reply, Failure> {
    match args {
        Store::List => list(home),
        Store::Check(args) => check(&args.names, home),
        Store::Copy(args) => copy::run(args, home),
        Store::Create(args) => create::run(args, home),
        Store::Unlock(args) => lock::unlock(args, home),
        Store::Lock(args) => lock::lock(args, home),
        Store::Release(args) => lock::release(args, home),
        Store::Password(args) => password(args, home),
    }
}

fn list(home: &Home) -> Result<Reply, Failure> {
    let kernel = home.kernel()?;
    // The process of a token or keychain begins with this command, and knows nothing before it has
    // looked; what comes of the look is what its health says.
    let idle = kernel.stores().iter().filter(|store| {
        let apart = [builtin::KEYCHAIN, builtin::PKCS11];
        apart.contains(&store.plugin_id()) && store.last_snapshot().is_none()
    });
    let idle: Vec<String> = idle.map(|store| store.name().to_owned()).collect();
    kernel.listings(&idle);
    let healths = kernel.healths().into_iter();
    let stores = healths.map(|(store, health)| shown(home, store, health));
    let stores = stores.collect();
    Ok(Reply::done(api::StoreList { stores }))
}

fn check(names: &[String], home: &Home) -> Result<Reply, Failure> {
    check_stores(home, names)?;
    let kernel = home.kernel()?;
    let meant = |store: &&Arc<KernelStore>| {
        names.is_empty() || names.iter().any(|name| name == store.name())
    };
    let all = kernel.stores().iter().filter(meant);
    let all: Vec<String> = all.map(|store| store.name().to_owned()).collect();
    let (mut problems, mut remedies) = (Vec::new(), Vec::new());
    for (store, listed) in kernel.listings(&all) {
        if let Err(error) = listed {
            problems.push(error.to_string());
            let remedy = damage::remedy(store, &error);
            remedies.extend(remedy.map(|text| home.invocation.localize(&text)));
        }
    }
    let failed = !problems.is_empty();
    for store in kernel.stores().iter().filter(meant) {
        if let Some(problem) = damage::not_writable(store) {
            problems.push(problem);
            remedies.extend(damage::database(store).map(|path| damage::owning(&path)));
        }
    }
    let intents = home.state()?.intents()?;
    problems.extend(stranded(&intents, kernel));
    let undertakings = undertaking::look(home.state()?, Some(kernel))?;
    for open in &undertakings {
        problems.extend(open.problem.clone());
        if open.problem.is_some() {
            remedies.push(home.invocation.localize(&open.remedy));
        }
    }
    // What a store that does not answer holds, nobody knows; and a plugin that crashes is not
    // started for that once more.
    let missing = match names.is_empty() && !failed {
        true => missing::look(home, None, &Holding::look(home, &[])?)?,
        false => Vec::new(),
    };
    problems.extend(missing.iter().map(|one| one.message.clone()));
    let remedy = missing::remedy(&missing);
    remedies.extend(remedy.map(|text| home.invocation.localize(&text)));
    let exit = match (failed, problems.is_empty()) {
        (true, _) => Exit::Failed,
        (false, false) => Exit::No,
        (false, true) => Exit::Done,
    };
    let intents = intents.into_iter().map(|intent| api::OpenIntent {
        server: intent.server.to_string(),
        sha256: intent.fingerprint.to_string(),
        store: intent.store,
        at: rfc3339(intent.at),
    });
    let answer = api::StoreCheck {
        stores: kernel
            .healths_of(&all)
            .into_iter()
            .map(|(store, health)| shown(home, store, health))
            .collect(),
        intents: intents.collect(),
        undertakings: undertakings.into_iter().map(|open| open.shown).collect(),
        passed: problems.is_empty(),
        problems,
        missing,
        remedies,
    };
    Ok(Reply::new(exit, answer))
}

/// Acceptances that were interrupted and whose store is gone from the configuration.
fn stranded(intents: &[Intent], kernel: &Kernel) -> Vec<String> {
    let stranded = intents.iter();
    let stranded = stranded.filter(|intent| kernel.store(&intent.store).is_none());
    let told = stranded.map(|intent| {
        format!(
            "an acceptance for {} was interrupted, and its store \"{}\" is not configured any \
             more, so that it can be neither completed nor undone",
            intent.server, intent.store
        )
    });
    told.collect()
}

/// A store as it is shown.
pub(super) fn shown(home: &Home, store: &KernelStore, health: StoreHealth) -> api::Store {
    // Where the ledger cannot be read, that is said elsewhere.
    let crash = home.state().ok().and_then(|state| {
        let crash = state.last_crash(store.name());
        crash.ok().flatten()
    });
    let remedy = damage::of_health(store, &health);
    api::Store {
        name: store.name().to_owned(),
        plugin: store.plugin_id().to_owned(),
        version: store.version(),
        isolation: health.isolation.to_string(),
        sandbox: health.sandbox.to_string(),
        health: health.word().to_owned(),
        code: health.code,
        sandbox_note: health.sandbox_note,
        detail: health.detail,
        generation: health.generation,
        items: health.items,
        age_seconds: health.age.map(|age| age.as_secs()),
        writable: health.writable,
        attempts_left: health.attempts_left,
        crashed_at: crash.as_ref().map(|crash| rfc3339(crash.at)),
        crash: crash.map(|crash| crash.what),
        remedy: remedy.map(|text| home.invocation.localize(&text)),
    }
}

fn password(args: &StorePassword, home: &Home) -> Result<Reply, Failure> {
    let Some(store) = home.kernel()?.store(&args.name) else {
        return Err(unknown_store(home, &args.name)?);
    };
    if input::is_standard_input(&args.output) {
        let message = "a password is never printed: -o needs the name of a file to make";
        return Err(Failure::usage("usage", message));
    }
    let Some(database) = damage::database(store) else {
        let message = format!("store \"{}\" keeps no password in a file", store.name());
        return Err(Failure::usage("no-password", message));
    };
    let stash = database.with_extension("sth");
    damage::check_stash(store, &database, &stash)?;
    let bytes = input::read(&stash, STASH_MAX)?;
    // Whoever has these bytes has the password.
    let bytes = Zeroizing::new(bytes);
    let password = sth::read(&bytes).map_err(|error| {
        let message = format!("store \"{}\": {}", store.name(), stash.display());
        Failure::failed("stash-unreadable", message).because(&error)
    })?;
    home.settle()?;
    write_out(args, home, store.name(), &password)?;
    Ok(Reply::done(api::Password {
        store: store.name().to_owned(),
        file: args.output.display().to_string(),
        database: database.display().to_string(),
    }))
}

/// The journal knows before the file holds anything; a file that cannot be finished is removed.
fn write_out(
    args: &StorePassword,
    home: &Home,
    store: &str,
    password: &[u8],
) -> Result<(), Failure> {
    let path = &args.output;
    let mut file = make(path)?;
    let written = note(home, store, path).and_then(|()| {
        file.write_all(password)
            .and_then(|()| file.sync_all())
            .map_err(|error| {
                Failure::failed(
                    "output-failed",
                    format!("{}: cannot be written", path.display()),
                )
                .because(&error)
            })
    });
    if written.is_err() {
        // What was made here and holds nothing of use is nobody's loss.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn make(path: &Path) -> Result<File, Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| {
            let message = format!("{}: cannot be made", path.display());
            Failure::usage("output-refused", message)
                .because(&error)
                .remedy("name a file that does not exist, in a directory that you can write to")
        })
}

fn note(home: &Home, store: &str, path: &Path) -> Result<(), Failure> {
    let mut change = home.state()?.write(&home.actor(), home.now())?;
    let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let detail = format!("written to {}", file.display());
    change.note(Event::new("store-password", detail).store(store));
    change.commit()?;
    Ok(())
}

const STASH_MAX: u64 = 4 << 10;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::make;

    #[test]
    fn a_password_goes_to_a_new_file_of_its_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pw");
        make(&path).expect("made");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("precious");
        std::fs::write(&path, "precious").expect("written");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        for taken in [&path, &link, &directory.path().to_owned()] {
            let failure = make(taken).expect_err("refused");
            assert_eq!((failure.exit.status(), failure.code), (2, "output-refused"));
        }
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "precious");
    }
}
