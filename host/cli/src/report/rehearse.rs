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
        headline(self, page)?;
        for step in &self.steps {
            if page.verbose || !step.passed {
                told(step, page)?;
            }
        }
        missing(self, page)
    }
}

fn headline(story: &Story, page: &mut Page<'_>) -> io::Result<()> {
    let (ink, word) = if story.passed {
        (Ink::Good, "ok    ")
    } else {
        (Ink::Bad, "FAILED")
    };
    page.marked(ink, word, &format!(" {:<4} {}", story.id, story.title))
}

fn missing(story: &Story, page: &mut Page<'_>) -> io::Result<()> {
    story
        .missing
        .iter()
        .try_for_each(|missing| page.line(&format!("       missing: {missing}")))
}

fn told(step: &Step, page: &mut Page<'_>) -> io::Result<()> {
    let mark = if step.passed { "-" } else { "!" };
    page.line(&format!("       {mark} {}", step.did))?;
    page.line(&format!("         expected: {}", step.expected))?;
    page.line(&format!("         got:      {}", step.got))
}

/// One of the operator's own servers: what it does before and after, also where nothing fails.
pub(crate) fn own(story: &Story, page: &mut Page<'_>) -> io::Result<()> {
    headline(story, page)?;
    for step in &story.steps {
        let mark = if step.passed { "-" } else { "!" };
        let (did, got) = (&step.did, without_missing(step));
        page.line(&format!("       {mark} {did}: {got}"))?;
    }
    missing(story, page)
}

/// What came of a step, without what is told below for all of them.
fn without_missing(step: &Step) -> String {
    match missing_of(&step.got) {
        Some(missing) if !step.passed => step.got.replacen(&format!("; missing: {missing}"), "", 1),
        _ => step.got.clone(),
    }
}

/// What a step says to be missing.
pub(crate) fn missing_of(got: &str) -> Option<&str> {
    let (_, missing) = got.split_once("; missing: ")?;
    Some(
        missing
            .split_once("; were ")
            .map_or(missing, |(missing, _)| missing),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_what_the_server_itself_needs() {
        let got = "refuse, certificate-needed, row 12; missing: anchorhold import --server A a.arm";
        assert_eq!(missing_of(got), Some("anchorhold import --server A a.arm"));
        let both = "refuse, x; missing: this; were its certificate CA-signed: y; missing: that";
        assert_eq!(missing_of(both), Some("this"));
        assert_eq!(missing_of("tls, held-certificate, row 4"), None);
    }

    #[test]
    fn own_servers_are_told_whole_and_what_is_missing_once() {
        let step = |did: &str, got: &str, passed| Step {
            did: did.to_owned(),
            expected: "a session".to_owned(),
            got: got.to_owned(),
            passed,
        };
        let story = Story {
            id: "TSM1".to_owned(),
            title: "your own server".to_owned(),
            passed: false,
            steps: vec![
                step("before", "plain, existing-protocol, row 9", true),
                step(
                    "after",
                    "refuse, certificate-needed, row 12; missing: import it",
                    false,
                ),
            ],
            missing: vec!["import it".to_owned()],
        };
        let mut out = Vec::new();
        own(&story, &mut Page::plain(&mut out, false)).expect("written");
        let text = String::from_utf8(out).expect("text");
        let expected = "FAILED TSM1 your own server\n\
                        \x20      - before: plain, existing-protocol, row 9\n\
                        \x20      ! after: refuse, certificate-needed, row 12\n\
                        \x20      missing: import it\n";
        assert_eq!(text, expected);
    }
}
