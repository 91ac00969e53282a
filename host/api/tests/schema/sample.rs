//! One whole document of every kind, and one with all that may be absent absent.

use anchorhold_api::{
    Bundle, BundledServer, By, Certificate, Change, Changed, CheckedCase, ConfiguredStore, Copied,
    CreatedStore, Diagnosis, Difference, Endpoint, Error, ErrorBody, Explanation, Export, Exported,
    FailedStore, Finding, Given, Import, Imported, Journal, JournalCheck, JournalEntry, LeftOut,
    Level, List, Lowered, Missing, NotAdopted, Offer, OpenIntent, OpenUndertaking, OwnCertificate,
    Password, Place, Places, Platform, Plugin, PluginAdd, PluginCheck, PluginList, PluginNew,
    PluginRemove, PluginRun, Profile, Proposal, Proposed, Reach, Record, RecordChange, RecordList,
    RecordedLevel, Rehearsal, Replaced, Row, RunHealth, RunItem, SearchedPlace, ServerChange,
    Servers, Session, SetOption, Setting, Shown, Step, Store, StoreCheck, StoreCopy, StoreCreate,
    StoreList, StoreState, StoreTurn, Story, Used, Verdict, Warning,
};

const SHA: &str = "0b28f77b36fce811b4de7cf89959526ad6f2fd2c759046550ab6c8a7e34b7f2f";
const TIME: &str = "2026-11-23T10:00:00Z";

fn some<T>(whole: bool, value: T) -> Option<T> {
    whole.then_some(value)
}

