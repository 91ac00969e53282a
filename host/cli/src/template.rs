//! The projects that `plugin new` makes: every file of them, as it is written.

mod name;

use std::borrow::Cow;

pub(crate) use name::Name;

use crate::args::plugin::Language;

/// A file of a project.
#[derive(Clone, Debug)]
pub(crate) struct ProjectFile {
    /// Where it is, below the project's directory.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) content: Cow<'static, [u8]>,
}

/// Every file of a project.
pub(crate) fn project(language: Language, name: &Name) -> Vec<ProjectFile> {
    match language {
        Language::C => in_c(name),
        Language::Rust => in_rust(name),
    }
}

fn in_c(name: &Name) -> Vec<ProjectFile> {
    let source = format!("{}.c", name.identifier());
    vec![
        filled(".gitignore", include_str!("template/c/gitignore"), name),
        filled("Makefile", include_str!("template/c/Makefile"), name),
        filled("README.md", include_str!("template/c/README.md"), name),
        filled(source, include_str!("template/c/store.c"), name),
        filled(name.manifest(), MANIFEST, name),
        as_it_is("anchors/example.der", ANCHOR),
        as_it_is("include/LICENSE-APACHE", APACHE),
        as_it_is("include/LICENSE-MIT", MIT),
        as_it_is("include/anchorhold.h", HEADER),
    ]
}

fn in_rust(name: &Name) -> Vec<ProjectFile> {
    let sdk = "vendor/anchorhold-sdk/Cargo.toml";
    let abi = "vendor/anchorhold-abi/Cargo.toml";
    let mut files = vec![
        filled(".gitignore", include_str!("template/rust/gitignore"), name),
        filled(
            "Cargo.toml",
            include_str!("template/rust/package.toml"),
            name,
        ),
        filled("README.md", include_str!("template/rust/README.md"), name),
        filled("build.rs", include_str!("template/rust/build.rs"), name),
        filled("src/lib.rs", include_str!("template/rust/lib.rs"), name),
        filled(name.manifest(), MANIFEST, name),
        as_it_is("anchors/example.der", ANCHOR),
        as_it_is("vendor/LICENSE-APACHE", APACHE),
        as_it_is("vendor/LICENSE-MIT", MIT),
        filled(abi, include_str!("template/rust/abi.toml"), name),
        filled(sdk, include_str!("template/rust/sdk.toml"), name),
    ];
    files.extend(VENDORED.iter().map(|(package, path, text)| {
        as_it_is(&format!("vendor/{package}/src/{path}"), text.as_bytes())
    }));
    files
}

/// A file that speaks of the plugin by its name.
fn filled(path: impl Into<String>, text: &str, name: &Name) -> ProjectFile {
    let text = text
        .replace("@name@", name.as_str())
        .replace("@ident@", &name.identifier())
        .replace("@id@", &name.id())
        .replace("@library@", &name.library())
        .replace("@version@", env!("CARGO_PKG_VERSION"));
    ProjectFile {
        path: path.into(),
        content: Cow::Owned(text.into_bytes()),
    }
}

fn as_it_is(path: &str, content: &'static [u8]) -> ProjectFile {
    ProjectFile {
        path: path.to_owned(),
        content: Cow::Borrowed(content),
    }
}

const MANIFEST: &str = include_str!("template/plugin.toml");

/// A certificate of a CA whose key does not exist.
const ANCHOR: &[u8] = include_bytes!("template/example.der");

const HEADER: &[u8] = include_bytes!("../../../sdk/c/include/anchorhold.h");
const APACHE: &[u8] = include_bytes!("../../../LICENSE-APACHE");
const MIT: &[u8] = include_bytes!("../../../LICENSE-MIT");

/// The sources of the SDK: the crate, the path below its `src`, and the text.
const VENDORED: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/vendored.rs"));

#[cfg(test)]
mod tests;
