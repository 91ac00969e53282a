//! Changes to stores that are under way: written down, ended, and found by whoever comes next.

use std::env;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::moment::DIE_AT;
use crate::{ItemChange, RowChange, StorePart, Undertaking};

const DIR: &str = "ANCHORHOLD_STATE_TEST_UNDERTAKING_DIR";

fn item(byte: u8, before: Option<&[u8]>, after: Option<&[u8]>) -> ItemChange {
    ItemChange {
        fingerprint: print(byte),
        before: before.map(<[u8]>::to_vec),
        after: after.map(<[u8]>::to_vec),
    }
}

pub(super) fn undertaking() -> Undertaking {
    let anchor = ScopeRow {
        kind: CertificateKind::Anchor,
        servers: Servers::Any,
    };
    Undertaking {
        what: "replacement".to_owned(),
        stores: vec![
            StorePart {
                store: "token".to_owned(),
                items: vec![
                    item(9, Some(b"old"), None),
                    item(1, None, Some(b"new")),
                    item(2, Some(b""), Some(b"")),
                ],
            },
            StorePart {
                store: "keydb".to_owned(),
                items: vec![item(1, Some(&[0, 255]), Some(b"new"))],
            },
        ],
        rows: vec![
            RowChange {
                fingerprint: print(1),
                before: None,
                after: Some(pin(&["any", "TSM 2"])),
            },
            RowChange {
                fingerprint: print(2),
                before: Some(anchor),
                after: Some(pin(&[])),
            },
            RowChange {
                fingerprint: print(9),
                before: Some(pin(&["TSM1"])),
                after: None,
            },
        ],
        raises: vec![name("TSM1"), name("Tsm 2")],
    }
}

fn begin(home: &Home) -> u64 {
    let mut id = 0;
    home.write(|change| id = change.begin_undertaking(Arc::new(undertaking())));
    id
}

fn kinds(home: &Home) -> Vec<String> {
    let journal = home.state().journal().unwrap();
    journal.into_iter().map(|entry| entry.event).collect()
}

#[test]
fn an_undertaking_reads_back_whole() {
    let home = Home::new();
    let id = begin(&home);
    let state = home.state();
    assert_eq!(state.undertaking(id).unwrap(), Some(undertaking()));
    assert_eq!(state.undertaking(id + 1).unwrap(), None);
    let open = state.undertakings().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].id, open[0].at), (id, 1_800_000_000));
    assert_eq!(open[0].what, "replacement");
    assert_eq!((&*open[0].who, &*open[0].program), ("root", "anchorhold"));
    let stores = [("token".to_owned(), 3), ("keydb".to_owned(), 1)];
    assert_eq!(open[0].stores, stores);
    // Nothing of it has happened.
    assert!(state.scope().unwrap().rows.is_empty());
    assert!(state.servers().unwrap().is_empty());
    home.assert_whole();
}

