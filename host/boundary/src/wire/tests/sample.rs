//! One message of each kind, and items of every size.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use crate::admit::{Look, Stamp};
use crate::batch::{Batch, Change, Effect, Outcome};
use crate::confinement::{Confinement, Sandbox};
use crate::health::{Health, HealthState};
use crate::item::{Decision, Item, ItemId, Kind, Purpose, Rule};
use crate::load::Way;
use crate::open_store::Identity;
use crate::query::{By, Query};
use crate::question::{Answer, Ask, Question};
use crate::sandbox::{Endpoint, SandboxSpec, SessionBus};
use crate::services::LogLevel;
use crate::status::{CallError, Status};
use crate::table::PageRequest;
use crate::wire::to_host::PageEnd;
use crate::wire::{Code, Decoder, File, Handed, Hello, Limits, Ready, ToHost, ToRunner, WireError};

/// The messages that the bytes hold, when they arrive at once.
pub(super) fn packets(
    mut decoder: Decoder,
    mut bytes: &[u8],
) -> Result<Vec<(u16, u32, Vec<u8>)>, WireError> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let room = decoder.room();
        let (now, later) = bytes.split_at(room.len().min(bytes.len()));
        room[..now.len()].copy_from_slice(now);
        decoder.filled(now.len());
        bytes = later;
        while let Some(packet) = decoder.next()? {
            packets.push((packet.kind, packet.request, packet.payload.to_vec()));
        }
    }
    Ok(packets)
}

pub(super) fn item() -> Item {
    let mut item = Item::certificate(vec![0x30; 70], "Zürich CA \u{1f512}".to_owned());
    item.id = ItemId(vec![1, 2, 3]);
    item.scope = "TSM1\nTSM2\n".to_owned();
    item.name_constraints = vec![0x30, 0];
    item.created = -1;
    item.modified = i64::MAX;
    item.asks_each_use = true;
    item.trust_unknown = true;
    item.rules.push(Rule {
        purpose: Purpose::Timestamp,
        decision: Decision::Distrust,
        issued_before: i64::MIN,
    });
    item
}

pub(super) fn items() -> impl Strategy<Value = Item> {
    let size = prop_oneof![1usize..2000, 100_000usize..262_144];
    (size, 1usize..=64, "[ -~]{0,64}", any::<bool>()).prop_map(|(size, id, label, crl)| {
        let mut item = item();
        // A list may be larger than a frame.
        item.kind = if crl { Kind::Crl } else { Kind::Certificate };
        item.der = vec![0x30; if crl { size * 8 } else { size }];
        item.id = ItemId(vec![7; id]);
        item.label = label;
        item
    })
}

pub(super) fn batch() -> Batch {
    let mut added = item();
    added.id = ItemId::default();
    Batch {
        changes: vec![
            Change::Put(added),
            Change::Remove(ItemId(vec![9; 64])),
            Change::Put(item()),
        ],
        check_only: true,
        if_generation: 77,
    }
}

fn handed(way: Way) -> Handed {
    Handed {
        way,
        path: PathBuf::from("/opt/plugins/libx.so"),
        digest: [7; 32],
        looks: vec![
            Look {
                path: PathBuf::from("/opt/plugins/libx.so"),
                stamp: Stamp([1, 2, 3, 4, 5, 6, u64::MAX]),
            };
            2
        ],
    }
}

pub(super) fn hello() -> Hello {
    Hello {
        code: Code::Library {
            file: handed(Way::Copied(PathBuf::from("/run/copy/libx.so"))),
            manifest: "id = \"org.example.x\"".to_owned(),
        },
        store_name: "hsm".to_owned(),
        settings: vec![("slot".to_owned(), "1".to_owned()); 3],
        files: vec![
            File {
                setting: "module".to_owned(),
                file: handed(Way::Sealed),
            },
            File {
                setting: "other".to_owned(),
                file: handed(Way::ByPath),
            },
        ],
        state_dir: Some(PathBuf::from("/var/lib/anchorhold/hsm")),
        sandbox: SandboxSpec {
            read: vec![PathBuf::from("/etc/hsm"), PathBuf::from("/usr/share/hsm")],
            write: vec![PathBuf::from("/var/lib/hsm")],
            unix: vec![PathBuf::from("/run/pcscd/pcscd.comm")],
            connect: vec![Endpoint {
                host: "hsm.example".to_owned(),
                addresses: vec![
                    IpAddr::from([127, 0, 0, 1]),
                    IpAddr::from([1, 2, 3, 4, 5, 6, 7, 8]),
                ],
                port: 1792,
            }],
            network: false,
            fork: true,
            keyring: false,
            session_bus: SessionBus::Filtered("there is no session bus".to_owned()),
            libraries: vec![PathBuf::from("/opt/plugins/libx.so")],
            memory: 1 << 30,
            trap: true,
            ..SandboxSpec::default()
        },
        require_full: true,
        prompts: true,
    }
}

