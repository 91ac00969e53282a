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
