//! The stream that the driver reads and writes.

use std::future::Ready;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::frames::Frames;
use super::state::Wire;
use super::track::Tracker;

/// A stream whose frames are read as they pass.
pub(in crate::db) struct Guard<S> {
    stream: S,
    frames: Frames,
    tracker: Tracker,
}

impl<S> Guard<S> {
    /// Guards a stream on which the server's first frame is still to come, and
    /// on which TLS has been settled.
    pub(in crate::db) fn new(stream: S, wire: Arc<Wire>) -> Self {
        Self { stream, frames: Frames::default(), tracker: Tracker::new(wire) }
    }

    /// Looks at what was read after `from`, and takes out what is not to be
    /// passed on.
    fn look(&mut self, buffer: &mut ReadBuf<'_>, from: usize) -> io::Result<()> {
        let filled = buffer.filled_mut();
        match self.frames.scan(&filled[from..], &mut self.tracker) {
            Ok(cut) if cut.is_empty() => Ok(()),
            Ok(cut) => {
                let end = filled.len();
                filled.copy_within(from + cut.end..end, from + cut.start);
                buffer.set_filled(end - cut.len());
                Ok(())
            }
            Err(fault) => {
                self.tracker.wire().end(Some(fault.clone()));
                buffer.set_filled(from);
                Err(io::Error::new(io::ErrorKind::InvalidData, fault))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fault) = self.tracker.wire().fault() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault)));
        }
        let from = buffer.filled().len();
        loop {
            let result = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
            if result.is_err() || buffer.filled().len() == from {
                self.tracker.wire().end(None);
                return Poll::Ready(result);
            }
            self.tracker.wire().moved.now();
            self.look(buffer, from)?;
            // Nothing read means the end of the stream: where all of it was
            // taken out, there is more to wait for.
            if buffer.filled().len() > from {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tracker.wire().moved.now();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tracker.wire().moved.now();
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guard<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// Whoever waits for an answer must not wait for one that cannot come.
impl<S> Drop for Guard<S> {
    fn drop(&mut self) {
        self.tracker.wire().end(None);
    }
}

/// Hands a stream on which TLS has been settled to the driver, as the outcome
/// of a TLS connector: so the driver finds the channel binding where there is
/// one, and asks the server for nothing.
pub(in crate::db) struct Guarded;

impl<S: TlsStream + Unpin> TlsConnect<S> for Guarded {
    type Stream = S;
    type Error = io::Error;
    type Future = Ready<io::Result<S>>;

    fn connect(self, stream: S) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}
