//! Every code of a verdict, reached and just missed.

mod bounds;
mod distrust;
mod mistakes;
mod names;
mod paths;
mod pins;
mod silence;

use crate::fixture::{Stores, scope};
use crate::{CertificateKind, Code, Verdict, View};
use anchorhold_sdk::testing::Held;

/// A view of one store that holds these, all in scope for the server of the fixture.
fn view(held: &[(&[u8], CertificateKind)]) -> View {
    let stores = Stores::new(&["keydb"]);
    for (der, _) in held {
        stores.contents[0].put(Held::anchor(*der, "label"));
    }
    stores.view(scope(held))
}

/// Every refusal says what happened and what to do.
#[track_caller]
fn refused(verdict: &Verdict, code: Code) {
    assert_eq!(verdict.code, code, "{}", verdict.message);
    assert!(!verdict.trusted);
    assert_eq!(verdict.by, None);
    assert!(
        verdict.message.ends_with('.') && verdict.message.len() > 20,
        "{}",
        verdict.message
    );
    let remedy = verdict.remedy.as_ref().expect("a refusal has a remedy");
    assert!(remedy.ends_with('.') && remedy.len() > 20, "{remedy}");
}

#[track_caller]
fn trusted(verdict: &Verdict) {
    assert!(verdict.trusted, "{}: {}", verdict.code, verdict.message);
    assert_eq!(verdict.code, Code::Trusted);
    assert_eq!(verdict.remedy, None);
}

#[track_caller]
fn says(verdict: &Verdict, text: &str) {
    let (message, wanted) = (verdict.message.to_lowercase(), text.to_lowercase());
    assert!(
        message.contains(&wanted),
        "\"{text}\" is not in: {}",
        verdict.message
    );
}
