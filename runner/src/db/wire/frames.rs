//! Cuts a stream of bytes into frames without holding them.

use std::ops::Range;

use super::WireError;

/// The length of a frame's header: its first byte, and its length.
const HEADER: usize = 5;

/// A frame whose header has come, and whose body too if it is one that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Its first byte.
    pub(super) tag: u8,
    /// Its whole length, in bytes, the header included.
    pub(super) bytes: u64,
    /// Its body, if [`Heed::keeps`] said so; empty otherwise.
    pub(super) body: &'a [u8],
}

/// Who is told of the frames.
pub(super) trait Heed {
    /// How long the body of such a frame may be, in bytes, at most.
    fn most(&self, tag: u8) -> u64;

    /// Whether the body of such a frame is read. It is held in memory if it
    /// comes in pieces.
    fn keeps(&self, tag: u8) -> bool;

    /// A frame begins. Returns whether it is to be taken out of the stream.
    fn begins(&mut self, tag: u8) -> Result<bool, WireError>;

    /// A frame: when its body is there if that is kept, and else when its
    /// header is.
    fn frame(&mut self, frame: Frame<'_>) -> Result<(), WireError>;
}

/// Where in a frame the stream is.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// How much of the header has come.
    headed: usize,
    /// How much of the body is still to come, in bytes.
    rest: usize,
    /// The beginning of a body that is kept and comes in pieces.
    kept: Vec<u8>,
    /// Whether the frame is taken out of the stream.
    removed: bool,
}

impl Frames {
    /// Reads on. Returns which of these bytes are not to be passed on: at most
    /// one frame is removed from what comes at once.
    pub(super) fn scan(&mut self, bytes: &[u8], heed: &mut impl Heed) -> Result<Range<usize>, WireError> {
        let mut at = 0;
        let mut cut = 0..0;
        while at < bytes.len() {
            let from = at;
            at += match self.headed < HEADER {
                true => self.take_header(&bytes[at..], heed)?,
                false => self.take_body(&bytes[at..], heed)?,
            };
            if self.removed {
                cut = if cut.end == from && !cut.is_empty() { cut.start..at } else { from..at };
            }
            if self.headed == HEADER && self.rest == 0 {
                self.end();
            }
        }
        Ok(cut)
    }

    /// Returns how many bytes were taken: at least one.
    fn take_header(&mut self, bytes: &[u8], heed: &mut impl Heed) -> Result<usize, WireError> {
        let taken = bytes.len().min(HEADER - self.headed);
        if self.headed == 0 {
            self.removed = heed.begins(bytes[0])?;
            if !is_known(bytes[0]) {
                return Err(WireError::UnknownFrame { tag: bytes[0] });
            }
        }
        self.header[self.headed..self.headed + taken].copy_from_slice(&bytes[..taken]);
        self.headed += taken;
        if self.headed == HEADER {
            self.rest = body_length(self.header, heed)?;
            if !self.keeps(heed) {
                self.tell(&[], heed)?;
            } else if self.rest == 0 {
                // No body that is kept may be empty.
                return Err(WireError::Malformed { tag: self.header[0] });
            }
        }
        Ok(taken)
    }

    /// Returns how many bytes were taken: at least one.
    fn take_body(&mut self, bytes: &[u8], heed: &mut impl Heed) -> Result<usize, WireError> {
        let taken = bytes.len().min(self.rest);
        self.rest -= taken;
        if self.keeps(heed) {
            let complete = self.rest == 0;
            if complete && self.kept.is_empty() {
                self.tell(&bytes[..taken], heed)?;
            } else {
                self.kept.extend_from_slice(&bytes[..taken]);
                if complete {
                    let kept = std::mem::take(&mut self.kept);
                    self.tell(&kept, heed)?;
                }
            }
        }
        Ok(taken)
    }

    fn keeps(&self, heed: &impl Heed) -> bool {
        !self.removed && heed.keeps(self.header[0])
    }

    fn tell(&self, body: &[u8], heed: &mut impl Heed) -> Result<(), WireError> {
        if self.removed {
            return Ok(());
        }
        let length = i32::from_be_bytes([self.header[1], self.header[2], self.header[3], self.header[4]]);
        let bytes = u64::from(length.unsigned_abs()) + 1;
        heed.frame(Frame { tag: self.header[0], bytes, body })
    }

    fn end(&mut self) {
        self.headed = 0;
        self.removed = false;
    }
}

/// The length of the body that a header announces, in bytes.
fn body_length(header: [u8; HEADER], heed: &impl Heed) -> Result<usize, WireError> {
    let [tag, length @ ..] = header;
    let length = i32::from_be_bytes(length);
    // The length counts its own four bytes.
    let body = length.checked_sub(4).and_then(|body| usize::try_from(body).ok());
    let body = body.ok_or(WireError::FrameLength { tag, length })?;
    if fixed_body(tag).is_some_and(|fixed| fixed != body) {
        return Err(WireError::FrameLength { tag, length });
    }
    match body as u64 > heed.most(tag) {
        true => Err(WireError::FrameTooLarge { tag, bytes: body as u64, limit: heed.most(tag) }),
        false => Ok(body),
    }
}

/// Whether the server may send a frame that begins with this byte. See
/// PostgreSQL's manual, "Message Formats", the messages marked (B).
fn is_known(tag: u8) -> bool {
    b"RKSZTDCEN123ntsIAGHWdcVv".contains(&tag)
}

/// The length of the body where it is the same for every frame of a kind.
fn fixed_body(tag: u8) -> Option<usize> {
    match tag {
        b'Z' => Some(1),
        b'1' | b'2' | b'3' | b'n' | b's' | b'I' | b'c' => Some(0),
        _ => None,
    }
}
