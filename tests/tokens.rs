//! Stores on tokens: the same things done with the modules of several makers, and what becomes of
//! a module's faults.

mod body;
mod fault;
mod hang;
pub(crate) mod scene;
mod several;
mod shim;

use scene::Scene;

/// What is done with each module.
macro_rules! bodies {
    ($module:ident, $scene:path, [$($body:ident),* $(,)?]) => {
        mod $module {
            $(
                #[test]
                fn $body() {
                    if let Some(scene) = $scene() {
                        super::body::$body(&scene);
                    }
                }
            )*
        }
    };
}

bodies!(
    softhsm,
    super::Scene::softhsm,
    [
        a_certificate_is_found_by_its_digest_and_no_other_is,
        a_certificate_is_imported_listed_used_and_removed,
        a_foreign_certificate_is_unscoped_until_scope_says_whom_it_is_for,
        a_label_is_changed_by_importing_again,
        a_server_is_pinned_by_the_token,
        a_store_that_is_copied_is_whole,
    ]
);

bodies!(
    nss,
    super::Scene::nss,
    [
        a_certificate_is_found_by_its_digest_and_no_other_is,
        a_certificate_is_imported_listed_used_and_removed,
        a_foreign_certificate_is_unscoped_until_scope_says_whom_it_is_for,
        a_server_is_pinned_by_the_token,
        a_store_that_is_copied_is_whole,
    ]
);

bodies!(
    trust,
    super::Scene::trust,
    [
        a_certificate_is_found_by_its_digest_and_no_other_is,
        a_foreign_certificate_is_unscoped_until_scope_says_whom_it_is_for,
        a_server_is_pinned_by_the_token,
        a_store_that_is_copied_is_whole,
        a_store_that_is_only_read_is_not_written,
        what_the_module_distrusts_is_refused,
    ]
);
