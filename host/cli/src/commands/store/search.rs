//! `store create --adopt` without a path: where the vendor's client keeps its key databases.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anchorhold_api as api;
use anchorhold_session::options::{self, Options};

use super::adopt::{Database, VENDORS, adopt, free_name};
use crate::actor;
use crate::args::store::StoreCreate;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::quote;
use crate::output::Reply;
use crate::servers::option_files;

/// Looks for them, shows what each holds, and adopts each to be read only.
pub(super) fn run(args: &StoreCreate, home: &Home) -> Result<Reply, Failure> {
    check(args)?;
    let mut answer = api::StoreCreate {
        stores: Vec::new(),
        not_adopted: Vec::new(),
        places: Vec::new(),
        copied: None,
        dry_run: args.dry_run,
    };
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut failed = false;
    for place in places(home)? {
        let path = place.directory.join(VENDORS);
        let found = is_there(&path);
        answer.places.push(api::SearchedPlace {
            directory: place.directory.display().to_string(),
            of: place.of.clone(),
            found,
        });
        if !found {
            continue;
        }
        // What one place is a link to is not adopted once more.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        match one(&path, &place, args, home) {
            Ok(store) => answer.stores.push(store),
            Err(refused) => {
                failed |= refused.failed;
                answer.not_adopted.push(refused.told(&path, home));
            }
        }
    }
    let exit = match (failed, seen.is_empty()) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::No,
        (false, false) => Exit::Done,
    };
    Ok(Reply::new(exit, answer))
}

/// One name, or the right to write, is for one database.
fn check(args: &StoreCreate) -> Result<(), Failure> {
    let what = match (&args.name, args.write) {
        (Some(_), _) => "--name is the name of one store",
        (None, true) => "--write is for one database",
        (None, false) => return Ok(()),
    };
    Err(Failure::usage(
        "usage",
        format!("{what}: name the database as well, with --adopt PATH"),
    )
    .remedy("see which there are: anchorhold store create --adopt --dry-run"))
}

/// A directory in which the vendor's client may keep a database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    directory: PathBuf,
    /// What names it.
    of: String,
    /// What a store of it is called.
    name: &'static str,
    /// Whether nothing but the environment names it: that finds, and decides nothing.
    environment: bool,
}

/// Why a database was not adopted.
struct Refused {
    failure: Failure,
    /// Whether that is a fault, and not a decision of this program's.
    failed: bool,
}

impl Refused {
    fn told(self, path: &Path, home: &Home) -> api::NotAdopted {
        let remedy = self.failure.remedy;
        let causes = self.failure.causes.iter();
        let message = causes.fold(self.failure.message, |message, cause| {
            format!("{message}: {cause}")
        });
        api::NotAdopted {
            path: path.display().to_string(),
            message,
            remedy: remedy.map(|remedy| home.invocation.localize(&remedy)),
        }
    }
}

fn one(
    path: &Path,
    place: &Place,
    args: &StoreCreate,
    home: &Home,
) -> Result<api::CreatedStore, Refused> {
    let failed = |failure| Refused {
        failure,
        failed: true,
    };
    let database = Database::find(path).map_err(failed)?;
    let known = database.store(home).map_err(failed)?;
    if known.is_none()
        && let Some(why) = doubt(&database, place)
    {
        let adopt = quote(path.as_os_str());
        let failure = Failure::usage("not-adopted", why).remedy(format!(
            "if it is meant: anchorhold store create --adopt {adopt}"
        ));
        return Err(Refused {
            failure,
            failed: false,
        });
    }
    // Each is written before the next is looked at, which so gets another name.
    let home = home.again();
    let name = match known {
        Some(known) => known,
        None => free_name(place.name, &home).map_err(failed)?,
    };
    adopt(&database, Some(&name), args, &home).map_err(failed)
}

/// Why a database is shown and not adopted by itself.
fn doubt(database: &Database, place: &Place) -> Option<String> {
    if place.environment {
        return Some(format!(
            "only the environment names its directory ({}), and no variable decides what is used",
            place.of
        ));
    }
    let owner = fs::metadata(&database.path).ok()?.uid();
    let mine = rustix::process::geteuid().as_raw();
    (owner != 0 && owner != mine).then(|| {
        format!(
            "it belongs to {}, who is neither root nor the user that this runs as",
            actor::user(owner)
        )
    })
}

/// The places, each once.
fn places(home: &Home) -> Result<Vec<Place>, Failure> {
    let mut searched = Vec::new();
    let files = option_files(home.globals(), &home.paths, &mut searched);
    let options = options::read(&files.system, &files.user)
        .map_err(|error| Failure::usage("options-invalid", error.to_string()))?;
    Ok(all(&options, &|name| std::env::var_os(name)))
}

