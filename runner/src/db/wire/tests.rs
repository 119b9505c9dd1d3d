//! The guard over streams that a test makes up.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::frames::{Frame, Frames, Heed};
use super::state::{TransactionStatus, Wire};
use super::{Admitted, Guard, WireError};

/// How long each target is fuzzed, unless ARBTEST_BUDGET_MS says otherwise.
const BUDGET: Duration = Duration::from_secs(3);

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short body");
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

fn ready(status: u8) -> Vec<u8> {
    frame(b'Z', &[status])
}

/// What a server says to a client that it takes in.
fn welcome() -> Vec<u8> {
    [
        frame(b'R', &0_u32.to_be_bytes()),
        frame(b'S', b"server_version\x0015.8\0"),
        frame(b'S', b"session_authorization\0guest\0"),
        frame(b'K', &[0, 0, 1, 2, 9, 9, 9, 9]),
        ready(b'I'),
    ]
    .concat()
}

/// A stream that gives what it has in chunks of given lengths, and then ends.
struct Chunks {
    rest: Vec<u8>,
    lengths: Vec<usize>,
}

impl Chunks {
    fn of(bytes: &[u8], lengths: Vec<usize>) -> Self {
        Self { rest: bytes.to_vec(), lengths }
    }
}

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.lengths.pop().unwrap_or(usize::MAX).max(1);
        let length = length.min(self.rest.len()).min(buffer.remaining());
        buffer.put_slice(&self.rest[..length]);
        self.rest.drain(..length);
        Poll::Ready(Ok(()))
    }
}

/// What comes through the guard, and what ended it.
fn passed(bytes: &[u8], lengths: Vec<usize>, wire: &Arc<Wire>) -> (Vec<u8>, Option<WireError>) {
    let mut guard = Guard::new(Chunks::of(bytes, lengths), Arc::clone(wire));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut through = Vec::new();
    let result = runtime.block_on(guard.read_to_end(&mut through));
    assert_eq!(result.is_err(), wire.fault().is_some());
    (through, wire.fault())
}

/// Of a server that was ready once.
fn started() -> Arc<Wire> {
    let wire = Arc::new(Wire::default());
    assert_eq!(passed(&welcome(), Vec::new(), &wire), (welcome(), None));
    wire
}

#[track_caller]
fn fault(bytes: &[u8]) -> WireError {
    let (_, fault) = passed(bytes, Vec::new(), &started());
    fault.expect("the guard ends this")
}

#[test]
fn the_last_answer_is_observed() {
    let wire = Arc::new(Wire::default());
    let steps: [(Vec<u8>, TransactionStatus, &[&str]); 4] = [
        (welcome(), TransactionStatus::Idle, &[]),
        (
            [frame(b'C', b"BEGIN\0"), frame(b'D', b"\0\0"), frame(b'C', b"SELECT 1\0"), ready(b'T')].concat(),
            TransactionStatus::InTransaction,
            &["BEGIN", "SELECT 1"],
        ),
        // A statement that is closed completes none.
        ([frame(b'3', b""), ready(b'T')].concat(), TransactionStatus::InTransaction, &["BEGIN", "SELECT 1"]),
        ([frame(b'E', b"\0"), ready(b'E')].concat(), TransactionStatus::Failed, &["BEGIN", "SELECT 1"]),
    ];
    for (bytes, status, tags) in steps {
        assert_eq!(passed(&bytes, Vec::new(), &wire), (bytes, None));
        let observed = wire.observed().expect("the server was ready");
        assert_eq!(
            (observed.status, observed.tags),
            (status, tags.iter().map(|tag| (*tag).into()).collect())
        );
        assert_eq!(observed.user.as_deref(), Some("guest"));
    }
    wire.begin_request();
    assert_eq!(wire.observed().expect("the server was ready").tags, Vec::<String>::new());
    assert_eq!(wire.process(), Some(0x0102));
    assert_eq!(wire.parameter("server_version").as_deref(), Some("15.8"));
    passed(&frame(b'S', b"session_authorization\0evil\0"), Vec::new(), &wire);
    assert_eq!(wire.observed().and_then(|observed| observed.user).as_deref(), Some("evil"));
}

