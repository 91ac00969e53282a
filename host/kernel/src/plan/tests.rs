//! Tables of stores as they are typed.

use super::*;

fn table(text: &str) -> StoreTable {
    toml::from_str(text).unwrap()
}

#[test]
fn defaults_are_those_of_the_manual() {
    let plan = table("name = \"keydb\"\nplugin = \"p\"")
        .plan(Path::new("/base"))
        .unwrap();
    assert_eq!(plan, StorePlan::new("keydb", "p", Path::new("/base")));
    assert!(plan.critical);
    assert_eq!(plan.stale_ok, Duration::ZERO);
    assert_eq!(plan.timeout, Duration::from_secs(5));
    assert_eq!(plan.refresh, Duration::from_secs(30));
    assert_eq!(plan.scope, StoreScope::Imported);
}

#[test]
fn every_key_is_read() {
    let plan = table(
        "name = \"hsm\"\nplugin = \"p\"\nsettings = { path = \"a.p12\", n = 3, yes = true }\n\
         isolation = \"in-process\"\nrequire_sandbox = true\ncritical = false\nstale_ok = \"2h\"\n\
         timeout = \"250ms\"\nhang_after = \"1min\"\nrefresh = \"1d\"\nscratch = true\n\
         scope = \"any\"\nenv = { SOFTHSM2_CONF = \"/etc/softhsm2.conf\" }\n\
         grant = [\"read:/etc/softhsm2.conf\", \"write:/var/lib/softhsm\"]\n\
         [secrets]\npin = { file = \"hsm.pin\" }\nso = { credential = \"so-pin\" }\n\
         other = { fd = 3 }\nlast = \"ask\"",
    )
    .plan(Path::new("/base"))
    .unwrap();
    assert_eq!(plan.settings.len(), 3);
    assert_eq!(plan.isolation, Some(Isolation::InProcess));
    assert!(plan.require_sandbox && !plan.critical && plan.scratch);
    assert_eq!(plan.stale_ok, Duration::from_secs(7200));
    assert_eq!(plan.timeout, Duration::from_millis(250));
    assert_eq!(plan.hang_after, Duration::from_secs(60));
    assert_eq!(plan.refresh, Duration::from_secs(86400));
    assert_eq!(plan.scope, StoreScope::Any);
    assert_eq!(plan.env["SOFTHSM2_CONF"], "/etc/softhsm2.conf");
    let grants: Vec<_> = plan.grants.iter().map(ToString::to_string).collect();
    assert_eq!(
        grants,
        ["read:/etc/softhsm2.conf", "write:/var/lib/softhsm"]
    );
    let sources: Vec<_> = plan.secrets.values().cloned().collect();
    let expected = [
        SecretSource::Ask,
        SecretSource::Descriptor(3),
        SecretSource::File("/base/hsm.pin".into()),
        SecretSource::Credential("so-pin".to_owned()),
    ];
    assert_eq!(sources, expected);
}

#[test]
fn what_is_no_source_of_a_secret_names_store_and_key() {
    for wrong in [
        "\"1234\"",
        "1234",
        "true",
        "{}",
        "{ file = \"a\", fd = 3 }",
        "{ file = 3 }",
        "{ file = \"\" }",
        "{ fd = 2 }",
        "{ fd = -1 }",
        "{ fd = \"3\" }",
        "{ credential = \"../pin\" }",
        "{ credential = \"\" }",
        "{ environment = \"PIN\" }",
        "[\"ask\"]",
    ] {
        let typed = format!("name = \"hsm\"\nplugin = \"p\"\nsecrets = {{ pin = {wrong} }}");
        let error = table(&typed).plan(Path::new("/")).unwrap_err().to_string();
        assert!(error.starts_with("store \"hsm\": secrets.pin: "), "{error}");
        assert!(!error.contains("1234"), "{error}");
    }
}

#[test]
fn a_grant_that_is_none_is_named() {
    let table = table("name = \"a\"\nplugin = \"p\"\ngrant = [\"read:etc\"]");
    let error = table.plan(Path::new("/")).unwrap_err().to_string();
    assert!(
        error.contains("store \"a\"") && error.contains("read:etc"),
        "{error}"
    );
}

#[test]
fn an_environment_that_brings_code_along_is_refused() {
    for name in [
        "LD_PRELOAD",
        "LD_AUDIT",
        "GCONV_PATH",
        "GLIBC_TUNABLES",
        "",
        "A=B",
    ] {
        let typed = format!("name = \"a\"\nplugin = \"p\"\nenv = {{ \"{name}\" = \"x\" }}");
        let error = table(&typed).plan(Path::new("/")).unwrap_err().to_string();
        assert!(error.contains(&format!("env.{name}: ")), "{error}");
    }
}

#[test]
fn unknown_keys_and_words_are_errors() {
    assert!(toml::from_str::<StoreTable>("name = \"a\"\nplugin = \"p\"\ncritcal = true").is_err());
    assert!(toml::from_str::<StoreTable>("name = \"a\"\nplugin = \"p\"\nscope = \"all\"").is_err());
    assert!(toml::from_str::<StoreTable>("plugin = \"p\"").is_err());
}

#[test]
fn a_time_span_that_is_none_names_its_key() {
    let error = table("name = \"a\"\nplugin = \"p\"\ntimeout = \"5 parsecs\"")
        .plan(Path::new("/"))
        .unwrap_err();
    assert!(
        error.to_string().contains("timeout = \"5 parsecs\""),
        "{error}"
    );
    for wrong in [
        "",
        "5",
        "s",
        "-1s",
        "1.5s",
        "99999999999999999999s",
        "18446744073709551615d",
    ] {
        assert_eq!(duration(wrong), None, "{wrong}");
    }
}

#[test]
fn names_that_are_paths_or_empty_are_refused() {
    for wrong in ["", "../x", "a b", "-x", ".x", "ä", &"n".repeat(65)] {
        let table = StoreTable {
            name: wrong.to_owned(),
            ..table("name = \"a\"\nplugin = \"p\"")
        };
        assert!(table.plan(Path::new("/")).is_err(), "{wrong}");
    }
}
