//! What a rehearsal came to, for people: one line a story, and the steps of those that failed.

use std::io;

use anchorhold_api::{Rehearsal, Step, Story};

use crate::output::{Answer, Ink, Page};

impl Answer for Rehearsal {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        self.stories
            .iter()
            .try_for_each(|story| story.people(page))?;
        page.line(&format!("{} passed, {} failed", self.passed, self.failed))
    }
}

impl Answer for Story {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (ink, word) = if self.passed {
            (Ink::Good, "ok    ")
        } else {
            (Ink::Bad, "FAILED")
        };
        page.marked(ink, word, &format!(" {:<4} {}", self.id, self.title))?;
        for step in &self.steps {
            if page.verbose || !step.passed {
                told(step, page)?;
            }
        }
        self.missing
            .iter()
            .try_for_each(|missing| page.line(&format!("       missing: {missing}")))
    }
}

fn told(step: &Step, page: &mut Page<'_>) -> io::Result<()> {
    let mark = if step.passed { "-" } else { "!" };
    page.line(&format!("       {mark} {}", step.did))?;
    page.line(&format!("         expected: {}", step.expected))?;
    page.line(&format!("         got:      {}", step.got))
}
