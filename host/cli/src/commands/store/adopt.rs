//! `store create --adopt`: a key database that another program made becomes a store.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anchorhold_api as api;
use anchorhold_boundary::manifest::Value;

use super::draft::Draft;
use super::look::{look, version};
use super::outfit::Outfit;
use crate::args::store::StoreCreate;
use crate::builtin;
use crate::commands::damage;
use crate::config::stores;
use crate::exit::Failure;
use crate::home::Home;

/// Adopts the database that was named.
pub(super) fn run(
    path: &Path,
    args: &StoreCreate,
    home: &Home,
) -> Result<api::CreatedStore, Failure> {
    let database = Database::find(path)?;
    adopt(&database, args.name.as_deref(), args, home)
}

/// Adopts one database, or changes what may be done with one that was adopted before.
pub(super) fn adopt(
    database: &Database,
    name: Option<&str>,
    args: &StoreCreate,
    home: &Home,
) -> Result<api::CreatedStore, Failure> {
    let how = if args.write { "write" } else { "read" };
    let (draft, outcome, kind) = match database.store(home)? {
        Some(known) => {
            check_known(&known, name, database, home)?;
            let mut draft = Draft::known(&known, home)?;
            match draft.set("adopt", how) {
                true => (draft, "updated", "store-changed"),
                false => (draft, "unchanged", ""),
            }
        }
        None => {
            let name = match name {
                Some(name) => name.to_owned(),
                None => free_name(&database.stem(), home)?,
            };
            let settings = [
                ("adopt".to_owned(), Value::String(how.to_owned())),
                ("path".to_owned(), Value::String(database.text()?)),
            ];
            let draft = Draft::new(
                &name,
                builtin::KEYDB,
                &settings.into(),
                Outfit::default(),
                home,
            )?;
            (draft, "new", "store-adopted")
        }
    };
    check_version(database)?;
    let mut created = look(&draft, outcome, home)?;
    created.notes.splice(0..0, database.notes.iter().cloned());
    if !args.dry_run && outcome != "unchanged" {
        draft.write(kind, home)?;
    }
    Ok(created)
}

/// A key database that was found.
#[derive(Clone, Debug)]
pub(super) struct Database {
    /// The file itself, without any link.
    pub(super) path: PathBuf,
    /// How it was come to, where that is worth knowing.
    notes: Vec<String>,
}

impl Database {
    /// Finds the database that a path means: itself, its stash, or the directory that it is in.
    pub(super) fn find(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: &std::io::Error| {
            let message = format!("{}: cannot be read", path.display());
            Failure::usage("input-unreadable", message)
                .because(error)
                .remedy("name a key database, NAME.kdb or NAME.p12, or the directory that it is in")
        };
        let given = std::path::absolute(path).map_err(|error| unreadable(&error))?;
        let there = fs::metadata(&given).map_err(|error| unreadable(&error))?;
        let named = match there.is_dir() {
            true => only_one(&given)?,
            false => beside(&given),
        };
        if !is_database(&named) {
            let message = format!("{}: this is no key database by its name", path.display());
            return Err(Failure::usage("input-invalid", message)
                .remedy("name a file NAME.kdb or NAME.p12, with its NAME.sth beside it"));
        }
        let real = fs::canonicalize(&named).map_err(|error| unreadable(&error))?;
        if !fs::metadata(&real).is_ok_and(|there| there.is_file()) {
            let message = format!("{}: this is no file", real.display());
            return Err(Failure::usage("input-invalid", message)
                .remedy("name a key database, NAME.kdb or NAME.p12"));
        }
        let mut notes = Vec::new();
        if real != named {
            notes.push(format!(
                "{} leads to {}, which is what is used",
                named.display(),
                real.display()
            ));
        }
        if !is_database(&real) {
            let message = format!("{}: this is no key database by its name", real.display());
            return Err(Failure::usage("input-invalid", message)
                .remedy("give it the name NAME.kdb or NAME.p12, with its NAME.sth beside it"));
        }
        Ok(Self { path: real, notes })
    }

    /// The store that has this file already.
    pub(super) fn store(&self, home: &Home) -> Result<Option<String>, Failure> {
        let mine = identity(&self.path);
        let stores = home.config()?.stores.iter();
        let same = |path: &Path| path == self.path || (mine.is_some() && identity(path) == mine);
        let mut having = stores.filter(|plan| {
            let path = damage::database_of(plan);
            path.is_some_and(|path| same(&path))
        });
        Ok(having.next().map(|plan| plan.name.clone()))
    }

