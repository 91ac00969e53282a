//! The question for a server's level, as the servers of the rehearsal answer it.

use super::{Character, Manners};
use crate::program;
use anchorhold_session::identify::{self, Identity, QUESTION};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What the question begins with.
pub(super) const FIRST: u8 = 0;

/// Answers one question in clear and goes on with the existing protocol, if the client does.
pub(super) async fn in_clear<S>(stream: &mut S, character: &Character) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    question(stream).await?;
    if character.manners == Manners::Silent {
        return until_the_end(stream).await;
    }
    // Nobody can know in clear who told it, so LDAP is not told there.
    stream.write_all(&told(character, false)).await?;
    stream.flush().await?;
    if character.enhanced() {
        return until_the_end(stream).await;
    }
    program::answer(stream).await
}

/// Answers one question inside TLS.
pub(super) async fn inside<S>(stream: &mut S, character: &Character) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    question(stream).await?;
    stream.write_all(&told(character, character.ldap)).await?;
    stream.shutdown().await
}

/// Answers whatever comes, and takes whatever the client then says.
pub(super) async fn regardless<S>(stream: &mut S, character: &Character) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = match character.manners {
        Manners::Mumbling => b"220 ready\r\n".to_vec(),
        _ => told(character, false),
    };
    stream.write_all(&answer).await?;
    stream.flush().await?;
    until_the_end(stream).await
}

fn told(character: &Character, ldap: bool) -> Vec<u8> {
    let level = match character.manners {
        Manners::Luring(level) => level,
        _ => character.level,
    };
    identify::write(&Identity {
        level,
        name: "REHEARSAL".to_owned(),
        platform: "Linux/x86_64".to_owned(),
        ldap,
    })
}

async fn question<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut verb = [0; QUESTION.len()];
    stream.read_exact(&mut verb).await?;
    if verb == QUESTION {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not the verb Identify",
        ))
    }
}

/// Reads and forgets until the client is gone.
async fn until_the_end<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut buffer = [0; 1_024];
    while stream.read(&mut buffer).await? != 0 {}
    Ok(())
}
