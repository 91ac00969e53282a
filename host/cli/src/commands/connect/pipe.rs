//! A session joined to standard input and output.

use std::io;

use anchorhold_kernel::ServerName;
use anchorhold_session::channel::Session;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::exit::Failure;

/// Copies both ways until the server is done; the end of standard input is passed on to it.
pub(super) async fn join(mut session: Session, server: &ServerName) -> Result<(), Failure> {
    let (from_server, to_server) = tokio::io::split(session.control());
    let up = up(tokio::io::stdin(), to_server);
    let down = down(from_server, tokio::io::stdout());
    let ended = both(up, down).await;
    session.close().await;
    ended.map_err(|why| match why {
        Broken::Server(error) => {
            let message = format!("the session with {server} broke off");
            Failure::failed("session-broken", message).because(&error)
        }
        Broken::Program(error) => {
            Failure::failed("output-failed", "standard input or output broke off").because(&error)
        }
    })
}

/// Whose fault the end was.
enum Broken {
    Program(io::Error),
    Server(io::Error),
}

/// Ends when the server is done, or at the first fault; a program that has said all may still
/// listen.
async fn both(
    up: impl Future<Output = Result<(), Broken>>,
    down: impl Future<Output = Result<(), Broken>>,
) -> Result<(), Broken> {
    tokio::pin!(up, down);
    tokio::select! {
        ended = &mut down => ended,
        // What the server said before it broke off is still to be delivered.
        said = &mut up => match said {
            Ok(()) => down.await,
            Err(Broken::Server(error)) => down.await.and(Err(Broken::Server(error))),
            Err(broken) => Err(broken),
        },
    }
}

async fn up(
    mut program: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
) -> Result<(), Broken> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = program.read(&mut buffer).await.map_err(Broken::Program)?;
        if count == 0 {
            return server.shutdown().await.map_err(Broken::Server);
        }
        let said = buffer.get(..count).unwrap_or_default();
        server.write_all(said).await.map_err(Broken::Server)?;
        server.flush().await.map_err(Broken::Server)?;
    }
}

async fn down(
    mut server: impl AsyncRead + Unpin,
    mut program: impl AsyncWrite + Unpin,
) -> Result<(), Broken> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = server.read(&mut buffer).await.map_err(Broken::Server)?;
        if count == 0 {
            return Ok(());
        }
        let heard = buffer.get(..count).unwrap_or_default();
        let delivered = match program.write_all(heard).await {
            Ok(()) => program.flush().await,
            Err(error) => Err(error),
        };
        match delivered {
            Ok(()) => {}
            // A reader who has seen enough is no fault.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Broken::Program(error)),
        }
    }
}

const BUFFER: usize = 64 << 10;