fn all(options: &Options, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<Place> {
    let mut places = of_options(options);
    places.extend(installed());
    let absolute = |name: &str| {
        let value = variable(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let below = absolute("HOME").into_iter().flat_map(|home| {
        let of = "this user's home, where the client cannot write to its own directory";
        OF_HOME.map(|name| Place {
            directory: home.join(name),
            of: of.to_owned(),
            name: "dsmcert-home",
            environment: false,
        })
    });
    places.extend(below);
    let named = ["DSM_DIR", "DSMI_DIR"].into_iter().filter_map(|name| {
        Some(Place {
            directory: absolute(name)?,
            of: name.to_owned(),
            name: "dsmcert",
            environment: true,
        })
    });
    places.extend(named);
    let mut each: Vec<Place> = Vec::new();
    for place in places {
        if !each.iter().any(|known| known.directory == place.directory) {
            each.push(place);
        }
    }
    each
}

/// The directories that the option files name.
fn of_options(options: &Options) -> Vec<Place> {
    let named = options.stanzas.iter().filter_map(|stanza| {
        let directory = stanza.password_dir.as_ref()?;
        Some(Place {
            directory: PathBuf::from(&directory.value),
            of: format!("PASSWORDDIR of {} at {}", stanza.name, directory.place),
            name: "dsmcert-passworddir",
            environment: false,
        })
    });
    named
        .filter(|place| place.directory.is_absolute())
        .collect()
}

/// The directories of the vendor's installation.
fn installed() -> impl Iterator<Item = Place> {
    INSTALLED.iter().map(|(directory, of, name)| Place {
        directory: PathBuf::from(directory),
        of: (*of).to_owned(),
        name,
        environment: false,
    })
}

/// What cannot be looked at counts as there, so that it is told and not passed over.
fn is_there(path: &Path) -> bool {
    let absent = matches!(
        path.symlink_metadata(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
    );
    !absent
}

const BA: &str = "the backup-archive client";
const API: &str = "the API client";

#[cfg(windows)]
const INSTALLED: &[(&str, &str, &str)] = &[
    (r"C:\Program Files\Tivoli\TSM\baclient", BA, "dsmcert"),
    (
        r"C:\Program Files\Common Files\Tivoli\TSM\api64",
        API,
        "dsmcert-api",
    ),
];

#[cfg(target_os = "macos")]
const INSTALLED: &[(&str, &str, &str)] = &[
    (
        "/Library/Application Support/tivoli/tsm/client/ba/bin",
        BA,
        "dsmcert",
    ),
    (
        "/Library/Application Support/tivoli/tsm/client/api/bin",
        API,
        "dsmcert-api",
    ),
];

#[cfg(target_os = "aix")]
const INSTALLED: &[(&str, &str, &str)] = &[
    ("/usr/tivoli/tsm/client/ba/bin64", BA, "dsmcert"),
    ("/usr/tivoli/tsm/client/ba/bin", BA, "dsmcert"),
    ("/usr/tivoli/tsm/client/api/bin64", API, "dsmcert-api"),
];

#[cfg(not(any(windows, target_os = "macos", target_os = "aix")))]
const INSTALLED: &[(&str, &str, &str)] = &[
    ("/opt/tivoli/tsm/client/ba/bin", BA, "dsmcert"),
    ("/opt/tivoli/tsm/client/ba/bin64", BA, "dsmcert"),
    ("/opt/tivoli/tsm/client/api/bin64", API, "dsmcert-api"),
    ("/opt/tivoli/tsm/client/api/bin", API, "dsmcert-api"),
];

/// Below a user's home; the first is its name since the client was renamed.
const OF_HOME: [&str; 2] = ["IBM/StorageProtect/certs", "IBM/SpectrumProtect/certs"];

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use anchorhold_session::options::{Source, SourceRole, parse};

    use super::*;

    fn places(options: &str, variables: &[(&str, &str)]) -> Vec<Place> {
        let source = Source {
            path: Path::new("dsm.sys"),
            bytes: options.as_bytes(),
            role: SourceRole::System,
        };
        let options = parse(&[source]).expect("valid");
        all(&options, &|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn directories(places: &[Place]) -> Vec<&str> {
        let directories = places.iter();
        directories
            .map(|place| place.directory.to_str().expect("text"))
            .collect()
    }

    const STANZA: &str = "SErvername A\n TCPServeraddress h\n PASSWORDDIR /etc/adsm\n\
                          SErvername B\n TCPServeraddress h\n PASSWORDDIR /etc/adsm\n";

    #[test]
    fn the_places_are_those_of_the_vendors_own_search() {
        let found = places(
            STANZA,
            &[("HOME", "/home/ada"), ("DSM_DIR", "/dsm"), ("DSMI_DIR", "")],
        );
        assert_eq!(
            directories(&found),
            [
                "/etc/adsm",
                "/opt/tivoli/tsm/client/ba/bin",
                "/opt/tivoli/tsm/client/ba/bin64",
                "/opt/tivoli/tsm/client/api/bin64",
                "/opt/tivoli/tsm/client/api/bin",
                "/home/ada/IBM/StorageProtect/certs",
                "/home/ada/IBM/SpectrumProtect/certs",
                "/dsm",
            ]
        );
        assert_eq!(found[0].of, "PASSWORDDIR of A at dsm.sys:3");
        let environment: Vec<bool> = found.iter().map(|place| place.environment).collect();
        assert_eq!(environment, [[false; 7].as_slice(), &[true]].concat());
    }

    #[test]
    fn what_is_no_absolute_path_is_no_place() {
        let found = places(
            "SErvername A\n TCPServeraddress h\n",
            &[("HOME", "ada"), ("DSM_DIR", ".")],
        );
        assert!(
            directories(&found)
                .iter()
                .all(|place| place.starts_with("/opt/"))
        );
    }

    #[test]
    fn a_variable_that_names_what_is_looked_at_anyway_changes_nothing() {
        let ba = "/opt/tivoli/tsm/client/ba/bin";
        let found = places("SErvername A\n TCPServeraddress h\n", &[("DSM_DIR", ba)]);
        assert!(found.iter().all(|place| !place.environment));
    }
}
