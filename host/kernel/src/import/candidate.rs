//! What is asked for, looked at before any store is: certificates, kinds, scope.

use time::OffsetDateTime;

use crate::import::commit::Expected;
use crate::import::fitness::{check, perhaps_a_root};
use crate::import::kind::{kind, named};
use crate::import::looks::Looks;
use crate::import::{Certificate, ImportError, Request};
use crate::verdict::quoted;
use crate::{CertificateKind, ScopeRow, ScopeTable, Servers};

/// One certificate, and what it is going to be.
pub(super) struct Candidate<'r> {
    pub(super) certificate: &'r Certificate,
    pub(super) kind: CertificateKind,
    pub(super) row: ScopeRow,
    /// Whether the scope table says so already.
    pub(super) scoped: bool,
    /// Whether it signed itself, as far as can be told.
    pub(super) self_signed: bool,
}

impl Candidate<'_> {
    /// What must be read back.
    pub(super) fn expected(&self) -> Expected {
        Expected::Held {
            fingerprint: self.certificate.facts.fingerprint,
            trusted: self.kind != CertificateKind::Intermediate,
        }
    }
}

/// The certificates of a request, if all of it can be; adds what is odd to the warnings.
pub(super) fn candidates<'r>(
    scope: &ScopeTable,
    request: &'r Request,
    looks: &Looks<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Candidate<'r>>, ImportError> {
    check_request(request)?;
    let mut candidates = Vec::new();
    for (place, certificate) in request.certificates.iter().enumerate() {
        let self_signed = looks.self_signed(place);
        let kind = kind(certificate, scope, request, (looks, place))?;
        warnings.extend(check(certificate, kind, &request.servers, self_signed)?);
        warnings.extend(date_warning(certificate, request.now));
        let old = scope.row(&certificate.facts.fingerprint);
        if old.is_none() && kind == CertificateKind::Pin && request.kind.is_none() {
            warnings.extend(perhaps_a_root(certificate, request.dry_run));
        }
        warnings.extend(old.and_then(|old| wider(certificate, old, &request.servers)));
        let servers = union(old.map(|row| &row.servers), &request.servers);
        let row = ScopeRow { kind, servers };
        let scoped = old == Some(&row);
        candidates.push(Candidate {
            certificate,
            kind,
            row,
            scoped,
            self_signed,
        });
    }
    Ok(candidates)
}

/// The servers of either.
pub(super) fn union(old: Option<&Servers>, new: &Servers) -> Servers {
    match (old, new) {
        (Some(Servers::Any), _) | (_, Servers::Any) => Servers::Any,
        (None, new) => new.clone(),
        (Some(Servers::Named(old)), Servers::Named(new)) => {
            Servers::Named(old.union(new).cloned().collect())
        }
    }
}

fn check_request(request: &Request) -> Result<(), ImportError> {
    if request.certificates.is_empty() {
        return Err(ImportError::input(
            "there is no certificate to import",
            "name a file",
        ));
    }
    if matches!(&request.servers, Servers::Named(names) if names.is_empty()) {
        return Err(ImportError::input(
            "it is not said which server the certificate is for",
            "say --server NAME, or --any-server for a CA that may vouch for every server",
        ));
    }
    let several = request.certificates.len() > 1;
    if several && (request.label.is_some() || request.replace.is_some()) {
        return Err(ImportError::input(
            format!(
                "there are {} certificates, and a label or a replacement is for one",
                request.certificates.len()
            ),
            "import them one by one, or without --label and --replace",
        ));
    }
    if request.strict && request.servers == Servers::Any {
        return Err(ImportError::input(
            "which servers become strict is not said",
            "name them with --server, or make them strict with: anchorhold server raise NAME",
        ));
    }
    Ok(())
}

/// What is to be said where a certificate vouches for more servers than it is imported for, and
/// nobody could tell from what was asked.
fn wider(certificate: &Certificate, old: &ScopeRow, asked: &Servers) -> Option<String> {
    let (Servers::Any, Servers::Named(names)) = (&old.servers, asked) else {
        return None;
    };
    let fingerprint = certificate.facts.fingerprint;
    let options: String = names
        .iter()
        .map(|name| format!(" --server {}", quoted(name.as_str())))
        .collect();
    Some(format!(
        "{} already vouches for any server; this narrows it: anchorhold scope \
         {fingerprint}{options}",
        named(certificate)
    ))
}

fn date_warning(certificate: &Certificate, now: OffsetDateTime) -> Option<String> {
    let facts = &certificate.facts;
    let now = now.unix_timestamp();
    if now > facts.not_after {
        let end = facts.not_after_text();
        return Some(format!(
            "{} expired at {end}: it is held, and vouches for nothing",
            named(certificate)
        ));
    }
    (now < facts.not_before).then(|| {
        format!(
            "{} is not valid before {}",
            named(certificate),
            facts.not_before_text()
        )
    })
}
