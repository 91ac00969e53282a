//! The cases, one after the other: which are tried, where, and what each came to.

mod choice;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anchorhold_boundary::environment;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::Program;
use anchorhold_boundary::manifest::{Manifest, Need, SettingKind, Value};

use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::case::{Case, Finding, Level, Reach};
use crate::child;
use crate::job::Job;
use crate::report::{CaseReport, Report, Verdict};
use crate::secret;
use crate::target::{Misuse, Target};
use crate::trial::{self, Ended};

use choice::Choice;

/// What stands in a setting for a new directory.
const SCRATCH: &str = "{scratch}";
/// More processes for one case are a case that does not end.
const STAGES: u32 = 4;

/// How this program is started again.
#[derive(Clone, Debug)]
pub struct Again {
    /// The program, with the arguments that every start has.
    pub program: Program,
    /// The argument that makes it play one case.
    pub case: String,
    /// The arguments that make it a runner.
    pub runner: Vec<OsString>,
}

/// Everything that stays the same from case to case.
struct Course<'a> {
    arguments: &'a Arguments,
    again: &'a Again,
    target: Target,
    /// Why it is not registered where it lies.
    refusal: Option<String>,
    settings: BTreeMap<String, Value>,
    environment: Vec<(String, String)>,
    secrets: Vec<(String, PathBuf)>,
    seed: u64,
    scratch: PathBuf,
}

/// Tries the cases, and tells each as soon as it is over.
pub fn check(
    arguments: &Arguments,
    again: &Again,
    told: &mut dyn FnMut(&CaseReport),
) -> Result<Report, Misuse> {
    let choice = Choice::new(arguments)?;
    let named = arguments.target.as_deref().unwrap_or_else(|| Path::new(""));
    let target = Target::find(named)?;
    for grant in &arguments.grants {
        Grant::parse(grant).map_err(|error| Misuse::new(error.to_string(), ""))?;
    }
    let settings = typed(&arguments.settings, target.manifest.as_ref())?;
    let secrets = secrets(&arguments.secrets)?;
    let environment = environment(&arguments.environment)?;
    // Nothing that fails stands between here and where it is removed.
    let directory = scratch_directory()?;
    let course = Course {
        arguments,
        again,
        settings,
        environment,
        secrets,
        refusal: target.refusal(),
        target,
        seed: arguments.reproduce.unwrap_or_else(seed),
        scratch: directory.clone(),
    };
    let checked = course.settings_of(&directory).map(drop);
    let report = checked.map(|()| course.run(&choice, told));
    // What is left over lies among the temporary files.
    let _removed = fs::remove_dir_all(&directory);
    report
}

