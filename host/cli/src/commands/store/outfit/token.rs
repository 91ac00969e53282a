//! What a store on a token is given: what its module is known to need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anchorhold_api as api;
use anchorhold_boundary::admit::{self, Refusal};
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::Value;
use anchorhold_pkcs11::profile::{self, Profile};

use super::Outfit;
use crate::exit::{Exit, Failure};

/// Adds what the profile of the module says, and refuses what is no module for a store.
pub(super) fn add(outfit: &mut Outfit, settings: &BTreeMap<String, Value>) -> Result<(), Failure> {
    let Some(Value::String(module)) = settings.get("module") else {
        // The manifest says that it is missing.
        return Ok(());
    };
    let module = Path::new(module);
    let profile = profile::find(module);
    if let Some(profile) = &profile {
        check_usable(profile, module)?;
    }
    admit::check_library(module).map_err(|refusal| unusable(&refusal))?;
    let Some(profile) = profile else {
        outfit.notes.push(UNKNOWN.to_owned());
        return Ok(());
    };
    check_wants(&profile, settings)?;
    let mine = outfit.env.clone();
    let needs = profile.resolve(&|name| {
        let given = mine.get(name).map(|(value, _)| value.clone());
        given.or_else(|| of_environment(name))
    });
    for (name, value, why) in &needs.env {
        outfit.variable(name, value, why);
    }
    for (grant, why) in &needs.grants {
        let grant = Grant::parse(grant).map_err(|error| {
            let remedy =
                "give whole paths with --env, and see what the module's configuration says";
            Failure::usage("grant-invalid", error.to_string()).remedy(remedy)
        })?;
        outfit.grant(grant, why);
    }
    outfit.notes.extend(needs.notes);
    let wanted = profile.settings.iter();
    outfit.settings = wanted
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect();
    outfit.profile = Some(api::Profile {
        name: profile.name,
        tested: profile.tested,
    });
    Ok(())
}

/// A variable of whoever makes the store, which is looked up now and written down.
fn of_environment(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    let path = std::path::absolute(&value).ok()?;
    path.into_os_string().into_string().ok()
}

/// Some modules are none that a store should have.
fn check_usable(profile: &Profile, module: &Path) -> Result<(), Failure> {
    let Some(why) = &profile.refused else {
        return Ok(());
    };
    let message = format!("{} is {}: {why}", module.display(), profile.title);
    let here = modules_here(&MODULE_DIRECTORIES.map(PathBuf::from));
    let remedy = match here.as_slice() {
        [] => "`p11-kit list-modules` says which there are".to_owned(),
        some => format!("on this machine it loads {}", some.join(", ")),
    };
    Err(Failure::usage("module-refused", message).remedy(remedy))
}

/// A module that cannot be told from a file that is none, or is not there.
fn unusable(refusal: &Refusal) -> Failure {
    let failure = Failure::from_error(Exit::Usage, refusal.code(), refusal);
    let name = match refusal {
        Refusal::NotFound { .. } | Refusal::NotAFile { .. } => "name a module that is there",
        Refusal::WrongFormat { .. } => {
            "name the library that comes with the token, as it is made for this machine"
        }
        _ => return failure.remedy(refusal.remedy()),
    };
    let here = modules_here(&MODULE_DIRECTORIES.map(PathBuf::from));
    match here.as_slice() {
        [] => failure.remedy(name),
        some => failure.remedy(format!("{name}; this machine has {}", some.join(", "))),
    }
}

/// What a module cannot do without, and what nobody but the operator knows.
fn check_wants(profile: &Profile, settings: &BTreeMap<String, Value>) -> Result<(), Failure> {
    let mut wants = profile.wants.iter();
    match wants.find(|(key, _)| !settings.contains_key(*key)) {
        None => Ok(()),
        Some((key, what)) => {
            let message = format!("{} needs the setting {key}: {what}", profile.title);
            Err(Failure::usage("setting-invalid", message)
                .remedy(format!("give it with --set {key}=VALUE")))
        }
    }
}

/// The modules that are configured on this machine for p11-kit, but for those that stand for
/// others.
fn modules_here(directories: &[PathBuf]) -> Vec<String> {
    let entries = directories
        .iter()
        .filter_map(|directory| directory.read_dir().ok())
        .flatten()
        .flatten();
    let mut found: Vec<String> = entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "module"))
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .filter_map(|text| module_of(&text))
        .filter_map(|module| located(&module))
        .filter(|path| profile::find(path).is_none_or(|known| known.refused.is_none()))
        .map(|path| path.display().to_string())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn module_of(text: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(key, _)| key.trim() == "module")?;
    Some(value.trim().to_owned())
}

/// Where a module is; a name without a path is looked for where p11-kit has its own.
fn located(module: &str) -> Option<PathBuf> {
    let arch = std::env::consts::ARCH;
    let places = [
        PathBuf::new(),
        PathBuf::from(format!("/usr/lib/{arch}-linux-gnu/pkcs11")),
        PathBuf::from(format!("/usr/lib/{arch}-linux-gnu")),
        PathBuf::from("/usr/lib64/pkcs11"),
        PathBuf::from("/usr/lib/pkcs11"),
    ];
    let paths = places.into_iter().map(|place| place.join(module));
    let mut paths = paths.filter(|path| path.is_absolute());
    paths.find(|path| path.is_file())
}

/// Where p11-kit has it written down which modules there are.
const MODULE_DIRECTORIES: [&str; 2] = ["/usr/share/p11-kit/modules", "/etc/pkcs11/modules"];

const UNKNOWN: &str = "nothing is known of this module: what its maker's manual says that it reads, \
                       writes and connects to has to be granted with --grant, and what it finds in \
                       its environment with --env; what is not granted is not there for it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_where_they_are_written_down() {
        let directory = tempfile::tempdir().expect("a directory");
        let module = directory.path().join("libx.so");
        std::fs::write(&module, "").expect("written");
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).expect("written");
        };
        write(
            "x.module",
            &format!("# a comment\nmodule: {}\n", module.display()),
        );
        write("gone.module", "module: /nonexistent/lib.so\n");
        write("none.module", "priority: 1\n");
        write("x.txt", "module: /bin/true\n");
        let proxy = directory.path().join("p11-kit-proxy.so");
        std::fs::write(&proxy, "").expect("written");
        write("proxy.module", &format!("module: {}\n", proxy.display()));
        let found = modules_here(&[directory.path().to_owned(), "/nonexistent".into()]);
        assert_eq!(found, [module.display().to_string()]);
    }
}
