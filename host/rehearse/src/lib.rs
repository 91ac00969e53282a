//! The rehearsal: servers of every level in this process, a tap on the wire, and the stories.
//!
//! Every story plays over real sockets on 127.0.0.1, in a home of its own that is gone
//! afterwards. This crate names no plugin: whoever calls it says which stores there are.
#![forbid(unsafe_code)]

pub mod certificate;
pub mod operator;
pub mod program;
pub mod server;
mod stage;
pub mod story;
pub mod tap;

use anchorhold_kernel::plan::StorePlan;
use anchorhold_kernel::{Kernel, KernelOptions, Registry};
use anchorhold_session::context::Context;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use story::Story;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Makes the stores of a home; the first of them takes what is accepted and imported.
pub type MakePlans = Arc<dyn Fn(&Path) -> Vec<StorePlan> + Send + Sync>;

/// Opens stores, through the plugins that there are.
pub type OpenStores = Arc<dyn Fn(Vec<StorePlan>) -> Kernel + Send + Sync>;

/// Is told of each story when it has ended, in the order of the manual.
pub type Progress = Arc<dyn Fn(&StoryResult) + Send + Sync>;

/// Has the last word on what sign-ons work with; the knife of the tests that see stories fail.
pub type Knife = Arc<dyn Fn(&mut Context) + Send + Sync>;

/// What is to be played, and with what.
#[derive(Clone)]
pub struct Rehearsal {
    make_plans: MakePlans,
    open_stores: OpenStores,
    stories: Vec<Story>,
    at_once: usize,
    shared_stores: bool,
    progress: Option<Progress>,
    knife: Option<Knife>,
}

impl fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.stories.iter().map(|story| story.id).collect();
        f.debug_struct("Rehearsal")
            .field("stories", &ids)
            .finish_non_exhaustive()
    }
}

impl Rehearsal {
    /// All stories, some of them at once.
    pub fn new(make_plans: MakePlans) -> Self {
        Self {
            make_plans,
            open_stores: Arc::new(|plans| {
                Kernel::open(plans, &Registry::builtin(), KernelOptions::default())
            }),
            stories: story::all(),
            at_once: AT_ONCE,
            shared_stores: false,
            progress: None,
            knife: None,
        }
    }

    /// Only the stories of these ids; case does not count.
    pub fn only<S: AsRef<str>>(mut self, ids: &[S]) -> Result<Self, UnknownStory> {
        let known = |id: &str| {
            self.stories
                .iter()
                .any(|story| story.id.eq_ignore_ascii_case(id))
        };
        if let Some(id) = ids.iter().map(AsRef::as_ref).find(|id| !known(id)) {
            return Err(UnknownStory {
                id: id.to_owned(),
                known: self.stories.iter().map(|story| story.id).collect(),
            });
        }
        let wanted = |id: &str| {
            ids.iter()
                .any(|wanted| wanted.as_ref().eq_ignore_ascii_case(id))
        };
        self.stories.retain(|story| wanted(story.id));
        Ok(self)
    }

    /// The stores are no throw-away ones: no act plays beside another, and each empties them
    /// again. They must be empty before the first.
    #[must_use]
    pub fn in_shared_stores(mut self) -> Self {
        self.at_once = 1;
        self.shared_stores = true;
        self
    }

    /// The stores are opened through other plugins than those that are linked in.
    #[must_use]
    pub fn opening(mut self, open_stores: OpenStores) -> Self {
        self.open_stores = open_stores;
        self
    }

    /// Somebody wants to know how it goes.
    #[must_use]
    pub fn telling(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Changes what every sign-on works with, which makes stories fail.
    #[must_use]
    pub fn under(mut self, knife: Knife) -> Self {
        self.knife = Some(knife);
        self
    }
}

/// An id that no story has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStory {
    /// The id.
    pub id: String,
    /// The ids that there are.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownStory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no story is called \"{}\"; there are {}",
            self.id,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownStory {}

/// How a rehearsal went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Every story, in the order of the manual.
    pub stories: Vec<StoryResult>,
    /// How many went as expected.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
}

/// How one story went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryResult {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Whether every step went as expected.
    pub passed: bool,
    /// Its steps.
    pub steps: Vec<StepResult>,
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// What was done.
    pub did: String,
    /// What was to come of it.
    pub expected: String,
    /// What came of it.
    pub got: String,
    /// Whether that is the same.
    pub passed: bool,
}

impl StoryResult {
    pub(crate) fn new(id: String, title: String, steps: Vec<StepResult>) -> Self {
        let passed = !steps.is_empty() && steps.iter().all(|step| step.passed);
        Self {
            id,
            title,
            passed,
            steps,
        }
    }
}

impl Played {
    fn add(&mut self, story: StoryResult) {
        if story.passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.stories.push(story);
    }
}

/// Plays the stories.
pub async fn play(rehearsal: &Rehearsal) -> Played {
    let turns = Arc::new(Semaphore::new(rehearsal.at_once));
    let mut running = Vec::new();
    for story in &rehearsal.stories {
        let acts = story.acts.iter().map(|act| {
            let troupe = stage::Troupe {
                make_plans: Arc::clone(&rehearsal.make_plans),
                open_stores: Arc::clone(&rehearsal.open_stores),
                knife: rehearsal.knife.clone(),
                shared_stores: rehearsal.shared_stores,
            };
            let (act, turns) = (act.clone(), Arc::clone(&turns));
            Running::start(async move {
                // The semaphore is never closed; without a turn the act would only come early.
                let _turn = turns.acquire_owned().await;
                stage::play(&troupe, &act).await
            })
        });
        running.push((story, acts.collect::<Vec<_>>()));
    }
    let mut played = Played::default();
    for (story, acts) in running {
        let mut steps = Vec::new();
        for act in acts {
            steps.extend(act.end().await);
        }
        let result = StoryResult::new(story.id.to_owned(), story.title.to_owned(), steps);
        if let Some(progress) = &rehearsal.progress {
            progress(&result);
        }
        played.add(result);
    }
    played
}

/// Something that is played beside other things, and ends at once when nobody waits for it.
pub(crate) struct Running(JoinHandle<Vec<StepResult>>);

impl Running {
    pub(crate) fn start(playing: impl Future<Output = Vec<StepResult>> + Send + 'static) -> Self {
        Self(tokio::spawn(playing))
    }

    pub(crate) async fn end(mut self) -> Vec<StepResult> {
        match (&mut self.0).await {
            Ok(steps) => steps,
            Err(error) => vec![broken_off(&error.to_string())],
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A step that stands for an act that did not come to its end.
pub(crate) fn broken_off(why: &str) -> StepResult {
    StepResult {
        did: "play to the end".to_owned(),
        expected: "an end".to_owned(),
        got: format!("error: {why}"),
        passed: false,
    }
}

/// How many acts play at once: their time goes by in waiting for disks.
const AT_ONCE: usize = 8;
