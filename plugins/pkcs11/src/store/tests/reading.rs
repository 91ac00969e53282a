//! What is read of a token, over SoftHSM.

use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

use super::*;

/// A session in which the user may write, beside those of a store.
fn session(store: &TokenStore) -> Session {
    let mut holding = store.holding.lock().unwrap();
    let module = holding.module().unwrap();
    let slot = holding.only("used", |_| true).unwrap().token.slot;
    let session = module.open_rw_session(slot).unwrap();
    let pin = AuthPin::new(PIN.into());
    session.login(UserType::User, Some(&pin)).unwrap();
    session
}

/// A certificate object of these bytes.
fn template(value: &[u8], label: &[u8]) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Subject(vec![0x30, 0]),
        Attribute::Label(label.to_vec()),
        Attribute::Value(value.to_vec()),
    ]
}

/// The pages of a listing, each with the labels of its items.
fn pages(store: &TokenStore, limit: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = Vec::new();
    loop {
        let mut shown = Vec::new();
        let mut take = |item: &Item<'_>| {
            shown.push(item.label.to_owned());
            Ok(())
        };
        let mut page = Page::new(limit, &cursor);
        let mut items = Items::collecting(&mut take);
        let call = Call::detached();
        store.list(&call, &mut page, &mut items).unwrap();
        pages.push(shown);
        match page.next_cursor() {
            [] => return pages,
            next => cursor = next.to_vec(),
        }
    }
}

#[test]
fn objects_that_are_no_certificates_are_passed_over_and_reported() {
    const NAME: &str =
        "store::tests::reading::objects_that_are_no_certificates_are_passed_over_and_reported";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        assert!(listed(&store).is_empty());
        assert_eq!(store.health().state(), HealthState::Ready);
        let session = session(&store);
        session.create_object(&template(&der, b"whole")).unwrap();
        session.create_object(&template(b"half", b"odd")).unwrap();
        let long = [&der[..], &[0]].concat();
        session.create_object(&template(&long, b"longer")).unwrap();
        // What the officer alone may set fails, and leaves an object without bytes behind.
        let marked = [template(&der, b"left"), vec![Attribute::Trusted(true)]].concat();
        session.create_object(&marked).unwrap_err();
        session.logout().unwrap();
        assert_eq!(labels(&store), ["whole"]);
        let health = store.health();
        assert_eq!(health.state(), HealthState::Degraded);
        let detail = format!("{health:?}");
        assert!(detail.contains("3 objects were passed over"), "{detail}");
        assert!(detail.contains("the token \\\"corp\\\""), "{detail}");
    });
}

#[test]
fn labels_and_values_of_any_length_are_read() {
    const NAME: &str = "store::tests::reading::labels_and_values_of_any_length_are_read";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let store = corp(&[]);
        let words = "req -x509 -nodes -days 30 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
                     -outform DER -keyout big.key -out big.der -subj /CN=big -addext";
        let more = format!("nsComment={}", "c".repeat(60_000));
        let words = [words.split_whitespace().collect(), vec![&*more]].concat();
        workshop.run("openssl", &words);
        let big = workshop.read("big.der");
        let der = workshop.certificate("anchor");
        assert!(listed(&store).is_empty());
        let session = session(&store);
        session.create_object(&template(&big, b"\xff")).unwrap();
        session
            .create_object(&template(&der, &[b'l'; 5000]))
            .unwrap();
        session.logout().unwrap();
        assert_eq!(labels(&store), ["l".repeat(1024), "\u{fffd}".to_owned()]);
        let shown = of_kind(&store, Kind::Certificate);
        assert!(shown.iter().any(|item| item.der == big));
    });
}

#[test]
fn many_certificates_come_in_pages_of_one_listing() {
    const NAME: &str = "store::tests::reading::many_certificates_come_in_pages_of_one_listing";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let store = corp(&[]);
        assert!(listed(&store).is_empty());
        let session = session(&store);
        let der = workshop.certificate("anchor");
        let of = 20_u8;
        for number in 0..of {
            let mut der = der.clone();
            // Nobody looks at the signature here.
            *der.last_mut().unwrap() = number;
            let label = number.to_string();
            session
                .create_object(&template(&der, label.as_bytes()))
                .unwrap();
        }
        session.logout().unwrap();
        let pages = pages(&store, 8);
        let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
        assert_eq!(sizes, [8, 8, 4]);
        let mut shown = pages.concat();
        shown.sort();
        shown.dedup();
        assert_eq!(shown.len(), usize::from(of));
    });
}