#[test]
fn the_end_of_one_leaves_the_others() {
    let home = Home::new();
    let (first, second) = (begin(&home), begin(&home));
    assert_ne!(first, second);
    home.write(|change| {
        let ids: Vec<_> = change.undertakings().iter().map(|open| open.id).collect();
        assert_eq!(ids, [first, second]);
        change.end_undertaking(first, UndertakingEnd::Completed);
        change.end_undertaking(first, UndertakingEnd::Undone);
        assert_eq!(change.undertakings().len(), 1);
    });
    let state = home.state();
    assert_eq!(state.undertaking(first).unwrap(), None);
    assert_eq!(state.undertaking(second).unwrap(), Some(undertaking()));
    home.write(|change| change.end_undertaking(second, UndertakingEnd::Undone));
    assert_eq!(home.state().undertakings().unwrap(), []);
    let ended = ["undertaking-completed", "undertaking-undone"];
    let begun = ["undertaking-begun"; 4];
    assert_eq!(kinds(&home), [&begun[..], &ended[..]].concat());
    let ledger = rusqlite::Connection::open(home.file("ledger.db")).unwrap();
    for table in ["undertaking_item", "undertaking_row", "undertaking_store"] {
        let count = format!("SELECT count(*) FROM {table}");
        let left: i64 = ledger.query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn an_undertaking_is_durable_and_open_until_its_own_writer_ends_it() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM9")));
    let state = home.state();
    let mut change = state.write(&actor(), now()).unwrap();
    let id = change.begin_undertaking(Arc::new(undertaking()));
    assert_eq!(home.state().undertakings().unwrap(), []);
    let mut change = change.commit_and_go_on().unwrap();
    assert_eq!(change.undertakings().len(), 1);
    // Others see it, and who has it under way, and cannot write.
    let other = home.state();
    assert_eq!(other.undertakings().unwrap().len(), 1);
    let writer = other.writer().unwrap().unwrap();
    assert!(writer.contains(&std::process::id().to_string()), "{writer}");
    let waited = other.write_within(&actor(), now(), std::time::Duration::ZERO);
    assert!(matches!(waited.unwrap_err(), StateError::Busy { .. }));
    assert!(other.verify_journal().unwrap().is_whole());
    change.put_scope(print(1), &pin(&["TSM1"]));
    change.end_undertaking(id, UndertakingEnd::Completed);
    change.commit_or_keep().unwrap();
    assert_eq!(other.writer().unwrap(), None);
    assert_eq!(other.undertakings().unwrap(), []);
    assert!(other.scope().unwrap().row(&print(1)).is_some());
    home.assert_whole();
}

#[test]
fn who_cannot_commit_keeps_others_out_until_all_is_put_right() {
    let home = Home::new();
    let state = home.state();
    let mut change = state.write(&actor(), now()).unwrap();
    let id = change.begin_undertaking(Arc::new(undertaking()));
    let mut change = change.commit_and_go_on().unwrap();
    change.end_undertaking(id, UndertakingEnd::Completed);
    change.raise(&name("no\nname"));
    let (error, turn) = change.commit_or_keep().unwrap_err();
    assert!(matches!(error, StateError::Invalid { .. }), "{error}");
    assert!(home.state().writer().unwrap().is_some());
    let mut change = turn.begin().unwrap();
    assert_eq!(change.undertakings().len(), 1, "it is open still");
    change.end_undertaking(id, UndertakingEnd::Undone);
    change.commit().unwrap();
    assert_eq!(home.state().writer().unwrap(), None);
    assert_eq!(home.state().undertakings().unwrap(), []);
}

#[test]
fn a_name_that_no_server_can_have_begins_nothing() {
    let row = |servers: &[&str]| RowChange {
        fingerprint: print(1),
        before: None,
        after: Some(pin(servers)),
    };
    for bad in [
        Undertaking {
            rows: vec![row(&["TSM1", "TSM\n2"])],
            ..Undertaking::default()
        },
        Undertaking {
            raises: vec![name("")],
            ..Undertaking::default()
        },
    ] {
        let home = Home::new();
        let state = home.state();
        let mut change = state.write(&actor(), now()).unwrap();
        change.begin_undertaking(Arc::new(bad));
        change.note(Event::new("noted", "x"));
        let error = change.commit_and_go_on().unwrap_err();
        assert!(matches!(error, StateError::Invalid { .. }), "{error}");
        assert_eq!(home.condition(), Condition::FirstRun);
    }
}

#[test]
fn a_store_that_is_gone_for_good_is_given_up() {
    let home = Home::new();
    let id = begin(&home);
    home.write(|change| {
        assert!(!change.give_up_store("other"));
        assert!(change.give_up_store("token"));
    });
    let left = home.state().undertaking(id).unwrap().unwrap();
    assert_eq!(left.stores, undertaking().stores[1..]);
    assert_eq!(left.rows, undertaking().rows);
    assert_eq!(kinds(&home).last().unwrap(), "undertaking-given-up");
}

#[test]
fn what_is_lost_is_no_undertaking_any_more() {
    let home = Home::new();
    let id = begin(&home);
    let old = fs::read(home.file("ledger.db")).unwrap();
    home.write(|change| change.end_undertaking(id, UndertakingEnd::Completed));
    // A copy from before says that it is open.
    fs::write(home.file("ledger.db"), old).unwrap();
    home.assert_lost("older than the journal");
    assert_eq!(home.state().undertakings().unwrap(), []);
    assert_eq!(home.state().undertaking(id).unwrap(), None);
    home.write(|change| assert_eq!(change.undertakings(), []));
    home.write(|change| change.raise(&name("TSM1")));
    assert_eq!(home.state().undertakings().unwrap(), []);
    home.assert_whole();
}

/// Begins, goes on, and completes.
#[test]
fn undertaking_child() {
    let Some(dir) = env::var_os(DIR) else { return };
    let state = State::open(Path::new(&dir)).unwrap();
    let mut change = state.write(&actor(), now()).unwrap();
    let id = change.begin_undertaking(Arc::new(undertaking()));
    let mut change = change.commit_and_go_on().unwrap();
    println!("\nbegun");
    change.put_scope(print(1), &pin(&["TSM1"]));
    change.end_undertaking(id, UndertakingEnd::Completed);
    change.commit().unwrap();
}

/// Lets a child die at a moment; tells whether it lived on, and whether it had begun.
fn live(home: &Home, moment: u64) -> (bool, bool) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "state::tests::undertakings::undertaking_child"])
        .args(["--nocapture", "--test-threads=1"])
        .env(DIR, &home.path)
        .env(DIE_AT, moment.to_string())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), said.contains("\nbegun"))
}

