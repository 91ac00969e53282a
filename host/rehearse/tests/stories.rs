//! Every story goes as expected, and what is looked for on the wire can be found there.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its ground gives way"
)]

#[path = "store/keydb.rs"]
mod keydb;

use anchorhold_kernel::{Kernel, KernelOptions, Registry};
use anchorhold_rehearse::{MakePlans, Played, Rehearsal, StoryResult, play};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::timeout;

const WATCHDOG: Duration = Duration::from_secs(300);

async fn played(rehearsal: Rehearsal) -> Played {
    timeout(WATCHDOG, play(&rehearsal)).await.expect("in time")
}

fn failures(played: &Played) -> String {
    let steps = played.stories.iter().flat_map(|story| {
        let failed = story.steps.iter().filter(|step| !step.passed);
        failed.map(|step| {
            format!(
                "{} {}:\n  expected {}\n  got      {}\n",
                story.id, step.did, step.expected, step.got
            )
        })
    });
    steps.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_stories_go_as_expected() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let progress = {
        let told = Arc::clone(&told);
        Arc::new(move |story: &StoryResult| told.lock().expect("whole").push(story.id.clone()))
    };
    let played = played(Rehearsal::new(keydb::plans()).telling(progress)).await;
    assert_eq!(failures(&played), "");
    assert_eq!((played.passed, played.failed), (27, 0));
    let ids: Vec<_> = played
        .stories
        .iter()
        .map(|story| story.id.clone())
        .collect();
    assert_eq!(
        *told.lock().expect("whole"),
        ids,
        "each was told of, in order"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_stories_play_alone() {
    let rehearsal = Rehearsal::new(keydb::plans())
        .only(&["n8", "X11"])
        .expect("known");
    let played = played(rehearsal).await;
    let ids: Vec<_> = played
        .stories
        .iter()
        .map(|story| story.id.as_str())
        .collect();
    assert_eq!((ids, played.failed), (vec!["N8", "X11"], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_outlives_the_acts_is_left_empty() {
    let home = tempfile::tempdir().expect("a directory");
    let (plans, place) = (keydb::plans(), home.path().to_owned());
    let shared: MakePlans = Arc::new(move |_: &Path| plans(&place));
    let rehearsal = Rehearsal::new(Arc::clone(&shared))
        .only(&["F1", "X2", "X9"])
        .expect("known");
    let played = played(rehearsal.in_shared_stores()).await;
    assert_eq!((played.passed, played.failed), (3, 0), "{played:#?}");
    let kernel = Kernel::open(
        shared(home.path()),
        &Registry::builtin(),
        KernelOptions::default(),
    );
    let left = kernel.stores()[0].fresh_snapshot().expect("a listing");
    assert!(left.items().is_empty());
}

#[test]
fn an_unknown_story_names_those_that_there_are() {
    let error = Rehearsal::new(keydb::plans())
        .only(&["N9"])
        .expect_err("there is none");
    assert_eq!(error.id, "N9");
    assert!(error.to_string().contains("N8") && error.known.len() == 27);
}
