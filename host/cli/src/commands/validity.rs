//! What the dates of a certificate say today.

use anchorhold_kernel::certificate::{Facts, moment};
use anchorhold_kernel::{CertificateKind, Entry, EntryKind};
use time::OffsetDateTime;

/// What a list says of the dates: that they are over, to come, or soon over.
pub(super) fn note(facts: &Facts, now: OffsetDateTime) -> Option<String> {
    let at = moment(now.unix_timestamp());
    if facts.expired(at) {
        return Some("expired".to_owned());
    }
    if facts.not_yet_valid(at) {
        return Some("not yet valid".to_owned());
    }
    match facts.not_after.saturating_sub(now.unix_timestamp()) / DAY {
        0 => Some("expires within a day".to_owned()),
        1 => Some("expires in 1 day".to_owned()),
        days @ 2..=SOON => Some(format!("expires in {days} days")),
        _ => None,
    }
}

/// Why a certificate that is held cannot vouch now, in a code and in words.
pub(super) fn fault(entry: &Entry, now: OffsetDateTime) -> Option<(&'static str, String)> {
    let EntryKind::Certificate(kind) = entry.kind else {
        return Some(("held-distrusted", "it is distrusted".to_owned()));
    };
    let facts = match entry.facts() {
        Ok(facts) => facts,
        Err(error) => return Some(("held-unreadable", error.to_string())),
    };
    if facts.expired(moment(now.unix_timestamp())) {
        let until = facts.not_after_text();
        return Some(("held-expired", format!("it expired at {until}")));
    }
    if facts.not_yet_valid(moment(now.unix_timestamp())) {
        let from = facts.not_before_text();
        return Some((
            "held-not-yet-valid",
            format!("it is not valid before {from}"),
        ));
    }
    // A root's own signature proves nothing and is not looked at.
    let weakness = facts.weaknesses.first();
    let weakness = weakness.filter(|_| kind == CertificateKind::Pin);
    weakness.map(|weakness| ("held-weak", weakness.clone()))
}

const DAY: i64 = 24 * 60 * 60;

/// How many days before its end a list begins to say so.
const SOON: i64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(from: i64, until: i64) -> Facts {
        let key = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]);
        let der = key.expect("a certificate").cert;
        let mut facts = Facts::read(der.der()).expect("readable");
        (facts.not_before, facts.not_after) = (from, until);
        facts
    }

    #[test]
    fn dates_are_told_where_they_matter() {
        let now = OffsetDateTime::from_unix_timestamp(1_000 * DAY).expect("a time");
        let day = |day: i64| day * DAY;
        for (from, until, expected) in [
            (day(0), day(2_000), None),
            (day(0), day(1_061), None),
            (day(0), day(1_060), Some("expires in 60 days")),
            (day(0), day(1_001), Some("expires in 1 day")),
            (day(0), day(1_000) + 5, Some("expires within a day")),
            (day(0), day(1_000), Some("expires within a day")),
            (day(0), day(1_000) - 1, Some("expired")),
            (day(1_000) + 1, day(2_000), Some("not yet valid")),
        ] {
            let told = note(&facts(from, until), now);
            assert_eq!(told.as_deref(), expected, "{from} to {until}");
        }
    }
}
