//! `anchorhold-conform`: checks a plugin against the contract of `anchorhold.h`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anchorhold_boundary::link::Program;
use anchorhold_conform::{Again, Arguments, CASE_ARGUMENT, CaseReport, Misuse, Report};
use clap::Parser;

/// Checks a trust-store plugin against the contract of anchorhold.h
#[derive(Debug, Parser)]
#[command(name = "anchorhold-conform", version, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The argument with which this program is a runner.
const RUNNER: &str = "runner";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    match words.get(1).and_then(|word| word.to_str()) {
        Some(CASE_ARGUMENT) if words.len() == 2 => return anchorhold_conform::play_case(),
        Some(RUNNER) if words.len() == 2 => return anchorhold_boundary::runner::main(),
        _ => {}
    }
    let line = CommandLine::parse();
    if line.arguments.list {
        return list(line.json);
    }
    let again = Again {
        program: Program {
            path: PathBuf::from("/proc/self/exe"),
            arguments: Vec::new(),
        },
        case: CASE_ARGUMENT.to_owned(),
        runner: vec![RUNNER.into()],
    };
    let mut show = |case: &CaseReport| {
        if !line.json {
            // Whoever closed the output reads no more of it.
            let _written = writeln!(io::stdout(), "{case}");
        }
    };
    match anchorhold_conform::check(&line.arguments, &again, &mut show) {
        Ok(report) => conclude(&report, line.json),
        Err(misuse) => refuse(&misuse, line.json),
    }
}

fn list(json: bool) -> ExitCode {
    let report = anchorhold_conform::listing();
    let text = if json {
        serde_json::to_string_pretty(&report.document()).unwrap_or_default()
    } else {
        let lines = report.cases.iter();
        let lines: Vec<String> = lines
            .map(|case| format!("{:33}{}", case.id, case.about))
            .collect();
        lines.join("\n")
    };
    let _written = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn conclude(report: &Report, json: bool) -> ExitCode {
    let text = if json {
        serde_json::to_string_pretty(&report.document()).unwrap_or_default()
    } else {
        report.summary()
    };
    let _written = writeln!(io::stdout(), "{text}");
    ExitCode::from(u8::from(report.broken() > 0))
}

fn refuse(misuse: &Misuse, json: bool) -> ExitCode {
    if json {
        let remedy = (!misuse.remedy.is_empty()).then(|| misuse.remedy.clone());
        let body = anchorhold_api::ErrorBody {
            code: "usage".to_owned(),
            message: misuse.message.clone(),
            remedy,
            causes: Vec::new(),
        };
        let document = anchorhold_api::Error { error: body };
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        let _written = writeln!(io::stdout(), "{text}");
    } else {
        eprintln!("error: {misuse}");
        if !misuse.remedy.is_empty() {
            eprintln!("  {}", misuse.remedy);
        }
    }
    ExitCode::from(2)
}
