//! What is in scope for a server and that no store holds any more.

use std::collections::BTreeSet;

use anchorhold_api as api;
use anchorhold_kernel::{Fingerprint, ServerName, Servers};

use super::holding::{Holding, kind_word, scoped_servers};
use crate::exit::Failure;
use crate::home::Home;
use crate::report;

/// What is missing of all that is in scope, or of what is for one server.
pub(super) fn look(
    home: &Home,
    server: Option<&ServerName>,
    holding: &Holding,
) -> Result<Vec<api::Missing>, Failure> {
    let rows = holding.scope.rows.iter();
    let rows: Vec<_> = rows
        .filter(|(_, row)| match server {
            Some(server) => row.servers.contains(server),
            None => row.servers != Servers::Named(BTreeSet::new()),
        })
        .collect();
    // Each is looked up, and there may be very many of both.
    let here = fingerprints(holding);
    if rows.iter().all(|(one, _)| here.contains(one)) {
        return Ok(Vec::new());
    }
    let all = Holding::look(home, &[])?;
    // What a store that does not answer holds, nobody knows.
    if !all.failed.is_empty() {
        return Ok(Vec::new());
    }
    let held = fingerprints(&all);
    let missing = rows.into_iter().filter(|(one, _)| !held.contains(one));
    Ok(missing
        .map(|(one, row)| {
            let servers = scoped_servers(Some(&row.servers));
            api::Missing {
                message: message(one, &servers),
                sha256: one.to_string(),
                kind: kind_word(row.kind).to_owned(),
                servers,
            }
        })
        .collect())
}

fn fingerprints(holding: &Holding) -> BTreeSet<Fingerprint> {
    let entries = holding.entries.iter();
    entries.map(|entry| entry.fingerprint).collect()
}

/// What ends it: the certificate, or the scope.
pub(super) fn remedy(missing: &[api::Missing]) -> Option<String> {
    let words: Vec<&str> = missing.iter().map(|one| &*one.sha256).collect();
    (!words.is_empty()).then(|| {
        format!(
            "import it again, or take its scope away: anchorhold scope {} --none",
            words.join(" ")
        )
    })
}

fn message(one: &Fingerprint, servers: &api::Servers) -> String {
    let short: String = one.to_string().chars().take(SHORTEST).collect();
    let whom = match servers {
        api::Servers::Any => "any server".to_owned(),
        named => report::servers(named),
    };
    format!("{short}, in scope for {whom}, is in no store")
}

/// As many digits as are enough to be typed again.
const SHORTEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_whom_it_is_for_and_what_ends_it() {
        let servers = api::Servers::Named(vec!["T1".to_owned(), "T2".to_owned()]);
        let one = Fingerprint([0xAB; 32]);
        let message = message(&one, &servers);
        assert_eq!(message, "abababab, in scope for T1, T2, is in no store");
        let missing = api::Missing {
            sha256: one.to_string(),
            servers,
            kind: "pin".to_owned(),
            message,
        };
        let remedy = remedy(&[missing]).expect("a remedy");
        assert!(remedy.ends_with(&format!("anchorhold scope {one} --none")));
        assert_eq!(super::remedy(&[]), None);
    }
}
