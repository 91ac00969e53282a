//! Asking a server for its level, in clear or inside TLS.

use crate::identify::{self, ANSWER_MAX, HEADER, Identity, Malformed};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Why a server's level is not known after asking.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The answer was cut off, or the connection broke.
    Broken(io::Error),
    /// The answer makes no sense.
    Malformed(Malformed),
    /// Nothing, or not everything, came within the time.
    Silent(Duration),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => write!(f, "the answer broke off: {error}"),
            Self::Malformed(error) => write!(f, "{error}"),
            Self::Silent(limit) => write!(f, "no whole answer within {limit:?}"),
        }
    }
}

impl std::error::Error for NoAnswer {}

/// Sends the Identify verb and reads one answer; the limit holds for all of it, so that an
/// answer that drips cannot hold the caller.
pub(crate) async fn ask<S>(stream: &mut S, limit: Duration) -> Result<Identity, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(limit, exchange(stream))
        .await
        .unwrap_or(Err(NoAnswer::Silent(limit)))
}

async fn exchange<S>(stream: &mut S) -> Result<Identity, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream
        .write_all(&identify::QUESTION)
        .await
        .map_err(NoAnswer::Broken)?;
    stream.flush().await.map_err(NoAnswer::Broken)?;
    let mut header = [0; HEADER];
    stream
        .read_exact(&mut header)
        .await
        .map_err(NoAnswer::Broken)?;
    let length = identify::answer_length(header).map_err(NoAnswer::Malformed)?;
    let mut answer = vec![0; length.min(ANSWER_MAX)];
    let (start, rest) = answer.split_at_mut(HEADER);
    start.copy_from_slice(&header);
    stream.read_exact(rest).await.map_err(NoAnswer::Broken)?;
    identify::read(&answer).map_err(NoAnswer::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;
    use tokio::io::duplex;

    const LIMIT: Duration = Duration::from_secs(3);

    fn answer() -> Vec<u8> {
        identify::write(&Identity {
            level: Level::new(8, 1, 2, 0),
            name: "TSM1".to_owned(),
            platform: "Linux".to_owned(),
            ldap: false,
        })
    }

    async fn asked(reply: &[u8], pause: Duration) -> Result<Identity, NoAnswer> {
        let (mut client, mut server) = duplex(64);
        let reply = reply.to_vec();
        let serve = async move {
            let mut question = [0; 4];
            server.read_exact(&mut question).await.expect("a question");
            assert_eq!(question, identify::QUESTION);
            for byte in reply {
                tokio::time::sleep(pause).await;
                if server.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        };
        tokio::join!(ask(&mut client, LIMIT), serve).0
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_tells_the_level() {
        let identity = asked(&answer(), Duration::ZERO).await.expect("an answer");
        assert_eq!(identity.level, Level::new(8, 1, 2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_drips_ends_at_the_deadline() {
        let refused = asked(&answer(), Duration::from_secs(1)).await;
        assert!(
            matches!(refused, Err(NoAnswer::Silent(LIMIT))),
            "{refused:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn garbage_and_half_answers_tell_nothing() {
        let garbage = asked(b"HTTP/1.1 400 Bad Request", Duration::ZERO).await;
        assert!(
            matches!(garbage, Err(NoAnswer::Malformed(_))),
            "{garbage:?}"
        );
        let half = asked(&answer()[..30], Duration::ZERO).await;
        assert!(matches!(half, Err(NoAnswer::Broken(_))), "{half:?}");
        let nothing = asked(&[], Duration::ZERO).await;
        assert!(matches!(nothing, Err(NoAnswer::Broken(_))), "{nothing:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_left_at_the_deadline() {
        let (mut client, _server) = duplex(64);
        let refused = ask(&mut client, LIMIT).await;
        assert!(matches!(refused, Err(NoAnswer::Silent(_))), "{refused:?}");
    }
}
