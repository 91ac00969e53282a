//! What a plugin can get wrong when it is listed, or asked for its health.

use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_bytes, ah_error, ah_health, ah_item, ah_page, ah_rule, ah_status, ah_str,
};

use crate::health::HealthState;
use crate::item::{Decision, Item, Purpose};
use crate::status::{CallError, Status};
use crate::table::tests::odd::{Script, Sink, good, open_nothing, open_script};
use crate::table::{CallLimits, Listing};

/// Lists a store that does this.
fn list_of(
    list: impl Fn(&mut ah_page, Sink) -> ah_status + Send + Sync + 'static,
) -> Result<Listing, CallError> {
    let list = Box::new(move |page: &mut ah_page, sink, _| list(page, sink));
    open_script(
        0,
        Script {
            list,
            ..Script::default()
        },
    )
    .list(&CallLimits::default())
}

/// Lists a store that pushes this one item.
fn pushed(change: impl Fn(&mut ah_item) + Send + Sync + 'static) -> Result<Listing, CallError> {
    list_of(move |_, sink| {
        let mut item = good();
        change(&mut item);
        sink.push(&raw const item)
    })
}

fn only(listing: Result<Listing, CallError>) -> Item {
    let mut items = listing.unwrap().items;
    assert_eq!(items.len(), 1);
    items.remove(0)
}

fn status(listing: Result<Listing, CallError>) -> Status {
    listing.unwrap_err().status
}

#[test]
fn item_that_keeps_the_contract_is_taken() {
    let listing = pushed(|_| {}).unwrap();
    assert_eq!(
        (listing.items.len(), listing.skipped, listing.repaired),
        (1, 0, 0)
    );
}

#[test]
fn unknown_kind_is_skipped_and_counted() {
    // R2
    for kind in [0, 6, u32::MAX] {
        let listing = pushed(move |item| item.kind = kind).unwrap();
        assert_eq!((listing.items.len(), listing.skipped), (0, 1));
    }
}

#[test]
fn item_without_bytes_is_skipped_and_counted() {
    let empty = pushed(|item| item.der = ah_bytes::EMPTY).unwrap();
    assert_eq!((empty.items.len(), empty.skipped), (0, 1));
    let nowhere = pushed(|item| {
        item.der = ah_bytes {
            ptr: ptr::null(),
            len: 9,
        }
    })
    .unwrap();
    assert_eq!((nowhere.items.len(), nowhere.skipped), (0, 1));
    let digest = pushed(|item| item.kind = abi::AH_KIND_SPKI_SHA256).unwrap();
    assert_eq!((digest.items.len(), digest.skipped), (0, 1));
}

#[test]
fn unknown_flag_is_ignored() {
    // R2
    let item = only(pushed(|item| item.flags = !abi::AH_ITEM_ASKS_EACH_USE));
    assert!(item.read_only && !item.asks_each_use && item.trust_unknown);
}

#[test]
fn unknown_decision_distrusts() {
    // R2
    static RULES: [ah_rule; 1] = [ah_rule {
        purpose: abi::AH_FOR_EMAIL,
        decision: 3,
        issued_before: 0,
    }];
    let item = only(pushed(|item| item.rules = RULES.as_ptr()));
    assert_eq!(item.rules[0].decision, Decision::Distrust);
    assert_eq!(item.rules[0].purpose, Purpose::Email);
}

#[test]
fn unknown_purpose_distrusts_for_any_and_trusts_for_none() {
    // R2
    static RULES: [ah_rule; 3] = [
        ah_rule {
            purpose: 77,
            decision: abi::AH_ANCHOR,
            issued_before: 0,
        },
        ah_rule {
            purpose: 77,
            decision: abi::AH_DISTRUST,
            issued_before: 0,
        },
        ah_rule {
            purpose: 77,
            decision: 99,
            issued_before: 0,
        },
    ];
    let item = only(pushed(|item| {
        (item.rules, item.rule_count) = (RULES.as_ptr(), 3)
    }));
    assert_eq!(item.rules.len(), 2);
    for rule in item.rules {
        assert_eq!(
            (rule.purpose, rule.decision),
            (Purpose::Any, Decision::Distrust)
        );
    }
}

#[test]
fn longer_rules_are_read_at_their_stride() {
    // R1
    #[repr(C)]
    struct Longer(ah_rule, [u64; 2]);
    static RULES: [Longer; 2] = [
        Longer(
            ah_rule {
                purpose: 1,
                decision: 1,
                issued_before: 5,
            },
            [u64::MAX; 2],
        ),
        Longer(
            ah_rule {
                purpose: 2,
                decision: 2,
                issued_before: 6,
            },
            [u64::MAX; 2],
        ),
    ];
    let item = only(pushed(|item| {
        item.rules = RULES.as_ptr().cast();
        (item.rule_count, item.rule_stride) = (2, 32);
    }));
    let rules: Vec<_> = item
        .rules
        .iter()
        .map(|rule| (rule.purpose, rule.issued_before))
        .collect();
    assert_eq!(rules, [(Purpose::Server, 5), (Purpose::Client, 6)]);
}

