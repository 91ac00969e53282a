//! What a child is told to do: one case, on one plugin, with the settings of a store.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A plugin's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// It is linked into the program; by its id.
    Builtin(String),
    /// A library.
    Library(PathBuf),
}

/// One case, and what it works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// The id of the case.
    pub(crate) case: String,
    /// Which of its processes this is, from 0.
    pub(crate) stage: u32,
    /// What the process before handed on.
    pub(crate) carried: Vec<u8>,
    /// The plugin.
    pub(crate) code: Code,
    /// The text of its manifest.
    pub(crate) manifest: Option<String>,
    /// Where that lies, for a library.
    pub(crate) manifest_path: Option<PathBuf>,
    /// What is wrong with the manifests that lie beside it, where none of them can be used.
    pub(crate) manifest_faults: Vec<String>,
    /// Why it is not registered where it lies.
    pub(crate) refusal: Option<String>,
    /// What the store is opened with, in canonical text.
    pub(crate) settings: Vec<(String, String)>,
    /// A directory for this case alone.
    pub(crate) scratch: PathBuf,
    /// Whether the store may be changed.
    pub(crate) may_write: bool,
    /// What the plugin may reach.
    pub(crate) grants: Vec<String>,
    /// The environment of the plugin.
    pub(crate) environment: Vec<(String, String)>,
    /// Files with the secrets of the store, by setting.
    pub(crate) secrets: Vec<(String, PathBuf)>,
    /// For what is drawn at random.
    pub(crate) seed: u64,
    /// How many random calls are made.
    pub(crate) limit: u32,
    /// Whether the sandbox is put on.
    pub(crate) confined: bool,
    /// How a runner is started, where the store is to be in one.
    pub(crate) runner: Option<Vec<OsString>>,
}

impl Job {
    /// The lines that [`Job::parse`] reads.
    pub(crate) fn lines(&self) -> String {
        let mut lines = String::new();
        let mut line = |key: &str, parts: &[&[u8]]| {
            lines.push_str(key);
            for part in parts {
                lines.push(' ');
                lines.push_str(&hex(part));
            }
            lines.push('\n');
        };
        line("case", &[self.case.as_bytes()]);
        line("stage", &[self.stage.to_string().as_bytes()]);
        line("carried", &[&self.carried]);
        match &self.code {
            Code::Builtin(id) => line("builtin", &[id.as_bytes()]),
            Code::Library(path) => line("library", &[path.as_os_str().as_bytes()]),
        }
        if let Some(text) = &self.manifest {
            line("manifest", &[text.as_bytes()]);
        }
        if let Some(path) = &self.manifest_path {
            line("manifest-path", &[path.as_os_str().as_bytes()]);
        }
        for fault in &self.manifest_faults {
            line("manifest-fault", &[fault.as_bytes()]);
        }
        if let Some(why) = &self.refusal {
            line("refusal", &[why.as_bytes()]);
        }
        for (key, value) in &self.settings {
            line("setting", &[key.as_bytes(), value.as_bytes()]);
        }
        line("scratch", &[self.scratch.as_os_str().as_bytes()]);
        for grant in &self.grants {
            line("grant", &[grant.as_bytes()]);
        }
        for (name, value) in &self.environment {
            line("env", &[name.as_bytes(), value.as_bytes()]);
        }
        for (key, file) in &self.secrets {
            line("secret", &[key.as_bytes(), file.as_os_str().as_bytes()]);
        }
        line("seed", &[self.seed.to_string().as_bytes()]);
        line("limit", &[self.limit.to_string().as_bytes()]);
        if self.may_write {
            line("may-write", &[]);
        }
        if self.confined {
            line("confined", &[]);
        }
        if let Some(words) = &self.runner {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            line("runner", &words);
        }
        lines
    }

    /// Reads what [`Job::lines`] wrote.
    pub(crate) fn parse(lines: &str) -> Option<Self> {
        let mut job = Self {
            case: String::new(),
            stage: 0,
            carried: Vec::new(),
            code: Code::Builtin(String::new()),
            manifest: None,
            manifest_path: None,
            manifest_faults: Vec::new(),
            refusal: None,
            settings: Vec::new(),
            scratch: PathBuf::new(),
            may_write: false,
            grants: Vec::new(),
            environment: Vec::new(),
            secrets: Vec::new(),
            seed: 0,
            limit: 0,
            confined: false,
            runner: None,
        };
        for line in lines.lines() {
            let mut words = line.split(' ');
            let key = words.next()?;
            let parts: Vec<Vec<u8>> = words.map(unhex).collect::<Option<_>>()?;
            job.take(key, parts)?;
        }
        Some(job)
    }

    fn take(&mut self, key: &str, parts: Vec<Vec<u8>>) -> Option<()> {
        match key {
            "runner" => {
                self.runner = Some(parts.into_iter().map(OsString::from_vec).collect());
                return Some(());
            }
            "may-write" => self.may_write = true,
            "confined" => self.confined = true,
            _ => {
                let mut parts = parts.into_iter();
                self.take_value(key, parts.next()?, parts.next())?;
            }
        }
        Some(())
    }

    fn take_value(&mut self, key: &str, value: Vec<u8>, second: Option<Vec<u8>>) -> Option<()> {
        let path = |bytes| PathBuf::from(OsString::from_vec(bytes));
        let text = |bytes| String::from_utf8(bytes).ok();
        match key {
            "case" => self.case = text(value)?,
            "stage" => self.stage = text(value)?.parse().ok()?,
            "carried" => self.carried = value,
            "builtin" => self.code = Code::Builtin(text(value)?),
            "library" => self.code = Code::Library(path(value)),
            "manifest" => self.manifest = Some(text(value)?),
            "manifest-path" => self.manifest_path = Some(path(value)),
            "manifest-fault" => self.manifest_faults.push(text(value)?),
            "refusal" => self.refusal = Some(text(value)?),
            "setting" => self.settings.push((text(value)?, text(second?)?)),
            "scratch" => self.scratch = path(value),
            "grant" => self.grants.push(text(value)?),
            "env" => self.environment.push((text(value)?, text(second?)?)),
            "secret" => self.secrets.push((text(value)?, path(second?))),
            "seed" => self.seed = text(value)?.parse().ok()?,
            "limit" => self.limit = text(value)?.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}

/// Bytes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text as the bytes that it was.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_is_read_as_it_was_written() {
        let job = Job {
            case: "read.list".to_owned(),
            stage: 1,
            carried: vec![0, 255],
            code: Code::Library("/tmp/a b.so".into()),
            manifest: Some("id = \"x\"\n".to_owned()),
            manifest_path: Some("/tmp/x.plugin.toml".into()),
            manifest_faults: vec!["it is none".to_owned()],
            refusal: Some("its mode".to_owned()),
            settings: vec![("path".to_owned(), "/a\nb".to_owned())],
            scratch: "/tmp/s".into(),
            may_write: true,
            grants: vec!["fork".to_owned()],
            environment: vec![("A".to_owned(), "b c".to_owned())],
            secrets: vec![("pin".to_owned(), "/tmp/pin".into())],
            seed: 7,
            limit: 9,
            confined: true,
            runner: Some(vec!["a".into(), "runner".into()]),
        };
        assert_eq!(Job::parse(&job.lines()), Some(job));
        assert_eq!(Job::parse("nonsense 00\n"), None);
    }
}
