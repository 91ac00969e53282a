//! What was found wrong, for people.

use std::io;

use anchorhold_api::{Diagnosis, Finding};

use crate::output::{Answer, Ink, Page, counted};

impl Answer for Diagnosis {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        if page.verbose {
            let mut files = self.files.iter();
            files.try_for_each(|file| page.line(&format!("options: {file}")))?;
        }
        for (severity, ink, heading) in [
            ("error", Ink::Bad, counted(self.errors, "error")),
            ("warning", Ink::Odd, counted(self.warnings, "warning")),
            ("note", Ink::Good, counted(self.notes, "note")),
        ] {
            let mut group = self
                .findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .peekable();
            if group.peek().is_some() {
                page.marked(ink, &heading, ":")?;
                group.try_for_each(|finding| one(finding, page))?;
                page.line("")?;
            }
        }
        if let Some(bundle) = &self.bundle {
            page.line(&format!(
                "{bundle} holds what support needs, and no secret; look at it before it is sent"
            ))?;
        }
        if self.errors == 0 && self.warnings == 0 {
            return page.marked(Ink::Good, "nothing to mend", "");
        }
        let (errors, warnings) = (
            counted(self.errors, "error"),
            counted(self.warnings, "warning"),
        );
        let ink = if self.errors > 0 { Ink::Bad } else { Ink::Odd };
        page.marked(ink, &errors, &format!(", {warnings}"))
    }
}

fn one(finding: &Finding, page: &mut Page<'_>) -> io::Result<()> {
    page.line(&format!(
        "  {}: {} ({})",
        finding.about, finding.message, finding.code
    ))?;
    page.line(&format!("    remedy: {}", finding.remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: &str, about: &str) -> Finding {
        Finding {
            code: "some-code".to_owned(),
            severity: severity.to_owned(),
            about: about.to_owned(),
            message: "it is wrong".to_owned(),
            remedy: "mend it".to_owned(),
        }
    }

    fn page(findings: Vec<Finding>, counts: [u64; 3], bundle: Option<&str>) -> String {
        let [errors, warnings, notes] = counts;
        let diagnosis = Diagnosis {
            findings,
            errors,
            warnings,
            notes,
            bundle: bundle.map(ToOwned::to_owned),
            files: vec!["dsm.sys".to_owned()],
        };
        let mut out = Vec::new();
        let written = diagnosis.people(&mut Page::plain(&mut out, false));
        written.expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_worst_stands_first_and_the_count_last() {
        let findings = vec![
            finding("error", "a"),
            finding("warning", "b"),
            finding("warning", "c"),
            finding("note", "d"),
        ];
        let text = page(findings, [1, 2, 1], None);
        let expected = "1 error:\n  a: it is wrong (some-code)\n    remedy: mend it\n\n\
                        2 warnings:\n  b: it is wrong (some-code)\n    remedy: mend it\n  \
                        c: it is wrong (some-code)\n    remedy: mend it\n\n\
                        1 note:\n  d: it is wrong (some-code)\n    remedy: mend it\n\n\
                        1 error, 2 warnings\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn there_is_nothing_to_mend_where_only_notes_are_left() {
        assert_eq!(page(Vec::new(), [0; 3], None), "nothing to mend\n");
        let text = page(vec![finding("note", "d")], [0, 0, 1], Some("b.json"));
        assert!(text.ends_with("sent\nnothing to mend\n"), "{text}");
        assert!(text.contains("b.json"), "{text}");
    }
}
