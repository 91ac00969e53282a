//! Tests of one database, the same for either format.

use std::path::Path;

use crate::error::DatabaseError;
use crate::location::Location;

#[allow(clippy::duplicate_mod, reason = "one body, for each format")]
#[path = "tests"]
mod kdb {
    /// Of the database that each test has.
    const NAME: &str = "anchors.kdb";
    /// What is said of one that is empty.
    const EMPTY: &str = "no key database";
    /// What is said of one that goes on behind its end.
    const TOO_LONG: &str = "1 bytes longer than it says";

    #[path = "body.rs"]
    mod body;
}

#[allow(clippy::duplicate_mod, reason = "one body, for each format")]
#[path = "tests"]
mod p12 {
    /// Of the database that each test has.
    const NAME: &str = "anchors.p12";
    /// What is said of one that is empty.
    const EMPTY: &str = "cut short";
    /// What is said of one that goes on behind its end.
    const TOO_LONG: &str = "1 bytes follow";

    #[path = "body.rs"]
    mod body;
}

#[test]
fn paths_of_other_kinds_are_refused() {
    for path in [
        "anchors.p12",
        "/x/anchors.rdb",
        "/x/anchors",
        "/x/.p12",
        "/x/.kdb",
        "/",
        "/x/anchors.p12/..",
    ] {
        let refused = Location::new(Path::new(path));
        assert!(matches!(refused, Err(DatabaseError::Path { .. })), "{path}");
    }
    for path in ["/x/ANCHORS.P12", "/x/dsmcert.Kdb"] {
        Location::new(Path::new(path)).unwrap();
    }
}