    fn stem(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// The path as it stands in a file.
    fn text(&self) -> Result<String, Failure> {
        self.path.to_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("{}: its path is not UTF-8", self.path.display());
            Failure::usage("input-invalid", message)
        })
    }
}

/// A name for a store that none has yet, made from a word.
pub(super) fn free_name(word: &str, home: &Home) -> Result<String, Failure> {
    let usable = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    let base: String = word.chars().filter(usable).take(NAME_MAX).collect();
    let base = base.trim_start_matches(|first: char| !first.is_ascii_alphanumeric());
    let base = if base.is_empty() { "adopted" } else { base };
    let stores = &home.config()?.stores;
    let taken = |name: &str| {
        let file = stores::file_of(&home.paths, name);
        stores.iter().any(|store| store.name == name) || file.symlink_metadata().is_ok()
    };
    let numbered = (2_u32..).map(|number| format!("{base}-{number}"));
    let mut names = std::iter::once(base.to_owned()).chain(numbered);
    Ok(names.find(|name| !taken(name)).unwrap_or_default())
}

/// A database that is a store already is changed under its own name, where this program wrote it.
fn check_known(
    known: &str,
    name: Option<&str>,
    database: &Database,
    home: &Home,
) -> Result<(), Failure> {
    let path = database.path.display();
    if let Some(name) = name.filter(|name| *name != known) {
        let message = format!("{path} is the store \"{known}\" already, and not \"{name}\"");
        return Err(Failure::usage("store-known", message).remedy(format!(
            "say the same with --name {known}, or without --name"
        )));
    }
    let own = stores::file_of(&home.paths, known);
    let config = home.config()?;
    let placed = config.placed.get(known);
    if placed == Some(&own) {
        return Ok(());
    }
    let place = placed.cloned().unwrap_or_else(|| home.paths.file());
    let message = format!(
        "{path} is the store \"{known}\" already, which stands in {}",
        place.display()
    );
    Err(Failure::usage("store-known", message)
        .remedy("change `adopt` in the `settings` of its [[store]] there"))
}

/// A layout that is only imported from is told before its stash is asked for.
fn check_version(database: &Database) -> Result<(), Failure> {
    if version(&database.path) != Some("v3") {
        return Ok(());
    }
    let path = database.path.display();
    let message = format!(
        "{path} is a key database of version 3, of which nobody can tell whether it was altered: \
         it is no store"
    );
    Err(Failure::usage("database-unusable", message).remedy(format!(
        "import from it what you know: anchorhold import {} --server NAME; or have the \
             vendor's tool convert it",
        crate::invocation::quote(database.path.as_os_str())
    )))
}

/// The only database of a directory, or the one that the vendor's client keeps there.
fn only_one(directory: &Path) -> Result<PathBuf, Failure> {
    let unreadable = |error: std::io::Error| {
        let message = format!("{}: cannot be read", directory.display());
        Failure::usage("input-unreadable", message).because(&error)
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_database(&path) && !path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    let vendors = found
        .iter()
        .find(|path| path.file_name() == Some(VENDORS.as_ref()));
    match (&found[..], vendors) {
        ([only], _) | (_, Some(only)) => Ok(only.clone()),
        ([], None) => {
            let message = format!("{}: there is no key database in it", directory.display());
            Err(Failure::usage("input-invalid", message)
                .remedy("name a file NAME.kdb or NAME.p12, with its NAME.sth beside it"))
        }
        (several, None) => {
            let names: Vec<_> = several
                .iter()
                .filter_map(|path| path.file_name()?.to_str())
                .collect();
            let message = format!(
                "{}: there are several key databases in it: {}",
                directory.display(),
                names.join(", ")
            );
            Err(Failure::usage("input-invalid", message).remedy("name one of them"))
        }
    }
}

/// The database that a file belongs to: itself, or that whose stash or index it is.
fn beside(path: &Path) -> PathBuf {
    let belongs = path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("sth") || extension.eq_ignore_ascii_case("idx")
    });
    let candidates = ["kdb", "p12", "KDB", "P12"].map(|extension| path.with_extension(extension));
    let there = |path: &PathBuf| !matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound);
    match candidates.into_iter().find(there) {
        Some(database) if belongs => database,
        _ => path.to_owned(),
    }
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("kdb") || extension.eq_ignore_ascii_case("p12")
    })
}

/// What tells one file from another, whatever it is called.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// What the vendor's client calls its database.
pub(super) const VENDORS: &str = "dsmcert.kdb";

/// How much of a name is made from that of a file, so that a number fits behind it.
const NAME_MAX: usize = 56;