fn limits() -> Limits {
    Limits {
        timeout_ms: 1500,
        may_prompt: true,
        trace_id: 0x0102_0304_0506_0708,
    }
}

pub(super) fn to_runner() -> Vec<ToRunner> {
    let key = ItemId(vec![1; 64]);
    let find = |by| ToRunner::Find {
        limits: limits(),
        query: Query {
            by,
            kinds: vec![Kind::Certificate, Kind::Crl],
            purpose: Purpose::Server,
        },
    };
    let mut builtin = hello();
    builtin.code = Code::Builtin("anchorhold.testing.memory".to_owned());
    builtin.state_dir = None;
    vec![
        ToRunner::Hello(Box::new(hello())),
        ToRunner::Hello(Box::new(builtin)),
        ToRunner::ListPage {
            limits: limits(),
            page: PageRequest {
                cursor: vec![1; 128],
                limit: 256,
            },
        },
        ToRunner::Health,
        find(By::Id(vec![1])),
        find(By::IssuerSerial {
            issuer: vec![0x30, 0],
            serial: vec![1],
        }),
        find(By::Sha256([1; 32])),
        find(By::SpkiSha256([2; 32])),
        find(By::Subject(vec![0x30, 0])),
        ToRunner::Apply {
            limits: limits(),
            batch: batch(),
        },
        ToRunner::Unlock(limits()),
        ToRunner::Lock(Limits::default()),
        ToRunner::Schemes {
            limits: limits(),
            key: key.clone(),
        },
        ToRunner::Sign {
            limits: limits(),
            key,
            scheme: 0x0403,
            message: vec![0x20; 130],
        },
        ToRunner::Cancel,
        ToRunner::Answer(Answer::Refused),
        ToRunner::Answer(Answer::Yes),
        ToRunner::Answer(Answer::Secret(b"tulip".to_vec().into())),
        ToRunner::Close,
    ]
}

pub(super) fn to_host() -> Vec<ToHost> {
    let health = Health {
        state: HealthState::Degraded,
        writable: true,
        watching: false,
        asks_write: true,
        generation: 42,
        item_count: Some(150),
        attempts_left: Some(3),
        last_success: 1_700_000_000,
        detail: "one reader of two".to_owned(),
    };
    let identity = Identity {
        id: "org.example.hsm".to_owned(),
        name: "Example HSM".to_owned(),
        version: "1.2.3".to_owned(),
        abi_minor: 7,
        writes_whole: true,
        can_sign: true,
        ..Identity::default()
    };
    let ready = |health| {
        ToHost::Ready(Box::new(Ready {
            identity: identity.clone(),
            thread_safe: true,
            health,
        }))
    };
    let mut question = Question::new(Ask::Pin);
    question.setting = Some("pin".to_owned());
    question.again = true;
    question.attempts_left = Some(1);
    question.title = "PIN of the token".to_owned();
    let mut error = CallError::said(Status::Locked, "log in first".to_owned(), true);
    error.native = Some(("pkcs11".to_owned(), 0x101));
    error.retry_after = Some(Duration::from_millis(1500));
    vec![
        ToHost::Confined(Confinement::in_runner(Sandbox::Partial, "no Landlock")),
        ready(Ok(health.clone())),
        ready(Err(error.clone())),
        ToHost::Refused {
            code: "pin-mismatch".to_owned(),
            error: CallError::new(Status::Refused, "another file by now"),
        },
        ToHost::Items(vec![item(), item()]),
        ToHost::Items(Vec::new()),
        ToHost::PageEnd(PageEnd {
            skipped: 2,
            repaired: 1,
            notes: vec!["\"x\" is empty".to_owned(); 2],
            generation: 42,
            cursor: vec![1; 128],
        }),
        ToHost::FoundEnd {
            skipped: 1,
            repaired: 0,
        },
        ToHost::Health(health),
        ToHost::Outcomes(vec![
            Outcome {
                index: 0,
                effect: Effect::Updated,
                id: ItemId(vec![1]),
            },
            Outcome {
                index: 1,
                effect: Effect::Removed,
                id: ItemId(vec![2; 64]),
            },
        ]),
        ToHost::Done,
        ToHost::Failed(error),
        ToHost::Schemes(vec![0x0403, 0x0804]),
        ToHost::Signature(vec![0x30; 72]),
        ToHost::Ask(question),
        ToHost::Changed(43),
        ToHost::Log {
            level: LogLevel::Warn,
            text: "the reader is slow".to_owned(),
            dropped: 12,
        },
    ]
}

/// Every status that a runner may answer with.
pub(super) fn statuses() -> Vec<Status> {
    let plugins = (1..80).map(Status::of);
    let ours = [Status::OutcomeUnknown, Status::Protocol, Status::Refused];
    plugins.chain(ours).collect()
}
