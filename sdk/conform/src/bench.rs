//! What a case has to work with: the plugin, loaded and opened as the job says.

use std::collections::BTreeMap;

use anchorhold_boundary::manifest::{Manifest, SettingKind};
use zeroize::Zeroizing;

use crate::host::{Answers, Offer};
use crate::job::Job;
use crate::library::{Loaded, Plugin};
use crate::machine::{Usage, Used};
use crate::secret;
use crate::store::{Anywhere, Refusal, Setup, Store};

/// One case's work place; it is never shown, for the secrets in it.
pub(crate) struct Bench {
    job: Job,
    manifest: Option<Manifest>,
    /// What the operator stored for questions, read while its files can be reached.
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// How the sandbox was put on; a note says what is missing of it.
    pub(crate) confinement: Option<String>,
    usage: Usage,
}

impl Bench {
    /// Makes one; to be made before the sandbox is put on.
    pub(crate) fn new(job: Job) -> Result<Self, String> {
        let manifest = job.manifest.as_deref().map(Manifest::parse).transpose();
        let manifest = manifest.map_err(|error| format!("its manifest: {error}"))?;
        let secrets = job.secrets.iter();
        let secrets = secrets.map(|(key, file)| Ok((key.clone(), secret::read(key, file)?)));
        Ok(Self {
            secrets: secrets.collect::<Result<_, String>>()?,
            job,
            manifest,
            confinement: None,
            usage: Usage::open(),
        })
    }

    /// What is to be done.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// What this process uses now.
    pub(crate) fn usage(&self) -> Option<Used> {
        self.usage.now()
    }

    /// What the plugin says of itself.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The plugin's tables.
    pub(crate) fn plugin(&self) -> Result<Plugin, String> {
        let loaded = Loaded::load(&self.job.code)?;
        Plugin::read(loaded.table())
    }

    /// What the store is opened with.
    pub(crate) fn setup(&self) -> Setup {
        let state_dir = self.job.scratch.join("state");
        Setup {
            settings: self.job.settings.clone(),
            state_dir: state_dir.to_string_lossy().into_owned(),
            offer: self.offer(self.stored()),
            no_error: false,
        }
    }

    /// A host with somebody who answers.
    pub(crate) fn offer(&self, answers: Answers) -> Offer {
        let secrets = self.manifest.as_ref().map(|manifest| {
            let settings = manifest.settings.iter();
            settings
                .filter(|(_, schema)| schema.kind == SettingKind::Secret)
                .map(|(key, _)| key.clone())
                .collect()
        });
        Offer {
            answers,
            secrets,
            ..Offer::default()
        }
    }

    /// What the operator stored for questions.
    pub(crate) fn stored(&self) -> Answers {
        Answers::Stored(self.secrets.clone())
    }

    /// Whether there is a secret for questions.
    pub(crate) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Opens the store, bare.
    pub(crate) fn open(&self) -> Result<Store, String> {
        self.open_with(&self.setup())
            .map_err(|refusal| refusal.to_string())
    }

    /// Opens a store, bare, in another way.
    pub(crate) fn open_with(&self, setup: &Setup) -> Result<Store, Refusal> {
        let plugin = self.plugin().map_err(|message| Refusal {
            call: String::new(),
            status: anchorhold_abi::AH_INTERNAL,
            message,
        })?;
        Store::open(&plugin, setup)
    }

    /// Opens the store where the job says that it is.
    pub(crate) fn store(&self) -> Result<Box<dyn Anywhere>, String> {
        if self.job.runner.is_some() {
            return Ok(Box::new(crate::linking::open(self)?));
        }
        Ok(Box::new(self.open()?))
    }
}