#[test]
fn rules_that_cannot_be_read_fail_the_listing() {
    // R1
    assert_eq!(
        status(pushed(|item| item.rule_stride = 15)),
        Status::Protocol
    );
    assert_eq!(
        status(pushed(|item| item.rule_stride = u32::MAX)),
        Status::Protocol
    );
    assert_eq!(
        status(pushed(|item| item.rule_count = usize::MAX)),
        Status::Limit
    );
    assert_eq!(
        status(pushed(|item| item.rules = ptr::null())),
        Status::Protocol
    );
}

#[test]
fn item_of_a_later_version_is_read_as_far_as_it_is_known() {
    // R1
    #[repr(C)]
    struct Longer(ah_item, [u64; 4]);
    let item = only(list_of(|_, sink| {
        let mut item = Longer(good(), [u64::MAX; 4]);
        item.0.struct_size = u32::try_from(size_of::<Longer>()).unwrap();
        sink.push((&raw const item).cast())
    }));
    assert_eq!(item.label, "label");
}

#[test]
fn item_shorter_than_the_first_version_fails_the_listing() {
    // R1
    for size in [0, 4, ah_item::SIZE - 1] {
        assert_eq!(
            status(pushed(move |item| item.struct_size = size)),
            Status::Protocol
        );
    }
    assert_eq!(
        status(list_of(|_, sink| sink.push(ptr::null()))),
        Status::Protocol
    );
}

#[test]
fn id_of_no_length_or_too_much_fails_the_listing() {
    static LONG: [u8; 65] = [7; 65];
    assert_eq!(
        status(pushed(|item| item.id = ah_bytes::EMPTY)),
        Status::Protocol
    );
    assert_eq!(
        status(pushed(|item| item.id = ah_bytes::new(&LONG))),
        Status::Protocol
    );
    let item = only(pushed(|item| item.id = ah_bytes::new(&LONG[..64])));
    assert_eq!(item.id.0.len(), 64);
}

#[test]
fn text_without_a_place_fails_the_listing() {
    let nowhere = ah_str {
        ptr: ptr::null(),
        len: 1,
    };
    let nowhere = (nowhere.ptr.addr(), nowhere.len);
    let there = move || ah_str {
        ptr: ptr::without_provenance(nowhere.0),
        len: nowhere.1,
    };
    assert_eq!(
        status(pushed(move |item| item.label = there())),
        Status::Protocol
    );
    assert_eq!(
        status(pushed(move |item| item.scope = there())),
        Status::Protocol
    );
}

#[test]
fn label_that_is_not_fit_is_repaired_and_counted() {
    static LABEL: &[u8] = b"a\xffb\x1b[1m";
    let label = |item: &mut ah_item| {
        item.label = ah_str {
            ptr: LABEL.as_ptr().cast(),
            len: LABEL.len(),
        };
    };
    let listing = pushed(label).unwrap();
    assert_eq!(listing.items[0].label, "a\u{fffd}b[1m");
    assert_eq!(listing.repaired, 1);
}

#[test]
fn label_that_is_too_long_is_cut_and_counted() {
    static LABEL: [u8; 5000] = [b'x'; 5000];
    let label = |item: &mut ah_item| {
        item.label = ah_str {
            ptr: LABEL.as_ptr().cast(),
            len: LABEL.len(),
        };
    };
    let listing = pushed(label).unwrap();
    assert_eq!(listing.items[0].label.len(), 1024);
    assert_eq!(listing.repaired, 1);
}

#[test]
fn too_much_is_a_limit_and_the_sink_says_so() {
    static LARGE: [u8; (256 << 10) + 1] = [0x30; (256 << 10) + 1];
    static ANSWER: AtomicUsize = AtomicUsize::new(0);
    let listing = list_of(|_, sink| {
        let mut item = good();
        item.der = ah_bytes::new(&LARGE);
        let answer = sink.push(&raw const item);
        ANSWER.store(usize::try_from(answer).unwrap(), Ordering::Relaxed);
        abi::AH_OK
    });
    assert_eq!(status(listing), Status::Limit);
    assert_eq!(
        i32::try_from(ANSWER.load(Ordering::Relaxed)),
        Ok(abi::AH_LIMIT)
    );
    let crl = |item: &mut ah_item| {
        item.kind = abi::AH_KIND_CRL;
        item.der = ah_bytes::new(&LARGE);
    };
    assert_eq!(only(pushed(crl)).der.len(), LARGE.len());
    let scope = |item: &mut ah_item| {
        item.scope = ah_str {
            ptr: LARGE.as_ptr().cast(),
            len: LARGE.len(),
        };
    };
    assert_eq!(status(pushed(scope)), Status::Limit);
}

#[test]
fn refused_item_fails_the_listing_even_if_the_plugin_goes_on() {
    let listing = list_of(|_, sink| {
        let mut bad = good();
        bad.id = ah_bytes::EMPTY;
        sink.push(&raw const bad);
        let good = good();
        sink.push(&raw const good);
        abi::AH_OK
    });
    assert_eq!(status(listing), Status::Protocol);
}