impl Course<'_> {
    fn run(&self, choice: &Choice, told: &mut dyn FnMut(&CaseReport)) -> Report {
        let mut report = Report::default();
        for case in &choice.cases {
            let (verdict, message) = match self.obstacle(case, choice, &report) {
                Some(why) => (Verdict::Skipped, why),
                None => self.play(case),
            };
            let done = CaseReport {
                id: case.id,
                level: case.level(),
                about: case.about,
                verdict,
                message,
            };
            told(&done);
            report.cases.push(done);
        }
        report
    }

    /// Why a case is not tried.
    fn obstacle(&self, case: &Case, choice: &Choice, report: &Report) -> Option<String> {
        if let Some(reason) = choice.disabled.get(case.id) {
            return Some(format!("disabled: {reason}"));
        }
        if self.is_bare_only(choice, case.id) {
            return Some("it can be tried on the bare table only".to_owned());
        }
        let after = case.after?;
        let before = report.cases.iter().find(|done| done.id == after)?;
        match before.verdict {
            Verdict::Failed | Verdict::Crashed => {
                Some(format!("{after} {}", before.verdict.word()))
            }
            // What needs the bare table says nothing of a store in a runner.
            Verdict::Skipped if !self.is_bare_only(choice, after) => Some(before.message.clone()),
            _ => None,
        }
    }

    /// Whether a case cannot be tried because the store is in a runner.
    fn is_bare_only(&self, choice: &Choice, id: &str) -> bool {
        let found = choice.cases.iter().find(|case| case.id == id);
        self.arguments.runner && found.is_some_and(|case| case.reach == Reach::Bare)
    }

    fn play(&self, case: &Case) -> (Verdict, String) {
        let (verdict, mut message) = self.played(case).unwrap_or_else(|why| {
            (
                Verdict::Failed,
                format!("the case could not be tried: {why}"),
            )
        });
        if case.level() == Level::Fuzz && verdict.is_broken() {
            let (seed, limit) = (self.seed, self.arguments.limit);
            message = format!("{message}; again with --reproduce {seed} --limit {limit}");
        }
        (verdict, message)
    }

    fn played(&self, case: &Case) -> Result<(Verdict, String), String> {
        let scratch = self.scratch.join(case.id);
        let made = fs::create_dir_all(scratch.join("state"));
        made.map_err(|error| format!("{}: {error}", scratch.display()))?;
        let mut job = self.job(case, &scratch).map_err(|misuse| misuse.message)?;
        for stage in 0..STAGES {
            job.stage = stage;
            match self.stage(case, &job)? {
                Ended::Next(carried) => job.carried = carried,
                Ended::With(verdict, message) => {
                    let _removed = fs::remove_dir_all(&scratch);
                    return Ok((verdict, message));
                }
            }
        }
        Err("it does not end".to_owned())
    }

    fn stage(&self, case: &Case, job: &Job) -> Result<Ended, String> {
        if !self.arguments.in_process {
            let limit = Duration::from_secs(self.arguments.timeout);
            let played = trial::play(&self.again.program, &self.again.case, job, limit);
            return played.map_err(|error| error.to_string());
        }
        let bench = Bench::new(job.clone())?;
        Ok(match child::play(case, &bench) {
            Ok(Finding::Next(carried)) => Ended::Next(carried),
            Ok(Finding::Passed) => Ended::With(Verdict::Passed, String::new()),
            Ok(Finding::Skipped(why)) => Ended::With(Verdict::Skipped, why),
            Ok(Finding::Warning(why)) => Ended::With(Verdict::Warning, why),
            Err(why) => Ended::With(Verdict::Failed, why),
        })
    }

    fn job(&self, case: &Case, scratch: &Path) -> Result<Job, Misuse> {
        let runner = self.arguments.runner.then(|| {
            let mut words = vec![self.again.program.path.clone().into_os_string()];
            words.extend(self.again.program.arguments.iter().cloned());
            words.extend(self.again.runner.iter().cloned());
            words
        });
        Ok(Job {
            case: case.id.to_owned(),
            stage: 0,
            carried: Vec::new(),
            code: self.target.code.clone(),
            manifest: self.target.manifest_text.clone(),
            manifest_path: self.target.manifest_path.clone(),
            manifest_faults: self.target.manifest_faults.clone(),
            refusal: self.refusal.clone(),
            settings: self.settings_of(scratch)?,
            scratch: scratch.to_owned(),
            may_write: self.may_write(),
            grants: self.arguments.grants.clone(),
            environment: self.environment.clone(),
            secrets: self.secrets.clone(),
            seed: self.seed,
            limit: self.arguments.limit,
            confined: !self.arguments.unconfined && !self.arguments.in_process,
            runner,
        })
    }

    /// The settings of a store whose new directory is this.
    fn settings_of(&self, scratch: &Path) -> Result<Vec<(String, String)>, Misuse> {
        let scratch = scratch.to_string_lossy();
        let filled = |text: &String| text.replace(SCRATCH, &scratch);
        let settings = self.settings.iter().map(|(key, value)| {
            let value = match value {
                Value::String(text) => Value::String(filled(text)),
                Value::List(texts) => Value::List(texts.iter().map(filled).collect()),
                other => other.clone(),
            };
            (key.clone(), value)
        });
        let Some(manifest) = &self.target.manifest else {
            // Nothing says of which type they are.
            let texts = settings.filter_map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                _ => None,
            });
            return Ok(texts.collect());
        };
        let here = std::env::current_dir().unwrap_or_default();
        let checked = manifest.check_settings(&settings.collect(), &here);
        checked.map_err(|error| Misuse::new(error.to_string(), "give it with --set KEY=VALUE"))
    }

    /// Whether the store may be changed: because whoever asks says so, or because all that it can
    /// change is made for each case anew.
    fn may_write(&self) -> bool {
        if self.arguments.scratch {
            return true;
        }
        let Some(manifest) = &self.target.manifest else {
            return self.settings.is_empty();
        };
        let reaches_out = manifest.grantable().any(|need| {
            matches!(
                need,
                Need::Connect(_)
                    | Need::Keyring
                    | Need::Network
                    | Need::SessionBus
                    | Need::Unix(_)
                    | Need::WritePath(_)
            )
        });
        let leads_elsewhere =
            |(key, schema): (&String, &_)| leads_elsewhere(&self.settings, key, schema);
        !reaches_out && !manifest.settings.iter().any(leads_elsewhere)
    }
}

