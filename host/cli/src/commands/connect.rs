//! `connect`: the whole sign-on, and a session that a program may use.

mod pipe;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anchorhold_api as api;
use anchorhold_session::channel;
use anchorhold_session::connect::{Wish, connect};
use anchorhold_session::report::Report;
use anchorhold_session::server::Server;

use super::session;
use crate::args::{Connect, Globals};
use crate::exit::{Exit, Failure};
use crate::home::{Home, from_connect};
use crate::input;
use crate::output::{Answer, Page, Reply};

/// Signs on to a server.
pub(super) fn run(args: &Connect, home: &Home) -> Result<Reply, Failure> {
    let server = home.servers()?.find(&args.name)?;
    home.settle()?;
    // Whoever asked for a report in a file is told before anything is sent that it cannot be.
    let file = args.report.as_deref().map(create).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::failed("system", "no threads for the connection").because(&error)
        })?;
    let answer = runtime.block_on(sign_on(args, home, server, file));
    // A thread that waits for standard input would wait for ever.
    runtime.shutdown_background();
    answer
}

async fn sign_on(
    args: &Connect,
    home: &Home,
    server: &Server,
    file: Option<File>,
) -> Result<Reply, Failure> {
    let context = home.context()?;
    // A program on a pipe has one channel, and what it sends there is for that channel.
    let wish = Wish {
        data_channel: !args.pipe,
    };
    let (report, opened) = connect(&context, server, wish)
        .await
        .map_err(|error| from_connect(&error))?;
    let document = session::document(&report, home)?;
    if args.pipe {
        return joined(args, home, &report, document, file, opened).await;
    }
    if let Some(session) = opened {
        session.close().await;
    }
    let exit = Exit::of(report.exit());
    let Some(mut file) = file else {
        return Ok(Reply::new(exit, document));
    };
    write_report(&mut file, &document, home.globals(), args.report.as_deref())?;
    Ok(Reply::said(exit))
}

/// The report first, so that a program can read it before it says anything; then the pipe.
async fn joined(
    args: &Connect,
    home: &Home,
    report: &Report,
    document: api::Session,
    file: Option<File>,
    opened: Option<channel::Session>,
) -> Result<Reply, Failure> {
    match file {
        Some(mut file) => {
            write_report(&mut file, &document, home.globals(), args.report.as_deref())?;
        }
        None => write_report(&mut io::stderr().lock(), &document, home.globals(), None)?,
    }
    if let Some(session) = opened {
        pipe::join(session, &report.server).await?;
    }
    Ok(Reply::said(Exit::of(report.exit())))
}

fn write_report(
    out: &mut dyn Write,
    document: &api::Session,
    globals: &Globals,
    path: Option<&Path>,
) -> Result<(), Failure> {
    let written = if globals.json {
        serde_json::to_writer_pretty(&mut *out, document)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
    } else {
        document.people(&mut Page::plain(out, globals.verbose))
    };
    written.and_then(|()| out.flush()).map_err(|error| {
        let file = path.map_or_else(|| "standard error".to_owned(), input::shown);
        Failure::failed(
            "output-failed",
            format!("the report cannot be written to {file}"),
        )
        .because(&error)
    })
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| {
        let message = format!("--report {}: cannot be written", path.display());
        Failure::usage("output-refused", message).because(&error)
    })
}

/// One session and its deadlines need no more.
const WORKERS: usize = 2;