#[test]
fn what_is_no_protocol_ends_the_connection() {
    for foreign in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"D\0\0\0\x04", b"\x15\x03\x01\0\x02"] {
        assert_eq!(passed(foreign, Vec::new(), &Arc::default()), (Vec::new(), Some(WireError::Foreign)));
    }
    assert_eq!(fault(b"\x16\x03\x01"), WireError::UnknownFrame { tag: 0x16 });
    assert_eq!(fault(b"D\0\0\0\x03"), WireError::FrameLength { tag: b'D', length: 3 });
    assert_eq!(fault(b"D\xff\xff\xff\xff"), WireError::FrameLength { tag: b'D', length: -1 });
    assert_eq!(fault(&frame(b'Z', b"TT")), WireError::FrameLength { tag: b'Z', length: 6 });
    for malformed in [
        ready(b'X'),
        frame(b'C', b"no end"),
        frame(b'C', b"two\0ends\0"),
        frame(b'C', b"\xff\0"),
        frame(b'C', b""),
        frame(b'S', b"alone\0"),
        frame(b'S', b"a\0b\0c\0"),
        frame(b'K', b"\0\0\0"),
    ] {
        assert_eq!(fault(&malformed), WireError::Malformed { tag: malformed[0] }, "{malformed:?}");
    }
    let many: Vec<u8> =
        (0..1_000).flat_map(|number| frame(b'S', format!("p{number}\0x\0").as_bytes())).collect();
    assert_eq!(fault(&many), WireError::TooManyParameters { limit: 256 });
    for copy in [b'G', b'H', b'W'] {
        assert_eq!(fault(&frame(copy, b"\0\0\0")), WireError::UnexpectedCopy);
    }
}

#[test]
fn limits_are_kept_to_the_byte() {
    let row = frame(b'D', &[0; 95]);
    let answer = |rows: usize| [row.repeat(rows), frame(b'C', b"SELECT\0"), ready(b'T')].concat();
    let wire = started();
    wire.set_result_limit(Some(300));
    // Each answer begins anew.
    assert_eq!(passed(&answer(3).repeat(3), Vec::new(), &wire).1, None);
    assert_eq!(passed(&answer(4), Vec::new(), &wire).1, Some(WireError::RowsTooLarge { limit: 300 }));

    let wire = started();
    wire.set_frame_limit(Some(95));
    assert_eq!(passed(&row, Vec::new(), &wire).1, None);
    // The header is enough: the body never came.
    let longer = &frame(b'D', &[0; 96])[..5];
    let expected = WireError::FrameTooLarge { tag: b'D', bytes: 96, limit: 95 };
    assert_eq!(passed(longer, Vec::new(), &wire).1, Some(expected));

    assert!(matches!(fault(b"N\x7f\xff\xff\xff"), WireError::FrameTooLarge { tag: b'N', .. }));
    assert!(matches!(fault(b"S\0\x01\0\0"), WireError::FrameTooLarge { tag: b'S', .. }));
    assert!(matches!(fault(b"C\0\0\x01\0"), WireError::FrameTooLarge { tag: b'C', .. }));
}

#[test]
fn a_refused_copy_is_answered_once() {
    let refused = [frame(b'2', b""), frame(b'E', b"\0"), ready(b'E')].concat();
    let next = [frame(b'C', b"ROLLBACK\0"), ready(b'I')].concat();
    let all = [refused.clone(), ready(b'E'), next.clone()].concat();
    let expected = [refused, next].concat();
    for split in 0..all.len() {
        for lengths in [vec![split], vec![1; all.len()], vec![split, 7, 1]] {
            let wire = started();
            wire.expect_copy(true);
            assert_eq!(passed(&all, lengths, &wire), (expected.clone(), None), "{split}");
            assert_eq!(wire.observed().map(|observed| observed.status), Some(TransactionStatus::Idle));
        }
    }
    // One that has begun is answered once anyway.
    let wire = started();
    wire.expect_copy(true);
    let failed = [frame(b'G', b"\x01\0\0"), frame(b'E', b"\0"), ready(b'E'), ready(b'E')].concat();
    assert_eq!(passed(&failed, Vec::new(), &wire), (failed, None));
}

