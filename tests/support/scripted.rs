//! Servers that do not do what servers do.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How a server answers whatever it is asked.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// With all of it.
    AtOnce(Vec<u8>),
    /// Byte by byte, slowly.
    Drip(Vec<u8>),
    /// Before it is asked anything.
    Greeting(Vec<u8>),
    /// In two pieces.
    InTwo(Vec<u8>),
}

/// A server that does not do what servers do.
#[derive(Debug)]
pub(crate) struct Scripted {
    /// The port that it listens on.
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<Vec<u8>>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Starts one.
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let got = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let ended = Arc::new(AtomicBool::new(false));
        let (taken, last) = (Arc::clone(&got), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if last.load(Ordering::SeqCst) {
                    return;
                }
                let (script, taken) = (script.clone(), Arc::clone(&taken));
                std::thread::spawn(move || {
                    let received = play(stream, &script);
                    taken.lock().expect("not poisoned").push(received);
                });
            }
        });
        Self {
            port,
            got,
            ended,
            thread: Some(thread),
        }
    }

    /// All that it was sent is the question, and the beginning of a TLS handshake.
    #[track_caller]
    pub(crate) fn got_no_session(&self, what: &str) {
        for received in self.got.lock().expect("not poisoned").iter() {
            let fine = received.is_empty()
                || *received == [0x00, 0x04, 0x1D, 0xA5]
                || received.starts_with(&[0x16, 0x03]);
            assert!(fine, "{what}: it was sent {received:02x?}");
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends");
        }
    }
}

/// Plays the script on one connection, and gives back what was received.
fn play(mut stream: TcpStream, script: &Script) -> Vec<u8> {
    let mut buffer = [0; 4096];
    if let Script::Greeting(bytes) = script {
        let _ = stream.write_all(bytes);
    }
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let length = stream.read(&mut buffer).unwrap_or(0);
    let received = buffer[..length].to_vec();
    // The peer may hang up at any moment, which is what it should do.
    let _ = match script {
        Script::AtOnce(bytes) => stream.write_all(bytes),
        Script::Drip(bytes) => bytes.iter().try_for_each(|byte| {
            pause(&mut stream)?;
            stream.write_all(&[*byte])
        }),
        Script::Greeting(_) => Ok(()),
        Script::InTwo(bytes) => {
            let (first, second) = bytes.split_at(10);
            stream.write_all(first).and_then(|()| {
                pause(&mut stream)?;
                stream.write_all(second)
            })
        }
    };
    received
}

/// Waits for the peer to hang up, for a moment.
fn pause(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    match stream.read(&mut [0]) {
        Ok(0) => Err(std::io::ErrorKind::ConnectionAborted.into()),
        _ => Ok(()),
    }
}
