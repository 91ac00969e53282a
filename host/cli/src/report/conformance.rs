//! What a plugin came to that was held against its contract, for people: one line a case.

use std::io;

use anchorhold_api::{CheckedCase, PluginCheck};

use crate::output::{Answer, Ink, Page};

impl Answer for PluginCheck {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        for case in &self.cases {
            page.line(&format!("{:33}{}", case.id, case.message))?;
        }
        Ok(())
    }
}

/// One case, as soon as it is over.
pub(crate) fn checked_case(case: &CheckedCase, page: &mut Page<'_>) -> io::Result<()> {
    let ink = match case.result.as_str() {
        "passed" => Ink::Good,
        "failed" | "crashed" => Ink::Bad,
        _ => Ink::Odd,
    };
    let rest = format!(" {:33}{}", case.id, case.message.replace('\n', " "));
    page.marked(ink, &format!("{:7}", case.result), &rest)
}
