//! `rehearse`: the stories, against servers inside this process.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anchorhold_api as api;
use anchorhold_api::Story;
use anchorhold_kernel::Kernel;
use anchorhold_rehearse::operator::{self, OwnServers};
use anchorhold_rehearse::{MakePlans, Played, Progress, Rehearsal, StoryResult, play};

use super::holding::check_stores;
use crate::args::Rehearse;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::Invocation;
use crate::output::{Answer, Page, Reply};
use crate::report::{missing_of, own};

/// Plays the stories, or the operator's own servers.
pub(super) fn run(args: &Rehearse, home: &Home) -> Result<Reply, Failure> {
    let named = !args.stories.is_empty() || !args.stores.is_empty();
    let files_named = !home.globals().options.is_empty() || !home.globals().optfile.is_empty();
    if named && files_named {
        return Err(Failure::usage("usage", BOTH).remedy(ONE_OF_BOTH));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("system", "no threads for the servers").because(&error))?;
    let mut files = Vec::new();
    let played = if files_named {
        files.extend(
            home.servers()?
                .files
                .iter()
                .map(|file| file.display().to_string()),
        );
        runtime.block_on(operator::play(&own_servers(home)?))
    } else {
        runtime.block_on(play(&stories(args, home)?))
    };
    let exit = if played.failed == 0 {
        Exit::Done
    } else {
        Exit::No
    };
    if home.globals().json {
        return Ok(Reply::new(exit, document(played, files, &home.invocation)));
    }
    let (passed, failed) = (played.passed, played.failed);
    tell(|page| page.line(&format!("{passed} passed, {failed} failed")));
    Ok(Reply::said(exit))
}

fn own_servers(home: &Home) -> Result<OwnServers, Failure> {
    let servers = home.servers()?.all.clone();
    if servers.is_empty() {
        let message = "neither the option files nor anchorhold.toml name a server";
        return Err(Failure::usage("no-server", message));
    }
    Ok(OwnServers {
        context: home.context()?,
        servers,
        make_plans: throw_away(),
        progress: progress(home, own),
    })
}

fn stories(args: &Rehearse, home: &Home) -> Result<Rehearsal, Failure> {
    let mut rehearsal = match args.stores.is_empty() {
        true => Rehearsal::new(throw_away()),
        false => {
            let (registry, options) = (home.registry()?.clone(), home.options());
            Rehearsal::new(scratch(&args.stores, home)?)
                .in_shared_stores()
                .opening(Arc::new(move |plans| {
                    Kernel::open(plans, &registry, options.clone())
                }))
        }
    };
    if !args.stories.is_empty() {
        rehearsal = rehearsal
            .only(&args.stories)
            .map_err(|error| Failure::usage("unknown-story", error.to_string()))?;
    }
    Ok(match progress(home, Story::people) {
        Some(progress) => rehearsal.telling(progress),
        None => rehearsal,
    })
}

/// The store of a home that is thrown away: the one that an empty home has.
fn throw_away() -> MakePlans {
    Arc::new(|home: &Path| vec![Config::default_store(home)])
}

/// Stores of the operator's, which must be marked as such that may be written to.
fn scratch(names: &[String], home: &Home) -> Result<MakePlans, Failure> {
    check_stores(home, names)?;
    let mut plans = home.plans()?;
    plans.retain(|plan| names.contains(&plan.name));
    if let Some(plan) = plans.iter().find(|plan| !plan.scratch) {
        let message = format!(
            "a rehearsal writes to its stores, and store \"{}\" is not marked `scratch = true`",
            plan.name
        );
        return Err(Failure::usage("not-scratch", message)
            .remedy("mark a store that holds nothing of value, and name that"));
    }
    must_be_empty(names, home)?;
    Ok(Arc::new(move |_: &Path| plans.clone()))
}

/// A rehearsal empties its stores again, so that they must hold nothing that it did not put there.
fn must_be_empty(names: &[String], home: &Home) -> Result<(), Failure> {
    for store in names
        .iter()
        .filter_map(|name| home.kernel().ok()?.store(name))
    {
        let held = store.snapshot().map_err(|error| {
            Failure::failed("store-unavailable", "the stories cannot be played").because(&error)
        })?;
        if !held.items().is_empty() {
            let (name, count) = (store.name(), held.items().len());
            let message =
                format!("store \"{name}\" holds {count} items, and a rehearsal empties its stores");
            return Err(Failure::usage("store-not-empty", message)
                .remedy("mark a store that holds nothing, and name that"));
        }
    }
    Ok(())
}

/// Tells each story as it ends, where a person reads.
fn progress(home: &Home, told: fn(&Story, &mut Page<'_>) -> io::Result<()>) -> Option<Progress> {
    let (verbose, invocation) = (home.globals().verbose, home.invocation.clone());
    (!home.globals().json).then(|| -> Progress {
        Arc::new(move |result: &StoryResult| {
            let story = story(result.clone(), &invocation);
            tell(|page| {
                page.verbose = verbose;
                told(&story, page)
            });
        })
    })
}

/// Writes to standard output at once; whoever stopped reading still gets the exit status.
fn tell(write: impl FnOnce(&mut Page<'_>) -> io::Result<()>) {
    let mut out = io::stdout().lock();
    let _ = write(&mut Page::new(&mut out, false)).and_then(|()| out.flush());
}

fn document(played: Played, files: Vec<String>, invocation: &Invocation) -> api::Rehearsal {
    api::Rehearsal {
        stories: played
            .stories
            .into_iter()
            .map(|one| story(one, invocation))
            .collect(),
        passed: played.passed,
        failed: played.failed,
        files,
    }
}

fn story(story: StoryResult, invocation: &Invocation) -> Story {
    let failed = story.steps.iter().filter(|step| !step.passed);
    let mut missing: Vec<String> = Vec::new();
    for one in failed.filter_map(|step| missing_of(&step.got)) {
        let one = invocation.localize(one);
        if !missing.contains(&one) {
            missing.push(one);
        }
    }
    let steps = story.steps.into_iter().map(|step| api::Step {
        did: step.did,
        expected: step.expected,
        got: invocation.localize(&step.got),
        passed: step.passed,
    });
    Story {
        id: story.id,
        title: story.title,
        passed: story.passed,
        steps: steps.collect(),
        missing,
    }
}

/// Two rehearsals that are asked for at once.
const BOTH: &str = "--options plays your own servers, and --story and --store play the built-in \
                    stories: they exclude each other";
const ONE_OF_BOTH: &str = "leave out --options and --optfile, or --story and --store";
