//! `plugin new`: a project to start a plugin from, which builds and loads as it is.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anchorhold_api as api;

use crate::args::plugin::{Language, PluginNew};
use crate::exit::Failure;
use crate::home::Home;
use crate::invocation::quote;
use crate::output::Reply;
use crate::template::{Name, ProjectFile, project};

/// Makes a project in a directory that is not there yet, or is empty.
pub(super) fn run(args: &PluginNew, home: &Home) -> Result<Reply, Failure> {
    let name = name(&args.directory)?;
    check_room(&args.directory)?;
    let files = project(args.language, &name);
    write_all(&args.directory, &files)?;
    let built = Built::new(args, &name);
    Ok(Reply::done(api::PluginNew {
        id: name.id(),
        language: args.language.word().to_owned(),
        directory: shown(&args.directory),
        manifest: shown(&built.manifest),
        library: shown(&built.library),
        files: files.into_iter().map(|file| file.path).collect(),
        next: next(args, &built, home),
    }))
}

/// The name of the plugin, which is that of its directory.
fn name(directory: &Path) -> Result<Name, Failure> {
    let whole = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let last = whole
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    Name::new(last).map_err(|unfit| {
        Failure::usage(
            "name-unfit",
            format!("{last:?} is no name for a plugin: {unfit}"),
        )
        .remedy("choose another directory, such as my-store: the plugin is called after it")
    })
}

/// Whether nothing is in the way.
fn check_room(directory: &Path) -> Result<(), Failure> {
    let occupied = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link that leads nowhere is in the way as well.
            directory.symlink_metadata().is_ok()
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => true,
        Err(error) => return Err(unwritable(directory, &error)),
    };
    if !occupied {
        return Ok(());
    }
    Err(Failure::usage(
        "directory-occupied",
        format!("{} is there and no empty directory", directory.display()),
    )
    .remedy("choose another directory: nothing that is there is overwritten"))
}

/// Writes the files, and takes what was written away again where one cannot be.
fn write_all(directory: &Path, files: &[ProjectFile]) -> Result<(), Failure> {
    let mut made = Made::default();
    let written = made.directory(directory).and_then(|()| {
        files
            .iter()
            .try_for_each(|file| made.file(&directory.join(&file.path), &file.content))
    });
    written.inspect_err(|_| made.undo())
}

/// What was made, in that order.
#[derive(Default)]
struct Made {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    /// Makes a directory, and those above it, where they are missing.
    fn directory(&mut self, path: &Path) -> Result<(), Failure> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        // A library in a directory that others may write to is not loaded, whatever the umask.
        let made = DirBuilder::new().mode(0o755).create(path);
        made.map_err(|error| unwritable(path, &error))?;
        self.directories.push(path.to_owned());
        Ok(())
    }

    fn file(&mut self, path: &Path, content: &[u8]) -> Result<(), Failure> {
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path);
        let mut file = file.map_err(|error| unwritable(path, &error))?;
        self.files.push(path.to_owned());
        file.write_all(content)
            .map_err(|error| unwritable(path, &error))
    }

    /// Takes it away; what somebody else put there meanwhile stays.
    fn undo(&self) {
        for file in self.files.iter().rev() {
            let _ = fs::remove_file(file);
        }
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage("cannot-write", format!("cannot write {}", path.display()))
        .because(error)
        .remedy("choose a directory that you may write to")
}

/// Where the library and its manifest are once they are built.
struct Built {
    library: PathBuf,
    manifest: PathBuf,
}

impl Built {
    fn new(args: &PluginNew, name: &Name) -> Self {
        let directory = match args.language {
            Language::C => args.directory.clone(),
            Language::Rust => std::env::var_os("CARGO_TARGET_DIR")
                .filter(|target| !target.is_empty())
                .map_or_else(|| args.directory.join("target"), PathBuf::from)
                .join("debug"),
        };
        Self {
            library: directory.join(name.library()),
            manifest: directory.join(name.manifest()),
        }
    }
}

/// The commands from here to a store that is listed.
fn next(args: &PluginNew, built: &Built, home: &Home) -> Vec<String> {
    let (plugin, library) = (OsStr::new("plugin"), built.library.as_os_str());
    let manifest = built.manifest.as_os_str();
    let ours = |words: &[&OsStr]| home.invocation.command(words);
    vec![
        build(args),
        ours(&[plugin, OsStr::new("check"), library]),
        ours(&[plugin, OsStr::new("add"), manifest]),
        ours(&[OsStr::new("store"), OsStr::new("list")]),
    ]
}

fn build(args: &PluginNew) -> String {
    match args.language {
        Language::C => format!("make -C {}", quote(args.directory.as_os_str())),
        Language::Rust => {
            let file = args.directory.join("Cargo.toml");
            let build = format!("cargo build --manifest-path {}", quote(file.as_os_str()));
            match umask_lets_the_group_write() {
                true => format!("umask 022 && {build}"),
                false => build,
            }
        }
    }
}

/// Whether what a compiler makes here could be changed by others, and would not be loaded.
fn umask_lets_the_group_write() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    let umask = umask.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
    umask.is_some_and(|umask| umask & 0o022 != 0o022)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn files() -> Vec<ProjectFile> {
        project(Language::C, &Name::new("my-store").expect("fit"))
    }

    #[test]
    fn files_are_made_for_their_owner_to_change_and_for_all_to_read() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("a/my-store");
        write_all(&directory, &files()).expect("written");
        let mode = |path: &str| {
            let metadata = directory.join(path).metadata().expect("there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode("Makefile") & !0o644, 0);
        assert_eq!(mode("include") & !0o755, 0);
        assert_eq!(mode("..") & !0o755, 0);
    }

    #[test]
    fn what_is_there_is_in_the_way() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("my-store");
        assert!(check_room(&directory).is_ok());
        fs::create_dir(&directory).expect("made");
        assert!(check_room(&directory).is_ok());
        fs::write(directory.join(".hidden"), "").expect("written");
        assert_eq!(
            check_room(&directory).expect_err("full").code,
            "directory-occupied"
        );
        let file = directory.join(".hidden");
        assert_eq!(
            check_room(&file).expect_err("a file").code,
            "directory-occupied"
        );
        let link = home.path().join("link");
        symlink("nowhere", &link).expect("linked");
        assert_eq!(
            check_room(&link).expect_err("a link").code,
            "directory-occupied"
        );
    }

    #[test]
    fn nothing_is_left_of_what_cannot_be_finished() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("new/my-store");
        let mut files = files();
        let last = files.last().expect("files").clone();
        files.push(last);
        let failure = write_all(&directory, &files).expect_err("a file is there twice");
        assert_eq!(failure.code, "cannot-write");
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 0);
    }

    #[test]
    fn plugin_is_called_after_its_directory() {
        assert_eq!(
            name(Path::new("x/./my-store/")).expect("fit").as_str(),
            "my-store"
        );
        for directory in ["/", "..", "x/My", "x/.."] {
            let failure = name(Path::new(directory)).expect_err(directory);
            assert_eq!(failure.code, "name-unfit", "{directory}");
        }
    }
}
