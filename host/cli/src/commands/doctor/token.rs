//! What of each token vouches.

use super::case::Case;
use super::finding::{Findings, of_store};
use crate::builtin::Trust;

/// Says for each store on a token which of its certificates vouch.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) {
    for plan in &case.config.stores {
        let Ok(Some(trust)) = Trust::of(plan) else {
            continue;
        };
        let list = findings.command(&["list", "--store", &plan.name]);
        let remedy = format!(
            "nothing has to be done where that is meant; else change `trust` and `scope` of the \
             [[store]] in {}; see what is on it: {list}",
            case.file_of(&plan.name)
        );
        let message = format!("trust = \"{}\": {}", trust.word(), trust.meaning());
        findings.note("token-trust", of_store(&plan.name), message, remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixture::Scene;

    #[test]
    fn each_token_has_the_mode_that_is_in_force_told() {
        let scene = Scene::new();
        let table = |name: &str, more: &str| {
            format!(
                "[[store]]\nname = \"{name}\"\nplugin = \"anchorhold.pkcs11\"\nsettings = {{ \
                 module = \"/x.so\"{more}\n"
            )
        };
        let text = [
            table("plain", " }"),
            table("all", ", trust = \"all\" }\nscope = \"any\""),
        ];
        std::fs::write(scene.path("anchorhold.toml"), text.concat()).expect("written");
        let mut findings = Findings::new(&scene.home);
        let case = Case::open(&scene.home, &mut findings);
        look(&case, &mut findings);
        let told = findings.sorted();
        let [all, plain] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(
            all.message
                .starts_with("trust = \"all\": every certificate"),
            "{all:?}"
        );
        assert!(
            plain.message.starts_with("trust = \"imported\": "),
            "{plain:?}"
        );
        assert!(plain.remedy.contains("list --store plain"), "{plain:?}");
    }
}
