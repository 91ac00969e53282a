//! What may be typed where the program is called by the name of the vendor's import utility.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Globals, value};

/// A call of the vendor's utility.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    /// What every command takes.
    pub(crate) globals: Globals,
    /// What to do; nothing is to print the usage.
    pub(crate) action: Option<Action>,
}

/// What the vendor's utility does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Imports a file for a server.
    Add {
        /// The server's name, in a stanza or not yet.
        server: String,
        /// The file.
        file: PathBuf,
    },
    /// Takes everything away from a server.
    Delete {
        /// The server's name.
        server: String,
    },
    /// Lists what is held.
    List,
}

/// Reads the words after the program's name; the error says what is wrong with them.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Call, String> {
    let mut reader = Reader {
        words: words.into_iter(),
        verb: None,
        server: None,
        file: None,
    };
    let mut globals = Globals::default();
    while let Some(word) = reader.words.next() {
        let Some(text) = word.to_str() else {
            return Err(format!("{} is no option", word.display()));
        };
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (text, None),
        };
        match name.to_ascii_lowercase().as_str() {
            "-help" | "--help" | "-h" => {
                return Ok(Call {
                    globals,
                    action: None,
                });
            }
            "--json" => globals.json = true,
            "--verbose" => globals.verbose = true,
            "--home" => globals.home = Some(reader.path(name, attached)?),
            "--options" => globals.options.push(reader.path(name, attached)?),
            "--optfile" => globals.optfile.push(reader.path(name, attached)?),
            verb @ ("-add" | "-delete" | "-list") => reader.verb(verb)?,
            "-server" => reader.server(attached)?,
            "-file" => {
                let file = reader.path(name, attached)?;
                once(&mut reader.file, file, name)?;
            }
            _ => return Err(format!("{text} is no option of dsmcert")),
        }
    }
    Ok(Call {
        globals,
        action: Some(reader.action()?),
    })
}

struct Reader<I> {
    words: I,
    verb: Option<String>,
    server: Option<String>,
    file: Option<PathBuf>,
}

impl<I: Iterator<Item = OsString>> Reader<I> {
    fn value(&mut self, name: &str, attached: Option<OsString>) -> Result<OsString, String> {
        attached
            .or_else(|| self.words.next())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("{name} needs a value"))
    }

    fn path(&mut self, name: &str, attached: Option<OsString>) -> Result<PathBuf, String> {
        self.value(name, attached).map(PathBuf::from)
    }

    fn verb(&mut self, verb: &str) -> Result<(), String> {
        match &self.verb {
            Some(other) if other != verb => Err(format!("{other} and {verb} exclude each other")),
            _ => {
                self.verb = Some(verb.to_owned());
                Ok(())
            }
        }
    }

    fn server(&mut self, attached: Option<OsString>) -> Result<(), String> {
        let value = self.value("-server", attached)?;
        let name = value.to_str().ok_or("a server's name is text")?;
        let name = value::server_name(name)?;
        once(&mut self.server, name, "-server")
    }

    fn action(self) -> Result<Action, String> {
        let verb = self
            .verb
            .ok_or("one of -add, -list and -delete is needed")?;
        let server =
            |server: Option<String>| server.ok_or_else(|| format!("{verb} needs -server NAME"));
        match verb.as_str() {
            "-add" => Ok(Action::Add {
                server: server(self.server)?,
                file: self.file.ok_or("-add needs -file FILE")?,
            }),
            "-delete" if self.file.is_some() => Err("-delete takes no -file".to_owned()),
            "-delete" => Ok(Action::Delete {
                server: server(self.server)?,
            }),
            _ if self.server.is_some() || self.file.is_some() => {
                Err("-list takes neither -server nor -file".to_owned())
            }
            _ => Ok(Action::List),
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T, name: &str) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} is given twice")),
    }
}

/// How the utility is used.
pub(crate) const USAGE: &str = "\
usage: dsmcert [--home DIR] [--options FILE] -add -server NAME -file FILE
       dsmcert [--home DIR] [--options FILE] -list
       dsmcert [--home DIR] [--options FILE] -delete -server NAME";

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Result<Call, String> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_vendors_form_is_understood() {
        let add = Action::Add {
            server: "TSM1".to_owned(),
            file: PathBuf::from("cert256.arm"),
        };
        for line in [
            "-add -server TSM1 -file cert256.arm",
            "-server TSM1 -file cert256.arm -add",
            "-ADD -Server TSM1 -FILE cert256.arm",
            "-add -server=TSM1 -file=cert256.arm",
            "--home h --options=dsm.sys -add -server TSM1 -file cert256.arm --json",
        ] {
            let call = call(line).expect(line);
            assert_eq!(call.action, Some(add.clone()), "{line}");
        }
        assert_eq!(call("-list").expect("list").action, Some(Action::List));
        let delete = Action::Delete {
            server: "TSM1".to_owned(),
        };
        assert_eq!(
            call("-delete -server TSM1").expect("delete").action,
            Some(delete)
        );
        assert_eq!(call("-help").expect("help").action, None);
    }

    #[test]
    fn a_wrong_call_says_what_is_wrong() {
        for (line, wrong) in [
            ("-server TSM1", "one of -add, -list and -delete"),
            ("-add -file a", "-add needs -server NAME"),
            ("-add -server TSM1", "-add needs -file FILE"),
            ("-add -server", "-server needs a value"),
            ("-add -delete -server A", "exclude each other"),
            ("-add -server A -server B -file f", "-server is given twice"),
            ("-delete -server A -file f", "-delete takes no -file"),
            ("-list -server A", "-list takes neither"),
            ("-add -server A -file f -pw secret", "-pw is no option"),
            ("cert256.arm", "cert256.arm is no option"),
        ] {
            let error = call(line).expect_err(line);
            assert!(error.contains(wrong), "{line}: {error}");
        }
    }
}
