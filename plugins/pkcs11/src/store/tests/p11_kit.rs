//! The same over p11-kit's trust module, which shows what the machine trusts.

use super::*;

const MODULE: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so";

#[test]
fn what_the_machine_trusts_is_listed_and_never_written() {
    const NAME: &str = "store::tests::p11_kit::what_the_machine_trusts_is_listed_and_never_written";
    alone(NAME, &[MODULE, "/etc/ssl/certs", "openssl"], |workshop| {
        let store = open(&[("module", MODULE), ("trust", "cka-trusted")]);
        let shown = of_kind(&store, Kind::Certificate);
        assert!(shown.iter().any(|item| item.is_anchor));
        let der = workshop.certificate("anchor");
        let id = shown[0].id.clone();
        for change in [anchor(&der, "ours"), Change::Remove(&id)] {
            let (effects, refused) = apply(&store, &officer(), &Batch::new(vec![change]));
            assert!(effects.is_empty());
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused}");
        }
        assert_eq!(of_kind(&store, Kind::Certificate), shown);
        // Nothing of it is locked.
        store.unlock(&Call::detached()).unwrap();
    });
}

#[test]
fn what_is_on_another_token_than_the_one_that_is_written_stays() {
    const NAME: &str =
        "store::tests::p11_kit::what_is_on_another_token_than_the_one_that_is_written_stays";
    alone(NAME, &[MODULE, "openssl"], |workshop| {
        let der = workshop.certificate("anchor");
        std::fs::create_dir(workshop.path("directory")).unwrap();
        workshop.write("directory/anchor.der", &der);
        let told = format!(
            "paths='{}:{}'",
            workshop.text("directory"),
            workshop.text("anchor.der")
        );
        let store = open(&[("module", MODULE), ("reserved", &told)]);
        let shown = of_kind(&store, Kind::Certificate);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].read_only);
        assert_eq!(store.holding.lock().unwrap().is_writable(), Some(true));
        let id = entry::id(Kind::Certificate, &der);
        for change in [anchor(&der, "another"), Change::Remove(&id)] {
            let (effects, refused) = apply(&store, &user(), &Batch::new(vec![change]));
            assert!(effects.is_empty());
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused}");
        }
    });
}

#[test]
fn what_the_machine_blocks_is_distrusted_though_it_is_an_anchor_as_well() {
    const NAME: &str = "store::tests::p11_kit::\
        what_the_machine_blocks_is_distrusted_though_it_is_an_anchor_as_well";
    alone(NAME, &[MODULE, "openssl"], |workshop| {
        for folder in ["trust", "trust/anchors", "trust/blocklist"] {
            std::fs::create_dir(workshop.path(folder)).unwrap();
        }
        let (good, bad) = (workshop.certificate("good"), workshop.certificate("bad"));
        workshop.write("trust/anchors/good.der", &good);
        workshop.write("trust/anchors/bad.der", &bad);
        workshop.write("trust/blocklist/bad.der", &bad);
        let told = format!("paths='{}'", workshop.text("trust"));
        for trust in ["imported", "cka-trusted"] {
            let store = open(&[("module", MODULE), ("reserved", &told), ("trust", trust)]);
            let mut rules = Vec::new();
            let mut take = |item: &Item<'_>| {
                if item.kind == Kind::Certificate {
                    rules.push((item.der.to_vec(), item.rules.to_vec()));
                }
                Ok(())
            };
            let mut page = Page::new(256, b"");
            let mut items = Items::collecting(&mut take);
            store
                .list(&Call::detached(), &mut page, &mut items)
                .unwrap();
            assert_eq!(rules.len(), 2, "{trust}");
            assert!(rules.contains(&(good.clone(), Rule::SERVER_ANCHOR.to_vec())));
            assert!(rules.contains(&(bad.clone(), Rule::DISTRUST.to_vec())));
        }
    });
}