#[test]
fn death_at_any_moment_leaves_it_unbegun_open_or_complete() {
    let (mut open, mut moments) = (0, 0);
    for is_new in [true, false] {
        for moment in 1.. {
            let home = Home::new();
            if !is_new {
                home.write(|change| change.put_record(&full_record("TSM1")));
            }
            let (lived, begun) = live(&home, moment);
            let when = format!("moment {moment}, new: {is_new}");
            let state = home.state();
            let condition = state.condition();
            assert!(!condition.is_lost(), "{when}: {condition:?}");
            let found = state.undertakings().unwrap();
            let is_scoped = state.scope().unwrap().row(&print(1)).is_some();
            assert!(found.len() <= usize::from(!is_scoped), "{when}");
            assert!(
                !begun || is_scoped || found.len() == 1,
                "{when}: it is forgotten"
            );
            assert!(state.verify_journal().unwrap().fault.is_none(), "{when}");
            assert_eq!(state.writer().unwrap(), None, "{when}: a dead one writes");
            if lived {
                assert!(is_scoped, "{when}");
                break;
            }
            moments += 1;
            if let [one] = &*found {
                open += 1;
                let whole = state.undertaking(one.id).unwrap();
                assert_eq!(whole, Some(undertaking()), "{when}");
                home.write(|change| change.end_undertaking(one.id, UndertakingEnd::Undone));
            }
            home.write(|change| change.raise(&name("TSM9")));
            home.assert_whole();
            assert_eq!(home.state().undertakings().unwrap(), [], "{when}");
        }
    }
    assert!(moments >= 20 && open >= 8, "{moments} moments, {open} open");
}

#[test]
fn a_hundred_thousand_at_once_are_written_and_ended() {
    let many = Undertaking {
        what: "import".to_owned(),
        stores: vec![StorePart {
            store: "keydb".to_owned(),
            items: (0..100_000_u32)
                .map(|number| ItemChange {
                    fingerprint: {
                        let mut bytes = [0; 32];
                        bytes[..4].copy_from_slice(&number.to_be_bytes());
                        Fingerprint(bytes)
                    },
                    before: None,
                    after: Some(vec![7; 40]),
                })
                .collect(),
        }],
        ..Undertaking::default()
    };
    let home = Home::new();
    let state = home.state();
    let mut change = state.write(&actor(), now()).unwrap();
    let id = change.begin_undertaking(Arc::new(many.clone()));
    let mut change = change.commit_and_go_on().unwrap();
    assert_eq!(state.undertaking(id).unwrap(), Some(many));
    assert_eq!(state.undertakings().unwrap()[0].stores[0].1, 100_000);
    change.end_undertaking(id, UndertakingEnd::Completed);
    change.commit().unwrap();
    // The journal says it in a few lines, whatever the number.
    assert_eq!(state.journal().unwrap().len(), 2);
    home.assert_whole();
}
