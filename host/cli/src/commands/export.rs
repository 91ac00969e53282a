//! `export`: certificates out again, and never a key.

mod database;
mod output;
mod selection;

use std::io::{self, Write};

use anchorhold_api as api;
use anchorhold_formats::pem;

use super::holding::Holding;
use crate::args::export::{Export, Format};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::input;
use crate::output::{Reply, say};

use database::Protection;
use output::{Output, Piece};
use selection::Selection;

/// Exports certificates. Nothing of the home is written.
pub(super) fn run(args: &Export, home: &Home) -> Result<Reply, Failure> {
    let format = format(args)?;
    if input::is_standard_input(&args.output) && home.globals().json {
        let message = "-o - and --json would both write to standard output";
        return Err(Failure::usage("usage", message).remedy("name a file with -o"));
    }
    let protection = match format {
        Format::Pem | Format::Der => None,
        Format::P12 | Format::Kdb => Some(Protection::of(args)?),
    };
    let stash = protection.as_ref().is_some_and(Protection::has_stash);
    let output = Output::look(args, stash, home)?;
    let holding = Holding::look(home, &[])?;
    let selection = Selection::of(&args.fingerprints, &holding)?;
    let mut warnings = selection.check(format, &holding, home)?;
    warnings.extend(protection.as_ref().and_then(|one| one.warning(format)));
    match protection {
        None => plain(format, &selection, &output)?,
        Some(protection) => {
            let bytes = protection.seal(format, args, &selection)?;
            let mut pieces = vec![Piece::secret(&args.output, bytes)];
            if let Some(stash) = protection.stash()? {
                pieces.insert(0, Piece::secret(&output::stash_of(&args.output), stash));
            }
            output.write(&pieces)?;
        }
    }
    if input::is_standard_input(&args.output) {
        warnings.iter().for_each(|warning| say("warning", warning));
        return Ok(Reply::said(Exit::Done));
    }
    Ok(Reply::done(document(
        args, format, &selection, stash, warnings,
    )))
}

/// What is to be made, where all that was said fits it.
fn format(args: &Export) -> Result<Format, Failure> {
    let format = args.format.or_else(|| Format::by_name(&args.output));
    let Some(format) = format else {
        let message = format!(
            "the name {} does not say what to make of it",
            args.output.display()
        );
        return Err(Failure::usage("usage", message)
            .remedy("say it with --format pem, der, p12 or kdb, or call the file so"));
    };
    let kept = matches!(format, Format::P12 | Format::Kdb);
    let refused = |option: &str| {
        let message = format!("{option} is not for {}", format.word());
        Err(Failure::usage("usage", message))
    };
    match () {
        () if args.password_file.is_some() && !kept => refused("--password-file"),
        () if args.stash.is_some() && !kept => refused("--stash"),
        () if args.kdb_version.is_some() && format != Format::Kdb => refused("--kdb-version"),
        () if kept && input::is_standard_input(&args.output) => {
            let message = format!("a {} is written to a file", format.word());
            Err(Failure::usage("usage", message).remedy("name one with -o"))
        }
        () => Ok(format),
    }
}

/// Certificates and nothing else, which anybody may read.
fn plain(format: Format, selection: &Selection<'_>, output: &Output<'_>) -> Result<(), Failure> {
    let bytes = match (format, selection.certificates()) {
        (Format::Der, [only]) => only.der.to_vec(),
        (Format::Der, several) => {
            let message = format!("der holds one certificate, and these are {}", several.len());
            return Err(Failure::usage("usage", message)
                .remedy("export them one by one, or all of them as pem"));
        }
        // Java of the vendor's takes no text beside the armour.
        (_, all) => all
            .iter()
            .map(|one| pem::write(one.der))
            .collect::<String>()
            .into_bytes(),
    };
    if output.is_standard() {
        return print(&bytes);
    }
    output.write(&[Piece::public(output.path(), bytes)])
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // Whoever has read enough has what was wanted.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed("output-failed", "standard output").because(&error))
        }
        _ => Ok(()),
    }
}

fn document(
    args: &Export,
    format: Format,
    selection: &Selection<'_>,
    stash: bool,
    warnings: Vec<String>,
) -> api::Export {
    let certificates = selection.certificates().iter();
    let certificates = certificates.map(|one| api::Exported {
        sha256: one.fingerprint.to_string(),
        subject: one.subject.clone(),
        label: matches!(format, Format::P12 | Format::Kdb).then(|| one.label.clone()),
    });
    api::Export {
        certificates: certificates.collect(),
        format: format.word().to_owned(),
        file: args.output.display().to_string(),
        stash: stash.then(|| output::stash_of(&args.output).display().to_string()),
        warnings,
    }
}
