//! Profiles: that each can be read, and what they come to on a machine.

use super::*;

fn no_variable(_: &str) -> Option<String> {
    None
}

#[test]
fn every_profile_can_be_read() {
    for text in known::TEXTS {
        let read: Result<Profile, _> = toml::from_str(text);
        let profile = read.unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(!profile.modules.is_empty(), "{}", profile.name);
        let needs = profile.resolve(&no_variable);
        for (grant, why) in &needs.grants {
            assert!(!grant.contains("${") && !why.is_empty(), "{grant}");
        }
    }
    assert_eq!(known::all().count(), known::TEXTS.len());
}

#[test]
fn modules_are_known_by_their_name_and_its_versions() {
    let name = |path: &str| find(Path::new(path)).map(|profile| profile.name);
    assert_eq!(name("/x/libsofthsm2.so").as_deref(), Some("softhsm"));
    assert_eq!(name("/x/libtpm2_pkcs11.so.1.9.0").as_deref(), Some("tpm2"));
    assert_eq!(name("/x/libsofthsm2.so.evil"), None);
    assert_eq!(name("/x/mylibsofthsm2.so"), None);
    assert_eq!(
        name("/x/p11-kit-proxy.so").as_deref(),
        Some("p11-kit-proxy")
    );
    assert!(
        find(Path::new("/x/p11-kit-proxy.so"))
            .unwrap()
            .refused
            .is_some()
    );
}

#[test]
fn a_link_leads_to_the_profile_of_what_it_leads_to() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("libsoftokn3.so");
    fs::write(&real, "").unwrap();
    let link = dir.path().join("my-token.so");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    assert_eq!(find(&link).unwrap().name, "nss");
}

#[test]
fn directory_of_the_tokens_stands_in_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("softhsm2.conf");
    fs::write(
        &file,
        "# x\ndirectories.tokendir = /old\n directories.tokendir=/srv/tokens/ # here\nslots.removable = false\n",
    )
    .unwrap();
    let profile = find(Path::new("/x/libsofthsm2.so")).unwrap();
    let path = file.display().to_string();
    let given = |name: &str| (name == "SOFTHSM2_CONF").then(|| path.clone());
    let needs = profile.resolve(&given);
    let grants: Vec<&str> = needs
        .grants
        .iter()
        .map(|(grant, _)| grant.as_str())
        .collect();
    assert_eq!(grants, [&format!("read:{path}"), "write:/srv/tokens"]);
    assert_eq!(needs.env.len(), 1);
    assert_eq!(
        (&needs.env[0].0[..], &needs.env[0].1),
        ("SOFTHSM2_CONF", &path)
    );
    assert!(needs.notes.is_empty(), "{:?}", needs.notes);
}

#[test]
fn what_cannot_be_found_out_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.conf").display().to_string();
    let profile = find(Path::new("/x/libsofthsm2.so")).unwrap();
    let needs = profile.resolve(&|_: &str| Some(missing.clone()));
    assert_eq!(needs.grants.len(), 1);
    assert!(
        needs.notes[0].contains("cannot be read"),
        "{:?}",
        needs.notes
    );
    assert!(
        needs.notes[1].contains("write:${tokens}"),
        "{:?}",
        needs.notes
    );
    // A path that says nothing by itself is none.
    assert_eq!(value_of("a = relative", "a"), None);
}