#[test]
fn item_from_another_thread_fails_the_listing() {
    // R7
    let listing = list_of(|_, sink| {
        thread::scope(|scope| {
            let push = scope.spawn(move || {
                // The whole sink has to move, not only the pointer in it.
                let whole = sink;
                let item = good();
                whole.push(&raw const item)
            });
            assert_eq!(push.join().unwrap(), abi::AH_INVALID_STATE);
        });
        abi::AH_OK
    });
    assert_eq!(status(listing), Status::Protocol);
}

#[test]
fn cursor_that_is_too_long_fails_the_listing() {
    let listing = list_of(|page, _| {
        page.cursor_len = 129;
        abi::AH_OK
    });
    assert_eq!(status(listing), Status::Protocol);
}

#[test]
fn listing_that_stands_still_is_ended() {
    let same = list_of(|page, _| {
        page.cursor_len = 1;
        abi::AH_OK
    });
    assert_eq!(status(same), Status::Protocol);
    let turning = list_of(|page, _| {
        page.cursor_len = 1;
        page.cursor[0] ^= 1;
        abi::AH_OK
    });
    assert_eq!(status(turning), Status::Protocol);
}

#[test]
fn empty_page_may_move_on() {
    let listing = list_of(|page, sink| {
        page.cursor[0] += 1;
        page.cursor_len = u32::from(page.cursor[0] < 5);
        if page.cursor[0] < 5 {
            return abi::AH_OK;
        }
        let item = good();
        sink.push(&raw const item)
    });
    assert_eq!(listing.unwrap().items.len(), 1);
}

#[test]
fn pages_of_different_generations_start_again() {
    let pages = AtomicUsize::new(0);
    let listing = list_of(move |page, sink| {
        let asked = pages.fetch_add(1, Ordering::Relaxed);
        page.generation = if asked == 0 { 1 } else { 2 };
        let mut item = good();
        item.id = ah_bytes::new(if page.cursor_len == 0 { b"1" } else { b"2" });
        page.cursor_len = u32::from(page.cursor_len == 0);
        sink.push(&raw const item)
    });
    let listing = listing.unwrap();
    assert_eq!((listing.generation, listing.items.len()), (2, 2));
}

#[test]
fn more_items_than_asked_for_fail_the_listing() {
    let list = Box::new(|_: &mut ah_page, sink: Sink, _| {
        let mut item = good();
        for id in [b"1", b"2", b"3"] {
            item.id = ah_bytes::new(id);
            sink.push(&raw const item);
        }
        abi::AH_OK
    });
    let table = open_script(
        0,
        Script {
            list,
            ..Script::default()
        },
    );
    let page_of = |page| CallLimits {
        page,
        ..CallLimits::default()
    };
    assert_eq!(status(table.list(&page_of(2))), Status::Protocol);
    assert_eq!(table.list(&page_of(3)).unwrap().items.len(), 3);
}

#[test]
fn status_of_the_host_is_not_the_plugins_to_give() {
    assert_eq!(status(list_of(|_, _| 0x1001)), Status::Protocol);
    assert_eq!(status(list_of(|_, _| -1)), Status::Protocol);
    // R2
    assert_eq!(status(list_of(|_, _| 40)), Status::Locked);
}

#[test]
fn error_is_read_however_it_was_filled() {
    let list = Box::new(|_: &mut ah_page, _: Sink, err: *mut ah_error| {
        // SAFETY: R3: the host's struct, lent for this call.
        let err = unsafe { &mut *err };
        err.struct_size = u32::MAX;
        err.message = [c_char::from_ne_bytes([0xff]); 224];
        err.native_domain = [c_char::from_ne_bytes([b'x']); 16];
        err.native_code = i32::MIN;
        err.retry_after_ms = u32::MAX;
        abi::AH_BUSY
    });
    let table = open_script(
        0,
        Script {
            list,
            ..Script::default()
        },
    );
    let error = table.list(&CallLimits::default()).unwrap_err();
    assert_eq!(error.status, Status::Busy);
    assert_eq!(error.message.chars().count(), 224);
    assert_eq!(error.native, Some(("x".repeat(16), i32::MIN)));
}

#[test]
fn store_that_was_not_given_is_no_store() {
    let error = open_nothing().unwrap_err();
    assert_eq!(error.status, Status::Protocol);
}

#[test]
fn unknown_health_is_failed() {
    let health = Box::new(|out: &mut ah_health| {
        out.state = 99;
        out.flags = u32::MAX;
        out.item_count = u64::MAX;
        out.detail = [c_char::from_ne_bytes([b'!']); 128];
        abi::AH_OK
    });
    let table = open_script(
        0,
        Script {
            health,
            ..Script::default()
        },
    );
    let health = table.health().unwrap();
    assert_eq!(health.state, HealthState::Failed);
    assert_eq!((health.item_count, health.attempts_left), (None, None));
    assert_eq!(health.detail.len(), 128);
}
