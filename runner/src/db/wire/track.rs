//! What the frames mean, as far as it is of interest here.

use std::sync::Arc;

use super::WireError;
use super::frames::{Frame, Heed};
use super::state::{TransactionStatus, Wire};

/// How long a body that is no row may be, in bytes: errors and notices hold
/// what a migration wrote, and the descriptions of 1,664 columns are shorter.
const MOST_OTHER: u64 = 16 * 1024 * 1024;
/// A parameter's name and value. PostgreSQL 18 reports the search path, which
/// may be long.
const MOST_PARAMETER: u64 = 16 * 1024;
/// A command tag; the server builds it in 64 bytes.
const MOST_TAG: u64 = 128;
/// A process id and a key; since protocol 3.2 the key may have 256 bytes.
const MOST_KEY: u64 = 4 + 256;

/// What a server may send before it is ready for the first time.
const STARTUP: &[u8] = b"RSKZENv";

/// A COPY, from when the session asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Copy {
    /// None, or one that takes its course.
    #[default]
    Quiet,
    /// The server refused to begin it.
    Refused,
    /// And said that it is ready again. The driver has told it by then, or will
    /// tell it, that the data fails: the server is ready a second time for
    /// that.
    ReadyAgain,
}

/// Follows the frames of one connection.
#[derive(Debug)]
pub(super) struct Tracker {
    wire: Arc<Wire>,
    /// Whether the server was ready once.
    started: bool,
    /// Whether an answer has begun and not ended.
    answering: bool,
    /// The bytes of the answer's rows so far.
    rows: u64,
    copy: Copy,
}

impl Tracker {
    pub(super) fn new(wire: Arc<Wire>) -> Self {
        let started = wire.observed().is_some();
        Self { wire, started, answering: false, rows: 0, copy: Copy::Quiet }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    fn begin(&mut self) {
        if !self.answering {
            self.answering = true;
            self.wire.answer_begins();
        }
    }

    fn ready(&mut self, body: &[u8]) -> Result<(), WireError> {
        let status = match body {
            b"I" => TransactionStatus::Idle,
            b"T" => TransactionStatus::InTransaction,
            b"E" => TransactionStatus::Failed,
            _ => return Err(WireError::Malformed { tag: b'Z' }),
        };
        self.started = true;
        self.answering = false;
        self.rows = 0;
        if self.copy == Copy::Refused {
            self.copy = Copy::ReadyAgain;
        }
        self.wire.answer_ends(status);
        Ok(())
    }

    fn row(&mut self, bytes: u64) -> Result<(), WireError> {
        self.begin();
        self.rows = self.rows.saturating_add(bytes);
        let limit = self.wire.result_limit();
        match self.rows > limit {
            true => Err(WireError::RowsTooLarge { limit }),
            false => Ok(()),
        }
    }

    /// A COPY begins, or is refused before it begins.
    fn copy(&mut self, tag: u8) -> Result<(), WireError> {
        self.begin();
        let expected = self.wire.is_copy_expected();
        match tag {
            b'E' if expected => {
                self.copy = Copy::Refused;
                self.wire.expect_copy(false);
            }
            b'G' if expected => self.wire.expect_copy(false),
            b'E' => {}
            _ => return Err(WireError::UnexpectedCopy),
        }
        Ok(())
    }
}

impl Heed for Tracker {
    fn most(&self, tag: u8) -> u64 {
        match tag {
            b'D' | b'd' => self.wire.frame_limit(),
            b'S' => MOST_PARAMETER,
            b'C' => MOST_TAG,
            b'K' => MOST_KEY,
            _ => MOST_OTHER,
        }
    }

    fn keeps(&self, tag: u8) -> bool {
        matches!(tag, b'Z' | b'C' | b'S' | b'K')
    }

    /// After a COPY that the server refused to begin, the driver sends the
    /// COPY's failure and a second Sync all the same. The server is ready once
    /// more than the driver waits for, and from then on every answer would be
    /// taken for that of the request before: that message is removed.
    fn begins(&mut self, tag: u8) -> Result<bool, WireError> {
        if !self.started && !STARTUP.contains(&tag) {
            return Err(WireError::Foreign);
        }
        let removed = tag == b'Z' && !self.answering && self.copy == Copy::ReadyAgain;
        if removed {
            self.copy = Copy::Quiet;
        }
        Ok(removed)
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), WireError> {
        let malformed = WireError::Malformed { tag: frame.tag };
        match frame.tag {
            b'D' | b'd' => self.row(frame.bytes)?,
            b'Z' => self.ready(frame.body)?,
            b'C' => {
                self.begin();
                self.wire.completed(text(frame.body).ok_or(malformed)?);
            }
            b'S' => {
                let (name, value) = pair(frame.body).ok_or(malformed)?;
                self.wire.reported(name, value)?;
            }
            b'K' => {
                let process = frame.body.first_chunk().ok_or(malformed)?;
                self.wire.served_by(i32::from_be_bytes(*process));
            }
            b'E' | b'G' | b'H' | b'W' => self.copy(frame.tag)?,
            // They may come between two answers.
            b'N' | b'A' => {}
            _ => self.begin(),
        }
        Ok(())
    }
}

/// A body that is one string.
fn text(body: &[u8]) -> Option<&str> {
    let (last, text) = body.split_last()?;
    let text = std::str::from_utf8(text).ok()?;
    (*last == 0 && !text.contains('\0')).then_some(text)
}

/// A body that is two strings.
fn pair(body: &[u8]) -> Option<(&str, &str)> {
    let end = body.iter().position(|byte| *byte == 0)?;
    let (name, value) = body.split_at_checked(end + 1)?;
    Some((text(name)?, text(value)?))
}
