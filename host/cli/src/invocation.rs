//! How the program was called, so that what it advises works when it is pasted.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::args::Globals;

/// How the program was called: its name, and the options that every command takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invocation {
    words: Vec<String>,
    /// The program as it was typed, which may be another name of it.
    typed: String,
}

impl Invocation {
    /// Takes the program's name as typed, and the options that decide what it works on.
    pub(crate) fn new(program: &OsStr, globals: &Globals) -> Self {
        let mut words = vec![quote(program_of(program).as_os_str())];
        let mut pair = |name: &str, value: &Path| {
            words.push(name.to_owned());
            words.push(quote(value.as_os_str()));
        };
        if let Some(home) = &globals.home {
            pair("--home", home);
        }
        for file in &globals.options {
            pair("--options", file);
        }
        for file in &globals.optfile {
            pair("--optfile", file);
        }
        Self {
            words,
            typed: quote(program),
        }
    }

    /// A command line of the program by the name that was typed, on what this call works on.
    pub(crate) fn again(&self, words: &[&str]) -> String {
        let given = self.words.iter().skip(1).map(String::as_str);
        let line: Vec<&str> = [self.typed.as_str()].into_iter().chain(given).collect();
        [&line, words].concat().join(" ")
    }

    /// A command line that works on what this call works on.
    pub(crate) fn command<W: AsRef<OsStr>>(&self, words: &[W]) -> String {
        let mut line = self.words.join(" ");
        for word in words {
            line.push(' ');
            line.push_str(&quote(word.as_ref()));
        }
        line
    }

    /// The same text, in which every command line of this program works on what this call works
    /// on.
    pub(crate) fn localize(&self, text: &str) -> String {
        let mut localized = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(PROGRAM) {
            localized.push_str(before);
            let word = after.strip_prefix(' ').unwrap_or_default();
            let command = COMMANDS.iter().any(|command| {
                let end = word.strip_prefix(command).map(|end| end.chars().next());
                end.is_some_and(|next| next.is_none_or(|next| !next.is_alphanumeric()))
            });
            let alone =
                !before.ends_with(|last: char| last.is_alphanumeric() || "-/.".contains(last));
            if command && alone {
                localized.push_str(&self.words.join(" "));
            } else {
                localized.push_str(PROGRAM);
            }
            rest = after;
        }
        localized.push_str(rest);
        localized
    }
}

/// The name to call the program by: as it was typed, whatever other name it was called by.
fn program_of(typed: &OsStr) -> PathBuf {
    let path = Path::new(typed);
    if path.file_name() == Some(OsStr::new(PROGRAM)) {
        return path.to_owned();
    }
    let beside = path.with_file_name(PROGRAM);
    if path.components().count() > 1 && beside.exists() {
        beside
    } else {
        PathBuf::from(PROGRAM)
    }
}

/// Writes one word so that a POSIX shell reads it back.
pub(crate) fn quote(word: &OsStr) -> String {
    let bytes = word.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    match word.to_str() {
        Some(text) if !text.is_empty() && bytes.iter().all(plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => ansi_c(bytes),
    }
}

/// Quotes what is no text, or would upset a terminal.
fn ansi_c(bytes: &[u8]) -> String {
    let mut quoted = String::from("$'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => quoted.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => quoted.push(char::from(*byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('\'');
    quoted
}

/// Whether the program was called by the name of the vendor's import utility.
pub(crate) fn is_dsmcert(program: &OsString) -> bool {
    let name = Path::new(program).file_stem().and_then(OsStr::to_str);
    name.is_some_and(|name| name.ends_with("dsmcert"))
}

/// The commands that advice names.
const COMMANDS: &[&str] = &[
    "connect", "doctor", "explain", "export", "import", "journal", "list", "plugin", "rehearse",
    "remove", "scope", "server", "show", "store", "verify",
];

/// The name of the program.
pub(crate) const PROGRAM: &str = "anchorhold";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(quoted: &str) -> Vec<u8> {
        let script = format!("printf %s {quoted}");
        let output = std::process::Command::new("bash")
            .arg("-c")
            .arg(script)
            .output();
        output.expect("bash runs").stdout
    }

    #[test]
    fn a_shell_reads_every_word_back() {
        let words: [&[u8]; 10] = [
            b"TSM1",
            b"a b",
            b"it's",
            b"$(reboot)",
            b"`x`;y|z&",
            b"--label=x y",
            b"back\\slash",
            "f\u{fc}r".as_bytes(),
            b"\xff\xfe'\\",
            b"\x1b[2J\nnext",
        ];
        for word in words {
            let quoted = quote(OsStr::from_bytes(word));
            assert_eq!(read_back(&quoted), word, "{quoted}");
            assert!(!quoted.chars().any(char::is_control), "{quoted:?}");
        }
        assert_eq!(quote(OsStr::new("")), "''");
        assert_eq!(quote(OsStr::new("dsm.sys")), "dsm.sys");
    }

    #[test]
    fn the_options_given_are_given_again() {
        let globals = Globals {
            home: Some(PathBuf::from("my home")),
            options: vec![PathBuf::from("a.sys"), PathBuf::from("b.sys")],
            optfile: vec![PathBuf::from("dsm.opt")],
            json: true,
            verbose: true,
        };
        let invocation = Invocation::new(OsStr::new("target/release/anchorhold"), &globals);
        assert_eq!(
            invocation.command(&["import", "--server", "O'Neil", "cert256.arm"]),
            "target/release/anchorhold --home 'my home' --options a.sys --options b.sys \
             --optfile dsm.opt import --server 'O'\\''Neil' cert256.arm"
        );
    }

    #[test]
    fn advice_works_when_it_is_pasted() {
        let globals = Globals {
            home: Some(PathBuf::from("h")),
            ..Globals::default()
        };
        let invocation = Invocation::new(OsStr::new("anchorhold"), &globals);
        for (text, expected) in [
            ("see: anchorhold list", "see: anchorhold --home h list"),
            (
                "anchorhold remove ab --all",
                "anchorhold --home h remove ab --all",
            ),
            ("edit anchorhold.toml", "edit anchorhold.toml"),
            ("stores/anchorhold list", "stores/anchorhold list"),
            ("anchorhold listens", "anchorhold listens"),
            ("anchorhold", "anchorhold"),
        ] {
            assert_eq!(invocation.localize(text), expected);
        }
    }

    #[test]
    fn other_names_of_the_program_advise_its_own() {
        let globals = Globals::default();
        for name in ["dsmcert", "/nowhere/at/all/dsmcert"] {
            let invocation = Invocation::new(OsStr::new(name), &globals);
            assert_eq!(invocation.command(&["list"]), "anchorhold list");
            assert_eq!(invocation.again(&["-list"]), format!("{name} -list"));
        }
        assert!(is_dsmcert(&OsString::from("/opt/x/dsmcert")));
        assert!(!is_dsmcert(&OsString::from("/opt/dsmcert/anchorhold")));
    }
}
