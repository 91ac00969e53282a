//! The stories as data: what is done, step by step, and what is expected, written by hand.
//!
//! No expected value is computed from the rules: a story says what a person who has read the
//! manual expects, and fails where the program differs.

mod action;
mod adverse;
mod expected;
mod fast;
mod manual;

pub use action::{Action, Certificate, Change, Disaster, Door, Paper, Script};
pub(crate) use expected::{EXISTING, INSIDE_TLS, YES};
pub use expected::{Expected, Field, Observed};

use anchorhold_session::level::Level;
use anchorhold_session::policy::ServerTable;
use std::time::Duration;

/// One story of the rules.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its id: N, F or X and a number.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// Its acts; each plays from the start in a home of its own.
    pub acts: Vec<Act>,
}

/// One run through a story, from an empty home.
#[derive(Clone, Debug)]
pub struct Act {
    /// What tells it from the other acts of its story; empty where there is one only.
    pub name: &'static str,
    /// The servers.
    pub cast: Vec<Part>,
    /// What happens.
    pub steps: Vec<Step>,
    /// How long the client waits for the answer to the level question.
    pub patience: Duration,
}

/// One server of an act, as it is at the start, and the operator's word on it.
#[derive(Clone, Debug)]
pub struct Part {
    /// The name of its stanza.
    pub name: &'static str,
    /// Its level.
    pub level: Level,
    /// Whether it has an SSL-only port besides the common one.
    pub ssl_only: bool,
    /// What it presents.
    pub paper: Paper,
    /// Whether it authenticates with LDAP and tells so inside TLS.
    pub ldap: bool,
    /// The stanza, without the address.
    pub script: Script,
    /// The server of another part stands behind this stanza too.
    pub same_as: Option<&'static str>,
}

/// One step: what is done, and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done, for people.
    pub did: &'static str,
    /// What is done.
    pub actions: Vec<Action>,
    /// What must come of it.
    pub expected: Expected,
}

impl Part {
    fn new(name: &'static str, level: Level) -> Self {
        Self {
            name,
            level,
            ssl_only: false,
            paper: Paper::Stock,
            ldap: false,
            script: Script {
                door: Door::Common,
                options: &[],
                policy: ServerTable::default(),
            },
            same_as: None,
        }
    }

    fn options(mut self, options: &'static [&'static str]) -> Self {
        self.script.options = options;
        self
    }

    fn policy(mut self, policy: ServerTable) -> Self {
        self.script.policy = policy;
        self
    }

    fn presents(mut self, paper: Paper) -> Self {
        self.paper = paper;
        self
    }

    /// The server has an SSL-only port, and the stanza leads there.
    fn on_ssl_only_port(mut self) -> Self {
        self.ssl_only = true;
        self.script.door = Door::SslOnly;
        self
    }
}

impl Act {
    fn new(name: &'static str, cast: Vec<Part>, steps: Vec<Step>) -> Self {
        Self {
            name,
            cast,
            steps,
            patience: PATIENCE,
        }
    }
}

/// Every story, in the order of the manual.
pub fn all() -> Vec<Story> {
    [manual::stories(), fast::stories(), adverse::stories()].concat()
}

fn step(did: &'static str, actions: Vec<Action>, expected: Expected) -> Step {
    Step {
        did,
        actions,
        expected,
    }
}

/// Long enough for a busy machine: where a story wants no answer, it says so and waits less.
const PATIENCE: Duration = Duration::from_secs(15);

const EARLIER: Level = Level::new(8, 1, 1, 0);
const ENHANCED: Level = Level::new(8, 1, 2, 0);

#[cfg(test)]
mod tests {
    use super::*;
    use anchorhold_session::accept;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_twenty_seven_stories_each_with_steps() {
        let stories = all();
        let ids: BTreeSet<_> = stories.iter().map(|story| story.id).collect();
        assert_eq!((stories.len(), ids.len()), (27, 27));
        for story in &stories {
            assert!(
                story.acts.iter().all(|act| !act.steps.is_empty()),
                "{}",
                story.id
            );
            let named: BTreeSet<_> = story.acts.iter().map(|act| act.name).collect();
            assert_eq!(named.len(), story.acts.len(), "{}", story.id);
        }
    }

    #[test]
    fn every_row_is_the_expected_answer_of_a_step() {
        let mut rows = BTreeSet::new();
        for act in all().iter().flat_map(|story| &story.acts) {
            rows.extend(
                act.steps
                    .iter()
                    .filter_map(|step| step.expected.value(Field::Row)?.parse::<u8>().ok()),
            );
        }
        assert_eq!(rows, (1..=17).collect());
    }

    #[test]
    fn every_step_expects_something() {
        for story in all() {
            for step in story.acts.iter().flat_map(|act| &act.steps) {
                assert!(!step.expected.is_empty(), "{}: {}", story.id, step.did);
                assert!(!step.actions.is_empty(), "{}: {}", story.id, step.did);
            }
        }
    }

    #[test]
    fn the_machine_dies_after_every_step_of_an_acceptance() {
        let mut steps = Vec::new();
        for act in all().iter().flat_map(|story| &story.acts) {
            steps.extend(
                act.steps
                    .iter()
                    .flat_map(|step| &step.actions)
                    .filter_map(|action| match action {
                        Action::DieAfter(_, step) => Some(*step),
                        _ => None,
                    }),
            );
        }
        assert_eq!(steps, accept::Step::ALL);
    }

    #[test]
    fn the_stories_with_both_kinds_of_certificate_have_two_acts() {
        for id in ["N1", "N3", "N5", "N6"] {
            let story = all()
                .into_iter()
                .find(|story| story.id == id)
                .expect("a story");
            let papers: Vec<_> = story.acts.iter().map(|act| act.cast[0].paper).collect();
            assert_eq!(papers, [Paper::Stock, Paper::Signed], "{id}");
        }
    }
}
