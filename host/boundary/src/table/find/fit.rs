//! Whether an item is what was asked for.

use sha2::{Digest, Sha256};

use crate::adopt::der;
use crate::item::{Item, Kind};
use crate::query::{By, Query};

/// What an item is to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Its bytes are broken, so that nothing in it could apply.
    Broken,
    /// It was asked for.
    Fits,
    /// It was not, and why.
    Other(&'static str),
}

/// Names and numbers are compared byte by byte. The purpose is not looked at: it only spares a
/// store what the host would drop.
pub(super) fn fit(query: &Query, item: &Item) -> Fit {
    if !query.kinds.is_empty() && !query.kinds.contains(&item.kind) {
        return Fit::Other("it is of another kind");
    }
    match &query.by {
        By::Id(id) => same(item.id.0 == *id, "its id is another one"),
        By::Sha256(digest) => same(sha256(&item.der) == *digest, "its digest is another one"),
        By::SpkiSha256(digest) => fit_key(item, digest),
        By::Subject(name) => fit_subject(item, name),
        By::IssuerSerial { issuer, serial } => fit_issuer_serial(item, issuer, serial),
    }
}

fn fit_key(item: &Item, digest: &[u8; 32]) -> Fit {
    let why = "its public key is another one";
    match item.kind {
        Kind::Certificate => match der::certificate(&item.der) {
            Some(parts) => same(sha256(parts.public_key) == *digest, why),
            None => Fit::Broken,
        },
        Kind::PrivateKey => same(sha256(&item.der) == *digest, why),
        Kind::SpkiSha256 => same(item.der == digest, why),
        Kind::Crl | Kind::IssuerSerial => Fit::Other("it has no public key"),
    }
}

/// The subject of a revocation list is who issues it.
fn fit_subject(item: &Item, name: &[u8]) -> Fit {
    let subject = match item.kind {
        Kind::Certificate => der::certificate(&item.der).map(|parts| parts.subject),
        Kind::Crl => der::issuer_of_list(&item.der),
        Kind::IssuerSerial | Kind::PrivateKey | Kind::SpkiSha256 => {
            return Fit::Other("it has no subject");
        }
    };
    match subject {
        Some(subject) => same(subject == name, "its subject is another one"),
        None => Fit::Broken,
    }
}

fn fit_issuer_serial(item: &Item, issuer: &[u8], serial: &[u8]) -> Fit {
    let parts = match item.kind {
        Kind::Certificate => der::certificate(&item.der).map(|parts| (parts.issuer, parts.serial)),
        Kind::IssuerSerial => der::issuer_and_serial(&item.der),
        Kind::Crl | Kind::PrivateKey | Kind::SpkiSha256 => {
            return Fit::Other("it has no serial number");
        }
    };
    match parts {
        Some(parts) => same(
            parts == (issuer, serial),
            "its issuer or its serial number is another one",
        ),
        None => Fit::Broken,
    }
}

fn same(same: bool, why: &'static str) -> Fit {
    if same { Fit::Fits } else { Fit::Other(why) }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adopt::der::sample;

    fn item(kind: Kind, der: &[u8]) -> Item {
        let mut item = Item::certificate(der.to_vec(), "label".to_owned());
        item.kind = kind;
        item.id.0 = b"id".to_vec();
        item
    }

    fn fits(by: By, item: &Item) -> bool {
        match fit(&Query::new(by), item) {
            Fit::Fits => true,
            Fit::Other(_) => false,
            Fit::Broken => panic!("broken"),
        }
    }

    #[test]
    fn certificate_is_found_by_everything_in_it_and_by_nothing_else() {
        let der = sample::certificate();
        let held = item(Kind::Certificate, &der);
        let key = sha256(&sample::public_key());
        assert!(fits(By::Subject(sample::name("subject")), &held));
        assert!(!fits(By::Subject(sample::name("issuer")), &held));
        assert!(fits(By::Sha256(sha256(&der)), &held));
        assert!(!fits(By::Sha256(key), &held));
        assert!(fits(By::SpkiSha256(key), &held));
        assert!(!fits(By::SpkiSha256(sha256(&der)), &held));
        assert!(fits(By::Id(b"id".to_vec()), &held));
        assert!(!fits(By::Id(b"other".to_vec()), &held));
        let by = |issuer, serial: &[u8]| By::IssuerSerial {
            issuer: sample::name(issuer),
            serial: serial.to_vec(),
        };
        assert!(fits(by("issuer", &[0x11]), &held));
        assert!(!fits(by("issuer", &[0x12]), &held));
        assert!(!fits(by("subject", &[0x11]), &held));
    }

    #[test]
    fn other_kinds_are_found_by_what_they_have() {
        let key = sample::public_key();
        assert!(fits(
            By::SpkiSha256(sha256(&key)),
            &item(Kind::PrivateKey, &key)
        ));
        assert!(fits(
            By::SpkiSha256([7; 32]),
            &item(Kind::SpkiSha256, &[7; 32])
        ));
        assert!(!fits(
            By::SpkiSha256([8; 32]),
            &item(Kind::SpkiSha256, &[7; 32])
        ));
        let list = item(Kind::Crl, &sample::revocation_list());
        assert!(fits(By::Subject(sample::name("issuer")), &list));
        assert!(!fits(By::Subject(sample::name("subject")), &list));
        let entry = item(Kind::IssuerSerial, &sample::issuer_and_serial());
        let by = By::IssuerSerial {
            issuer: sample::name("issuer"),
            serial: vec![0x11],
        };
        assert!(fits(by.clone(), &entry));
        assert!(!fits(by, &list));
        assert!(!fits(By::Subject(sample::name("issuer")), &entry));
        assert!(!fits(By::SpkiSha256([7; 32]), &entry));
    }

    #[test]
    fn kind_that_was_not_asked_for_does_not_fit() {
        let der = sample::certificate();
        let mut query = Query::new(By::Sha256(sha256(&der)));
        query.kinds = vec![Kind::Crl];
        let held = item(Kind::Certificate, &der);
        assert!(matches!(fit(&query, &held), Fit::Other(_)));
        query.kinds.push(Kind::Certificate);
        assert_eq!(fit(&query, &held), Fit::Fits);
    }

    #[test]
    fn broken_bytes_are_neither() {
        let held = item(Kind::Certificate, b"\x30\x03\x30\x01\x00");
        let query = Query::new(By::Subject(sample::name("subject")));
        assert_eq!(fit(&query, &held), Fit::Broken);
    }
}
