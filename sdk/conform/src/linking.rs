//! A store in a runner, admitted, confined and opened as the host does it.

use std::path::Path;
use std::sync::Arc;

use anchorhold_boundary::StoreConfig;
use anchorhold_boundary::admit;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::{Code, Link, Program, Start};
use anchorhold_boundary::manifest::{Manifest, SettingKind};
use anchorhold_boundary::question::{Answer, Ask, Prompter, Question};
use anchorhold_boundary::sandbox::SandboxSpec;
use zeroize::Zeroizing;

use crate::bench::Bench;
use crate::host::Answers;
use crate::job;
use crate::store::Linked;

/// Opens the store in a runner.
pub(crate) fn open(bench: &Bench) -> Result<Linked, String> {
    let start = start(bench)?;
    let link = Link::start(start).map_err(|error| format!("open: {error}"))?;
    Ok(Linked(Box::new(link)))
}

fn start(bench: &Bench) -> Result<Start, String> {
    let job = bench.job();
    let manifest = bench
        .manifest()
        .ok_or("there is no manifest, without which no runner is started")?;
    let grants: Vec<Grant> = job
        .grants
        .iter()
        .map(|grant| Grant::parse(grant).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let code = code(job)?;
    let worked = SandboxSpec::work_out(manifest, &grants, &job.settings, Some(&job.scratch), None);
    let (mut sandbox, _) = worked.map_err(|error| error.to_string())?;
    if let Code::Library(admitted) = &code {
        sandbox.libraries.extend(admitted.file().libraries());
    }
    let mut config = StoreConfig::new("conform");
    config.state_dir = Some(job.scratch.join("state"));
    config.prompter = Some(Arc::new(Stored(bench.stored())));
    let mut files = Vec::new();
    for (key, value) in &job.settings {
        if !is_library(manifest, key) {
            config.settings.push((key.clone(), value.clone()));
            continue;
        }
        let file = admit::admit_file(Path::new(value), None).map_err(|why| why.to_string())?;
        sandbox.libraries.extend(file.libraries());
        files.push((key.clone(), file));
    }
    let mut start = Start::new(program(job)?, code, config);
    let environment = job.environment.iter();
    start.environment = environment
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    start.files = files;
    start.sandbox = sandbox;
    Ok(start)
}

fn is_library(manifest: &Manifest, key: &str) -> bool {
    let schema = manifest.settings.get(key);
    schema.is_some_and(|schema| schema.kind == SettingKind::Library)
}

fn code(job: &job::Job) -> Result<Code, String> {
    let path = match (&job.code, &job.manifest_path) {
        (job::Code::Builtin(id), _) => return Ok(Code::Builtin(id.clone())),
        (job::Code::Library(_), None) => return Err("there is no manifest".to_owned()),
        (job::Code::Library(_), Some(path)) => path,
    };
    let inspected = admit::inspect(path).map_err(|refusal| refusal.to_string())?;
    let admitted = admit::admit(path, &inspected.pins).map_err(|refusal| refusal.to_string())?;
    Ok(Code::Library(admitted))
}

fn program(job: &job::Job) -> Result<Program, String> {
    let words = job.runner.as_deref().unwrap_or_default();
    let (path, arguments) = words
        .split_first()
        .ok_or("it is not said how a runner is started")?;
    Ok(Program {
        path: path.into(),
        arguments: arguments.to_vec(),
    })
}

/// Answers with what the operator stored.
struct Stored(Answers);

impl Prompter for Stored {
    fn answer(&self, question: &Question) -> Answer {
        let Answers::Stored(stored) = &self.0 else {
            return Answer::Refused;
        };
        let setting = question.setting.as_deref().unwrap_or_default();
        match (question.ask, stored.get(setting)) {
            (Ask::Confirm | Ask::Touch, _) => Answer::Yes,
            (_, Some(_)) if question.again => Answer::Refused,
            (_, Some(secret)) => Answer::Secret(Zeroizing::new(secret.to_vec())),
            (_, None) => Answer::Refused,
        }
    }
}