#[tokio::test]
async fn whoever_waits_hears_of_the_end() {
    let wire = Arc::new(Wire::default());
    wire.settled().await;
    let (stream, mut server) = tokio::io::duplex(64);
    let mut guard = Guard::new(stream, Arc::clone(&wire));
    tokio::io::AsyncWriteExt::write_all(&mut server, &frame(b'E', b"\0")).await.expect("is written");
    guard.read_exact(&mut [0; 6]).await.expect("is read");
    let waiting = wire.settled();
    tokio::pin!(waiting);
    assert!(futures_util::poll!(waiting.as_mut()).is_pending(), "the server is not ready yet");
    drop(guard);
    waiting.await;
}

#[test]
fn notices_have_a_budget_for_each_step() {
    let wire = Wire::default();
    let admitted = (0..2_000).filter(|_| wire.admit(10) == Admitted::Yes).count();
    assert_eq!(admitted, 1_000);
    wire.begin_step();
    assert_eq!(wire.admit(1024 * 1024), Admitted::Yes);
    assert_eq!(
        [wire.admit(1), wire.admit(0), wire.admit(0)],
        [Admitted::Exhausted, Admitted::No, Admitted::No]
    );
}

/// Writes down what it is told; keeps what the guard keeps.
#[derive(Default)]
struct Notes(Vec<(u8, u64, Vec<u8>)>);

impl Heed for Notes {
    fn most(&self, _: u8) -> u64 {
        1 << 20
    }

    fn keeps(&self, tag: u8) -> bool {
        matches!(tag, b'Z' | b'C' | b'S' | b'K')
    }

    fn begins(&mut self, _: u8) -> std::result::Result<bool, WireError> {
        Ok(false)
    }

    fn frame(&mut self, frame: Frame<'_>) -> std::result::Result<(), WireError> {
        self.0.push((frame.tag, frame.bytes, frame.body.to_vec()));
        Ok(())
    }
}

/// Bytes that begin as a sound stream and are damaged, or are any at all.
fn stream(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for _ in 0..u.int_in_range(0..=8)? {
        let body: Vec<u8> = u.arbitrary()?;
        match u.int_in_range(0..=9)? {
            0 => bytes.extend(body),
            1 => bytes.extend(ready(*u.choose(b"ITEX")?)),
            2 => bytes.extend(frame(b'C', &[body.as_slice(), b"\0"].concat())),
            3 => bytes.extend(frame(b'S', b"name\0value\0")),
            4 => bytes.extend(frame(u.arbitrary()?, &body)),
            _ => bytes.extend(frame(*u.choose(b"DdEN1ATnRK")?, &body)),
        }
    }
    if !bytes.is_empty() && u.ratio(1, 4)? {
        let at = u.choose_index(bytes.len())?;
        bytes[at] = u.arbitrary()?;
    }
    Ok(bytes)
}

fn fuzz(property: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    let fuzz = arbtest(property).size_max(2_048);
    match std::env::var_os("ARBTEST_BUDGET_MS") {
        Some(_) => fuzz.run(),
        None => fuzz.budget(BUDGET).run(),
    }
}

#[test]
fn frames_are_the_same_in_all_chunks() {
    fuzz(|u| {
        let bytes = stream(u)?;
        let mut whole = (Frames::default(), Notes::default());
        let end = whole.0.scan(&bytes, &mut whole.1);
        let mut parts = (Frames::default(), Notes::default());
        let mut rest = bytes.as_slice();
        let mut result = Ok(0..0);
        while !rest.is_empty() && result.is_ok() {
            let (chunk, after) = rest.split_at(u.int_in_range(1..=rest.len())?);
            result = parts.0.scan(chunk, &mut parts.1);
            rest = after;
        }
        assert_eq!((end, &whole.1.0), (result, &parts.1.0), "{bytes:?}");
        Ok(())
    });
}

#[test]
fn any_bytes_pass_unchanged_or_end_the_connection() {
    fuzz(|u| {
        let bytes = stream(u)?;
        let mut lengths = Vec::new();
        for _ in 0..u.int_in_range(0..=20)? {
            lengths.push(u.int_in_range(1..=40)?);
        }
        let wire = started();
        wire.set_result_limit(Some(200));
        let (through, fault) = passed(&bytes, lengths, &wire);
        match fault {
            None => assert_eq!(through, bytes),
            Some(_) => assert!(bytes.starts_with(&through)),
        }
        Ok(())
    });
}
