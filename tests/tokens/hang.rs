//! A token that does not answer, or is away, while somebody asks for verdicts.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::Program;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::plan::{Isolation, StorePlan};
use anchorhold_kernel::{
    CertificateKind, Held, Kernel, KernelOptions, Registry, ScopeRow, ScopeTable, ServerName,
    Servers, View, certificate,
};
// What is linked in registers itself.
use anchorhold_pkcs11 as _;

use super::scene::{Scene, real_softhsm};
use crate::support::here;

/// A kernel over a token whose module goes wrong while there is a certain file.
struct Bench {
    kernel: Kernel,
    scope: ScopeTable,
    scene: Scene,
}

impl Bench {
    /// `faults` are those of the shim, with `STOP` for the path of that file.
    fn new(stale_ok: Duration, faults: &str) -> Option<Self> {
        if !here("cc") {
            return None;
        }
        let scene = Scene::softhsm()?;
        scene.import();
        let home = scene.home.directory().display().to_string();
        let conf = format!("{home}/softhsm2.conf");
        let library = scene.shim().display().to_string();
        let mut plan = StorePlan::new("hsm", "anchorhold.pkcs11", scene.home.directory())
            .with_setting("module", Value::String(library))
            .with_setting("token", Value::String("corp".to_owned()));
        plan.env = BTreeMap::from([
            ("SOFTHSM2_CONF".to_owned(), conf),
            ("P11_REAL".to_owned(), real_softhsm().display().to_string()),
            (
                "P11_SHIM".to_owned(),
                faults.replace("STOP", &format!("{home}/stop")),
            ),
        ]);
        let grants = [format!("read:{home}"), format!("write:{home}/tokens")];
        plan.grants = grants
            .iter()
            .map(|grant| Grant::parse(grant).expect("a grant"))
            .collect();
        plan.isolation = Some(Isolation::Runner);
        plan.timeout = Duration::from_secs(1);
        // Each verdict finds that it is time to list again.
        plan.refresh = Duration::ZERO;
        plan.stale_ok = stale_ok;
        let program = Program {
            path: env!("CARGO_BIN_EXE_anchorhold").into(),
            arguments: vec!["runner".into()],
        };
        let options = KernelOptions::default().with_program(program);
        let kernel = Kernel::open(vec![plan], &Registry::builtin(), options);
        let row = ScopeRow {
            kind: CertificateKind::Pin,
            servers: Servers::Named([server()].into()),
        };
        let scope = ScopeTable {
            rows: [(certificate::fingerprint(&scene.server.der()), row)].into(),
        };
        Some(Self {
            kernel,
            scope,
            scene,
        })
    }

    fn view(&self) -> View {
        let stores = ["hsm".to_owned()];
        self.kernel.view(&server(), &stores, self.scope.clone())
    }

    fn stop(&self) {
        self.scene.home.write("stop", "");
    }

    fn go_on(&self) {
        fs::remove_file(self.scene.home.path("stop")).expect("removed");
    }
}

fn server() -> ServerName {
    ServerName::new("TSM1")
}

/// Its module waits in the midst of a listing.
const HANGS: &str = "C_FindObjects=while:STOP";
/// It is pulled out of its reader: the sessions are lost, and none can be had.
const AWAY: &str = "C_GetTokenInfo=CKR_TOKEN_NOT_PRESENT@STOP \
                    C_GetSessionInfo=CKR_DEVICE_REMOVED@STOP \
                    C_FindObjectsInit=CKR_DEVICE_REMOVED@STOP \
                    C_OpenSession=CKR_DEVICE_REMOVED@STOP";

#[test]
fn verdicts_go_on_from_what_the_token_held_before_it_hung() {
    let Some(bench) = Bench::new(Duration::from_secs(3600), HANGS) else {
        return;
    };
    let first = bench.view();
    assert!(first.silent().is_empty(), "{:?}", first.silent());
    assert!(matches!(first.held(), Held::Yes(_)));
    bench.stop();
    // None of these waits for the token, which says nothing at all.
    for _ in 0..1000 {
        let view = bench.view();
        assert!(matches!(view.held(), Held::Yes(_)));
        let silent = view.silent();
        assert_eq!(silent.len(), 1, "{silent:?}");
    }
    let store = bench.kernel.store("hsm").expect("it is there");
    let health = store.health();
    assert!(health.detail.contains("slow"), "{health:?}");
    bench.go_on();
    let until = Instant::now() + Duration::from_secs(60);
    while !bench.view().silent().is_empty() {
        assert!(Instant::now() < until, "it answers again");
    }
    assert!(!store.health().detail.contains("slow"));
}

#[test]
fn nothing_vouches_where_the_operator_lets_nothing_old_count() {
    let Some(bench) = Bench::new(Duration::ZERO, HANGS) else {
        return;
    };
    assert!(matches!(bench.view().held(), Held::Yes(_)));
    bench.stop();
    for _ in 0..20 {
        let Held::Unanswered { why, .. } = bench.view().held() else {
            panic!("it does not answer");
        };
        assert!(why.contains("took too long"), "{why}");
    }
    // It is asked again as soon as it is done with what nobody waits for any more.
    bench.go_on();
    let until = Instant::now() + Duration::from_secs(60);
    while !matches!(bench.view().held(), Held::Yes(_)) {
        assert!(Instant::now() < until, "it answers again");
    }
}

#[test]
fn a_token_that_is_put_in_again_vouches_again_in_the_same_process() {
    let Some(bench) = Bench::new(Duration::ZERO, AWAY) else {
        return;
    };
    let store = bench.kernel.store("hsm").expect("it is there");
    assert!(matches!(bench.view().held(), Held::Yes(_)));
    let process = store.process().expect("in a runner");
    for _ in 0..3 {
        bench.stop();
        let Held::Unanswered { why, .. } = bench.view().held() else {
            panic!("it is away");
        };
        assert!(why.contains("is not there: put it in"), "{why}");
        bench.go_on();
        assert!(matches!(bench.view().held(), Held::Yes(_)));
    }
    assert_eq!(store.process(), Some(process));
}