/// Whether a setting may lead to what is there without the kit.
fn leads_elsewhere(
    given: &BTreeMap<String, Value>,
    key: &String,
    schema: &anchorhold_boundary::manifest::SettingSchema,
) -> bool {
    let is_harmless = matches!(
        schema.kind,
        SettingKind::Bool | SettingKind::Duration | SettingKind::Integer | SettingKind::Secret
    );
    if is_harmless {
        return false;
    }
    match given.get(key) {
        Some(Value::String(text)) => !text.starts_with(SCRATCH),
        Some(Value::List(texts)) => !texts.iter().all(|text| text.starts_with(SCRATCH)),
        Some(_) => false,
        None => schema.default.is_some(),
    }
}

/// What was typed for the settings, in their types.
fn typed(given: &[String], manifest: Option<&Manifest>) -> Result<BTreeMap<String, Value>, Misuse> {
    let mut settings: BTreeMap<String, Value> = BTreeMap::new();
    for text in given {
        let (key, value) = pair(text, "--set")?;
        let kind = manifest
            .and_then(|manifest| manifest.settings.get(key))
            .map(|schema| schema.kind);
        let wrong = |takes: &str| {
            Misuse::new(
                format!("the setting {key:?} takes {takes}, and not {value:?}"),
                "",
            )
        };
        let value = match kind {
            Some(SettingKind::Bool) => {
                Value::Bool(value.parse().map_err(|_| wrong("true or false"))?)
            }
            Some(SettingKind::Integer) => {
                Value::Integer(value.parse().map_err(|_| wrong("a whole number"))?)
            }
            Some(SettingKind::List) => {
                let before = match settings.remove(key) {
                    Some(Value::List(before)) => before,
                    _ => Vec::new(),
                };
                Value::List([before, vec![value.to_owned()]].concat())
            }
            _ => Value::String(value.to_owned()),
        };
        settings.insert(key.to_owned(), value);
    }
    Ok(settings)
}

fn secrets(given: &[String]) -> Result<Vec<(String, PathBuf)>, Misuse> {
    let named = given.iter().map(|text| {
        let (key, file) = pair(text, "--secret")?;
        let file = fs::canonicalize(file).map_err(|error| {
            Misuse::new(
                format!("the file {file:?} for the secret {key:?}: {error}"),
                "",
            )
        })?;
        // Each case reads it for itself; here it is only seen that it can.
        let read = secret::read(key, &file).map(drop);
        read.map_err(|why| Misuse::new(why, "name a file that only you can read"))?;
        Ok((key.to_owned(), file))
    });
    named.collect()
}

/// The environment that the plugin gets; no variable of the loader is among it.
fn environment(given: &[String]) -> Result<Vec<(String, String)>, Misuse> {
    let named = given.iter().map(|text| {
        let (name, value) = pair(text, "--env")?;
        environment::check(name, value)
            .map_err(|why| Misuse::new(format!("--env {name}: {why}"), ""))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    named.collect()
}

fn pair<'a>(text: &'a str, option: &str) -> Result<(&'a str, &'a str), Misuse> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.ok_or_else(|| Misuse::new(format!("{option} {text:?} has no \"=\" in it"), ""))
}

/// A directory of this run alone.
fn scratch_directory() -> Result<PathBuf, Misuse> {
    let base = std::env::temp_dir();
    let base = fs::canonicalize(&base).unwrap_or(base);
    let mut error = None;
    for _ in 0..16 {
        let directory = base.join(format!("anchorhold-conform-{:016x}", seed()));
        match fs::DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => return Ok(directory),
            Err(why) => error = Some(why),
        }
    }
    let why = error.map(|why| why.to_string()).unwrap_or_default();
    Err(Misuse::new(
        format!("no directory can be made in {}: {why}", base.display()),
        "",
    ))
}

/// A number that differs each time.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}