fn text(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn error(whole: bool) -> Error {
    Error {
        error: ErrorBody {
            code: text("unknown-server"),
            message: text("no server TSM9"),
            remedy: some(whole, text("name one of these")),
            causes: vec![text("a cause")],
        },
    }
}

pub(crate) fn rehearsal() -> Rehearsal {
    let step = Step {
        did: text("connect"),
        expected: text("certificate-needed"),
        got: text("certificate-needed"),
        passed: true,
    };
    let story = Story {
        id: text("N1"),
        title: text("server first"),
        passed: true,
        steps: vec![step],
        missing: vec![text("a certificate")],
    };
    Rehearsal {
        stories: vec![story],
        passed: 1,
        failed: 0,
        files: vec![text("dsm.sys")],
    }
}

pub(crate) fn import() -> Import {
    let imported = Imported {
        sha256: text(SHA),
        label: text("TSM server TSM1 self-signed key"),
        store: text("keydb"),
        kind: text("pin"),
        outcome: text("new"),
        subject: text("CN=TSM Self-Signed Certificate"),
        not_after: text(TIME),
        servers: Servers::Any,
    };
    Import {
        imported: vec![imported],
        dry_run: false,
        servers: Servers::Named(vec![text("TSM1")]),
        replaced: vec![Replaced {
            sha256: text(SHA),
            label: text("old"),
            store: text("keydb"),
        }],
        changes: vec![server_change()],
        raised: vec![text("TSM1")],
        warnings: vec![text("could still be talked to in plain")],
        notes: vec![text("it holds a private key")],
    }
}

pub(crate) fn export(whole: bool) -> Export {
    Export {
        certificates: vec![Exported {
            sha256: text(SHA),
            subject: text("CN=a"),
            label: some(whole, text("a label")),
        }],
        format: text("p12"),
        file: text("x.p12"),
        stash: some(whole, text("x.sth")),
        warnings: vec![text("no server uses it here")],
    }
}

pub(crate) fn lists() -> [List; 3] {
    [
        Servers::Any,
        Servers::None,
        Servers::Named(vec![text("TSM1")]),
    ]
    .map(|servers| List {
        certificates: vec![Certificate {
            sha256: text(SHA),
            subject: text("CN=a"),
            issuer: text("CN=b"),
            not_before: text(TIME),
            not_after: text(TIME),
            label: text("a label"),
            store: text("keydb"),
            note: some(servers == Servers::None, text("unscoped")),
            servers,
            kind: text("distrust"),
        }],
        failed_stores: vec![FailedStore {
            store: text("hsm"),
            message: text("no token"),
        }],
        missing: vec![missing()],
    })
}

fn missing() -> Missing {
    Missing {
        sha256: text(SHA),
        servers: Servers::Named(vec![text("TSM1")]),
        kind: text("pin"),
        message: text("in scope for TSM1, is in no store"),
    }
}

pub(crate) fn shown() -> Shown {
    Shown {
        sha256: text(SHA),
        subject: text("CN=a"),
        issuer: text("CN=a"),
        serial: text("01"),
        not_before: text(TIME),
        not_after: text(TIME),
        version: 3,
        is_ca: true,
        self_issued: true,
        key: text("RSA 2048"),
        signature: text("RSA with SHA-256"),
        names: vec![text("DNS:a")],
        purposes: vec![text("server")],
        weaknesses: vec![text("none")],
        servers: Servers::Any,
        held: vec![Place {
            store: text("keydb"),
            label: text("a"),
            kind: text("anchor"),
            note: None,
        }],
        pem: text("-----BEGIN CERTIFICATE-----"),
    }
}

pub(crate) fn change() -> Change {
    let changed = Changed {
        sha256: text(SHA),
        subject: text("CN=a"),
        servers: Servers::None,
        kind: text("pin"),
        outcome: text("removed"),
        removed_from: vec![text("keydb")],
    };
    Change {
        certificates: vec![changed],
        lost: vec![text("TSM1")],
        changes: vec![server_change()],
        warnings: vec![text("lost")],
    }
}

fn server_change() -> ServerChange {
    ServerChange {
        server: text("TSM1"),
        gains: vec![text(SHA)],
        gains_total: 1,
        loses: vec![text(SHA)],
        loses_total: 1,
        acceptance_stops: true,
        nothing_left: false,
    }
}

pub(crate) fn proposal(whole: bool) -> Proposal {
    Proposal {
        proposed: vec![proposed(whole)],
        applied: false,
    }
}

fn proposed(whole: bool) -> Proposed {
    Proposed {
        sha256: text(SHA),
        subject: text("CN=a"),
        store: text("keydb"),
        label: text("TSM server TSM1 self-signed key"),
        server: text("TSM1"),
        kind: text("pin"),
        note: some(whole, text("its store marks it in a way that is not known")),
    }
}

pub(crate) fn verdict(whole: bool) -> Verdict {
    let by = By {
        sha256: text(SHA),
        store: text("keydb"),
        plugin: text("anchorhold.keydb"),
        version: text("0.1.0"),
        how: text("pin"),
    };
    Verdict {
        trusted: whole,
        code: text("trusted"),
        by: some(whole, by),
        chain: vec![text(SHA)],
        message: text("vouched for"),
        remedy: some(!whole, text("import")),
        warnings: vec![text("name check off")],
    }
}

pub(crate) fn session(whole: bool) -> Session {
    Session {
        server: text("TSM1"),
        decision: text("tls"),
        code: text("held-certificate"),
        row: 11,
        level: Level {
            value: some(whole, text("8.1.2.0")),
            evidence: text("not-asked"),
        },
        session_security: text("strict"),
        tls_version: some(whole, text("1.3")),
        key_exchange: some(whole, text("X25519")),
        authentication: some(whole, text("tls")),
        object_data: some(whole, text("encrypted")),
        object_data_reason: some(whole, text("peer-has-no-data-channel")),
        metadata: some(whole, text("encrypted")),
        options: vec![SetOption {
            name: text("SSL"),
            value: text("No"),
            from: text("dsm.sys:4"),
        }],
        certificate: some(
            whole,
            Used {
                sha256: text(SHA),
                store: text("keydb"),
                how: text("pin"),
            },
        ),
        client_certificate: some(
            whole,
            OwnCertificate {
                sha256: text(SHA),
                store: text("hsm"),
                label: text("backup-client"),
            },
        ),
        presented: vec![text(SHA)],
        warnings: vec![Warning {
            code: text("lowered"),
            message: text("lowered"),
        }],
        message: text("a session"),
        remedy: some(whole, text("nothing")),
        remedy_note: some(whole, text("nothing")),
        files: vec![text("dsm.sys")],
    }
}

pub(crate) fn explanation(whole: bool) -> Explanation {
    Explanation {
        session: session(whole),
        rule: Row {
            number: 11,
            text: text("TLS from byte 0"),
        },
        record: some(whole, record(true)),
        lost: false,
        lowered: some(whole, lowered()),
        stores: vec![StoreState {
            store: text("keydb"),
            health: text("ready"),
            detail: text(""),
            held: vec![text(SHA)],
        }],
        policy: vec![SetOption {
            name: text("plain"),
            value: text("never"),
            from: text("anchorhold.toml:2"),
        }],
        unused_options: vec![SetOption {
            name: text("NODename"),
            value: text("n"),
            from: text("dsm.sys:9"),
        }],
        notes: vec![text("a port above the vendor's range")],
        would_change: vec![Difference {
            what: text("an import"),
            decision: text("tls"),
            code: text("held-certificate"),
            row: 11,
        }],
    }
}

fn lowered() -> Lowered {
    Lowered {
        allow: text("plain"),
        until: Some(text(TIME)),
        reason: text("a test"),
    }
}

pub(crate) fn record(whole: bool) -> Record {
    Record {
        server: text("TSM1"),
        session_security: text("transitional"),
        recorded: whole,
        lost: false,
        configured: true,
        level: some(
            whole,
            RecordedLevel {
                value: text("8.1.2.0"),
                evidence: text("announced"),
            },
        ),
        announced: some(whole, text("8.1.2.0")),
        tls_version: some(whole, text("1.3")),
        certificate: some(whole, text(SHA)),
        endpoint: some(
            whole,
            Endpoint {
                host: text("tsm1.example"),
                port: 1500,
            },
        ),
        created: some(whole, text(TIME)),
        last_session: some(whole, text(TIME)),
        lowered: some(whole, lowered()),
    }
}

pub(crate) fn record_list() -> RecordList {
    RecordList {
        servers: vec![record(true), record(false)],
        files: vec![text("dsm.sys")],
    }
}

pub(crate) fn record_change() -> RecordChange {
    RecordChange {
        record: record(true),
        changed: true,
        message: text("strict"),
    }
}

fn store() -> Store {
    Store {
        name: text("keydb"),
        plugin: text("anchorhold.keydb"),
        version: text("0.1.0"),
        isolation: text("in-process"),
        sandbox: text("none"),
        sandbox_note: text("runs in this process"),
        health: text("ready"),
        detail: text(""),
        generation: 1,
        items: Some(1),
        age_seconds: None,
        writable: true,
        code: Some(text("quarantined")),
        attempts_left: Some(3),
        crashed_at: Some(text(TIME)),
        crash: Some(text("ended by signal 11")),
        remedy: Some(text("anchorhold store release keydb")),
    }
}

pub(crate) fn store_turn(whole: bool) -> StoreTurn {
    StoreTurn {
        store: text("hsm"),
        changed: true,
        health: some(whole, text("ready")),
        message: text("it is unlocked"),
    }
}

pub(crate) fn store_list() -> StoreList {
    StoreList {
        stores: vec![store()],
    }
}

pub(crate) fn store_check() -> StoreCheck {
    let intent = OpenIntent {
        server: text("TSM1"),
        sha256: text(SHA),
        store: text("keydb"),
        at: text(TIME),
    };
    StoreCheck {
        stores: vec![store()],
        intents: vec![intent],
        undertakings: [Some(text("anchorhold (process 7)")), None]
            .map(|under_way_by| OpenUndertaking {
                what: text("import"),
                stores: vec![text("keydb")],
                at: text(TIME),
                who: text("root"),
                under_way_by,
                gone: vec![text("hsm")],
            })
            .to_vec(),
        passed: false,
        problems: vec![text("an intent is open")],
        missing: vec![missing()],
        remedies: vec![text("import it again")],
    }
}

pub(crate) fn password() -> Password {
    Password {
        store: text("keydb"),
        file: text("pw"),
        database: text("anchorhold.p12"),
    }
}

pub(crate) fn store_create(whole: bool) -> StoreCreate {
    let [certificate, ..] = lists().map(|list| list.certificates);
    let store = CreatedStore {
        name: text("dsmcert"),
        plugin: text("anchorhold.keydb"),
        outcome: text("new"),
        file: text("/etc/anchorhold/stores.d/dsmcert.toml"),
        path: some(whole, text("/opt/tivoli/tsm/client/ba/bin/dsmcert.kdb")),
        format: some(whole, text("kdb")),
        version: some(whole, text("v6")),
        adopted: some(whole, text("read")),
        idx: whole,
        reach: some(whole, reach(whole)),
        certificates: certificate,
        proposed: vec![proposed(whole)],
        notes: vec![text("nothing in it vouches yet")],
        next: vec![text("anchorhold scope --propose --store dsmcert")],
    };
    StoreCreate {
        stores: vec![store],
        not_adopted: vec![NotAdopted {
            path: text("/opt/tivoli/tsm/client/api/bin64/dsmcert.kdb"),
            message: text("its stash is missing"),
            remedy: some(whole, text("restore it")),
        }],
        places: vec![SearchedPlace {
            directory: text("/opt/tivoli/tsm/client/ba/bin"),
            of: text("the backup-archive client"),
            found: true,
        }],
        copied: some(whole, store_copy(whole)),
        dry_run: false,
    }
}

fn reach(whole: bool) -> Reach {
    let given = |what: &str, why: &str| Given {
        what: text(what),
        why: text(why),
    };
    Reach {
        profile: some(
            whole,
            Profile {
                name: text("softhsm"),
                tested: true,
            },
        ),
        grants: vec![given("write:/var/lib/softhsm/tokens", "the tokens")],
        env: vec![given("SOFTHSM2_CONF=/etc/softhsm2.conf", "--env")],
        secrets: vec![given("pin: /etc/anchorhold/hsm.pin", "--secret")],
        isolation: text("runner"),
        sandbox: text("full"),
        sandbox_note: String::new(),
        trust: some(whole, text("imported")),
        vouches: text("what `import` or `scope` named servers for"),
    }
}

pub(crate) fn store_copy(whole: bool) -> StoreCopy {
    StoreCopy {
        from: text("kdb"),
        to: text("p12"),
        made: some(whole, text("/etc/anchorhold/stores.d/p12.toml")),
        copied: vec![Copied {
            sha256: text(SHA),
            label: text("a label (2)"),
            before: text("a label"),
            subject: text("CN=a"),
            not_after: text(TIME),
            servers: Servers::None,
            outcome: text("new"),
            note: some(whole, text("what it says of mail stays behind")),
        }],
        left_out: vec![LeftOut {
            sha256: text(SHA),
            label: text("a key"),
            what: text("key"),
            message: text("a private key stays in its store"),
        }],
        dry_run: whole,
        warnings: vec![text("it vouches for nobody yet")],
    }
}

pub(crate) fn journal() -> Journal {
    let entry = |whole| JournalEntry {
        seq: 1,
        at: text(TIME),
        who: text("root"),
        program: text("anchorhold"),
        event: text("imported"),
        server: some(whole, text("TSM1")),
        certificate: some(whole, text(SHA)),
        store: some(whole, text("keydb")),
        detail: text("imported"),
        hash: text(SHA),
    };
    Journal {
        entries: vec![entry(true), entry(false)],
    }
}

pub(crate) fn journal_check(whole: bool) -> JournalCheck {
    JournalCheck {
        whole,
        entries: 2,
        last_hash: some(whole, text(SHA)),
        ledger: text(if whole { "whole" } else { "lost" }),
        lost: vec![text("TSM1")],
        problems: vec![text("entry 2 does not carry on entry 1")],
        message: text("2 entries"),
        remedy: some(!whole, text("keep the file")),
    }
}

pub(crate) fn diagnosis(whole: bool) -> Diagnosis {
    Diagnosis {
        findings: vec![finding()],
        errors: 1,
        warnings: 0,
        notes: 0,
        bundle: some(whole, text("bundle.json")),
        files: vec![text("dsm.sys")],
    }
}

pub(crate) fn bundle(whole: bool) -> Bundle {
    let setting = Setting {
        key: text("path"),
        value: some(whole, text("stores/a.p12")),
    };
    let option = SetOption {
        name: text("SSL"),
        value: text("Yes"),
        from: text("dsm.sys:3"),
    };
    Bundle {
        version: text("0.1.0"),
        made: text(TIME),
        platform: Platform {
            system: text("Linux"),
            release: text("6.18"),
            machine: text("x86_64"),
            user: text("root"),
        },
        places: Places {
            configuration: some(whole, text("/etc/anchorhold/anchorhold.toml")),
            state: text("/var/lib/anchorhold/state"),
            base: text("/var/lib/anchorhold"),
        },
        findings: vec![finding()],
        sandbox: vec![Offer {
            what: text("landlock"),
            available: whole,
            detail: text("ABI 7"),
        }],
        stores: store_list().stores,
        plugins: vec![plugin(whole)],
        configured_stores: vec![ConfiguredStore {
            name: text("keydb"),
            plugin: text("anchorhold.keydb"),
            settings: vec![setting.clone()],
            secrets: vec![setting],
            env: vec![text("SOFTHSM2_CONF")],
            grants: vec![text("read:/etc")],
            isolation: some(whole, text("runner")),
            require_sandbox: false,
            critical: true,
            scope: text("imported"),
        }],
        servers: vec![BundledServer {
            name: text("TSM1"),
            options: vec![option.clone()],
            unused_options: vec![option.clone()],
            policy: vec![option],
        }],
        option_files: vec![text("dsm.sys")],
        ledger: vec![record(whole)],
        journal: journal().entries,
    }
}

fn finding() -> Finding {
    Finding {
        code: text("pin-mismatch"),
        severity: text("error"),
        about: text("plugin org.example.ldap"),
        message: text("its SHA-256 is another"),
        remedy: text("anchorhold plugin add MANIFEST --update"),
    }
}

fn plugin(whole: bool) -> Plugin {
    Plugin {
        id: text("org.example.ldap"),
        version: some(whole, text("1.2.0")),
        state: text("pin-mismatch"),
        message: text("its SHA-256 is another one"),
        remedy: some(whole, text("find out who changed it")),
        manifest: some(whole, text("/opt/ldap/ldap.plugin.toml")),
        library: some(whole, text("/opt/ldap/libldap.so")),
        sha256: some(whole, text(SHA)),
        manifest_sha256: some(whole, text(SHA)),
        needs: vec![text("read"), text("connect:ldap.example:636")],
        may_need: vec![text("read:/etc/ldap")],
        grants: vec![text("connect:ldap.example:636")],
        stores: vec![text("ldap")],
    }
}

pub(crate) fn plugin_list() -> PluginList {
    PluginList {
        plugins: vec![plugin(true), plugin(false)],
        faults: vec![text("two libraries are registered as one")],
    }
}

pub(crate) fn plugin_add(whole: bool) -> PluginAdd {
    PluginAdd {
        plugin: plugin(whole),
        outcome: text("added"),
        file: text("/etc/anchorhold/plugins.d/org.example.ldap.toml"),
        store: some(whole, text("ldap")),
        changed: vec![text("ldap-test")],
        notes: vec![text("the plugin needs network, which is not granted")],
    }
}

pub(crate) fn plugin_remove() -> PluginRemove {
    PluginRemove {
        id: text("org.example.ldap"),
        file: text("/etc/anchorhold/plugins.d/org.example.ldap.toml"),
        stores: vec![text("ldap")],
    }
}

pub(crate) fn plugin_check() -> PluginCheck {
    PluginCheck {
        cases: vec![CheckedCase {
            id: text("read.pages-agree"),
            level: text("read"),
            result: text("failed"),
            message: text("pages of 2 show 3 items, and one listing shows 4"),
        }],
        passed: 0,
        failed: 1,
    }
}

pub(crate) fn plugin_new() -> PluginNew {
    PluginNew {
        id: text("org.example.my-store"),
        language: text("c"),
        directory: text("my-store"),
        manifest: text("my-store/org.example.my-store.plugin.toml"),
        library: text("my-store/libmy_store.so"),
        files: vec![text("Makefile")],
        next: vec![text("make -C my-store")],
    }
}

pub(crate) fn plugin_run(whole: bool) -> PluginRun {
    let health = RunHealth {
        state: text("ready"),
        detail: text(""),
        generation: 7,
        items: some(whole, 1),
        writable: false,
        watching: true,
    };
    let item = RunItem {
        kind: text("certificate"),
        id: text("01"),
        sha256: text(SHA),
        label: text("Example Root"),
        rules: vec![text("anchor for server")],
        read_only: true,
    };
    PluginRun {
        id: text("org.example.ldap"),
        version: text("1.2.0"),
        call: text("list"),
        isolation: text("runner"),
        sandbox: text("full"),
        sandbox_note: text(""),
        health: some(whole, health),
        generation: 7,
        items: vec![item],
        skipped: 0,
        outcomes: vec![text("new")],
    }
}
