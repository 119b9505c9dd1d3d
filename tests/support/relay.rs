//! A relay between the program and the server that breaks the connection at a
//! moment that a test names by what the program sends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::server;

/// What the relay waits for: a frame of the program that begins with this byte
/// and holds this text. See PostgreSQL's manual, "Message Formats"; the first
/// message of a connection has no such byte, and counts as `\0`.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// None for any.
    pub tag: Option<u8>,
    pub text: &'static str,
    /// How many of them are let through before.
    pub after: usize,
}

impl Moment {
    /// The first frame that holds this text.
    pub fn of(text: &'static str) -> Self {
        Self { tag: None, text, after: 0 }
    }

    /// The first frame of a kind.
    pub fn of_tag(tag: u8) -> Self {
        Self { tag: Some(tag), text: "", after: 0 }
    }

    fn is(&self, tag: u8, body: &[u8]) -> bool {
        let text = self.text.as_bytes();
        self.tag.is_none_or(|wanted| wanted == tag)
            && (text.is_empty() || body.windows(text.len()).any(|part| part == text))
    }
}

/// What happens then, once: later connections pass.
pub enum Act {
    /// The connection is cut, and the server never sees the frame.
    CutBefore,
    /// The server gets the frame and answers, and the program never sees the
    /// answer.
    CutAnswer,
    /// The frame passes, and the connection is cut so long after it.
    CutLater(Duration),
    /// Something else happens before the frame passes.
    First(Box<dyn Fn() + Send + Sync>),
}

/// A relay.
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    moment: Moment,
    act: Act,
    seen: AtomicUsize,
    acted: AtomicBool,
}

impl Relay {
    /// Starts a relay to the shared server.
    pub fn start(moment: Moment, act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared =
            Arc::new(Shared { moment, act, seen: AtomicUsize::new(0), acted: AtomicBool::new(false) });
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&for_thread);
                std::thread::spawn(move || drop(shared.relay(client)));
            }
        });
        Self { port, shared }
    }

    /// A URL of the server by way of the relay.
    pub fn url(&self, url: &str) -> String {
        url.replace(&format!(":{}/", server::shared().port), &format!(":{}/", self.port))
    }

    /// Whether the moment has come.
    pub fn has_acted(&self) -> bool {
        self.shared.acted.load(Ordering::SeqCst)
    }
}

/// The two ends of a connection.
struct Ends {
    client: TcpStream,
    server: TcpStream,
    /// Whether what the server says is held back until it has finished its
    /// answer, and then the connection is cut.
    withholds: Mutex<bool>,
}

impl Ends {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// Passes on what the server says.
    fn answers(&self) {
        let (mut from, mut to) = (&self.server, &self.client);
        let mut buffer = [0; 65_536];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if *self.withholds.lock().expect("no panic") {
                // ReadyForQuery ends an answer: a byte, a length of 5, a status.
                if buffer[..read].windows(5).any(|part| part == [b'Z', 0, 0, 0, 5]) {
                    break;
                }
            } else if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        self.cut();
    }
}

impl Shared {
    fn relay(&self, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(("127.0.0.1", server::shared().port))?;
        let ends = Arc::new(Ends { client, server, withholds: Mutex::new(false) });
        let answering = Arc::clone(&ends);
        std::thread::spawn(move || answering.answers());
        let mut from = &ends.client;
        let mut tag = None;
        while let Ok(frame) = read_frame(&mut from, tag) {
            if self.acts_on(tag.unwrap_or_default(), &frame, &ends)? {
                break;
            }
            (&ends.server).write_all(&frame)?;
            let mut next = [0];
            if from.read_exact(&mut next).is_err() {
                break;
            }
            tag = Some(next[0]);
        }
        if !*ends.withholds.lock().expect("no panic") {
            ends.cut();
        }
        Ok(())
    }

    /// Whether nothing of the program's is to pass any more.
    fn acts_on(&self, tag: u8, frame: &[u8], ends: &Arc<Ends>) -> std::io::Result<bool> {
        let is_it =
            self.moment.is(tag, frame) && self.seen.fetch_add(1, Ordering::SeqCst) >= self.moment.after;
        if !is_it || self.acted.swap(true, Ordering::SeqCst) {
            return Ok(false);
        }
        match &self.act {
            Act::CutBefore => Ok(true),
            Act::CutAnswer => {
                *ends.withholds.lock().expect("no panic") = true;
                (&ends.server).write_all(frame)?;
                Ok(true)
            }
            Act::CutLater(delay) => {
                let (ends, delay) = (Arc::clone(ends), *delay);
                std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    ends.cut();
                });
                Ok(false)
            }
            Act::First(first) => {
                first();
                Ok(false)
            }
        }
    }
}

/// A whole frame; the first one of a connection has no byte before its length.
fn read_frame(from: &mut &TcpStream, tag: Option<u8>) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let body = u32::from_be_bytes(length).saturating_sub(4) as usize;
    let mut frame: Vec<u8> = tag.into_iter().chain(length).collect();
    let header = frame.len();
    frame.resize(header + body, 0);
    from.read_exact(&mut frame[header..])?;
    Ok(frame)
}
