//! What is held, for people.

use std::io;

use anchorhold_api::{Certificate, List};

use super::{day, servers, short};
use crate::output::{Answer, Page};

impl Answer for List {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.certificates.is_empty() && self.failed_stores.is_empty() {
            page.line("nothing is held")?;
        }
        if !self.certificates.is_empty() {
            let rows: Vec<Vec<String>> = self.certificates.iter().map(row).collect();
            let head = [
                "SHA-256",
                "KIND",
                "SERVERS",
                "NOT AFTER",
                "STORE",
                "LABEL",
                "SUBJECT",
                "NOTE",
            ];
            page.table(&head, &rows)?;
        }
        let failed = self.failed_stores.iter().map(|failed| {
            format!(
                "what store \"{}\" holds is missing: {}",
                failed.store, failed.message
            )
        });
        let missing = self.missing.iter().map(|one| one.message.clone());
        page.advice(&failed.chain(missing).collect::<Vec<_>>(), None, None)
    }
}

fn row(certificate: &Certificate) -> Vec<String> {
    vec![
        short(&certificate.sha256).to_owned(),
        certificate.kind.clone(),
        servers(&certificate.servers),
        day(&certificate.not_after).to_owned(),
        certificate.store.clone(),
        certificate.label.clone(),
        certificate.subject.clone(),
        certificate.note.clone().unwrap_or_default(),
    ]
}
