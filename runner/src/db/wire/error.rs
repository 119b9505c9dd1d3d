//! Why the guard ends a connection.

/// What the server sent that ends the connection. Nothing more can be asked of
/// the session, and the server rolls back by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// What was said first is nothing that a server of PostgreSQL begins with.
    #[error("it does not answer as a server of PostgreSQL does")]
    Foreign,
    /// No message of the protocol begins like this.
    #[error("the server sent a message that the protocol does not have (`{}`)", tag.escape_ascii())]
    UnknownFrame {
        /// Its first byte.
        tag: u8,
    },
    /// A length that this kind of message cannot have.
    #[error("the server sent a message `{}` of {length} bytes, which it cannot have", tag.escape_ascii())]
    FrameLength {
        /// Its first byte.
        tag: u8,
        /// What it says of its length, in bytes, without the first byte.
        length: i32,
    },
    /// A body that cannot be read.
    #[error("the server sent a message `{}` that cannot be read", tag.escape_ascii())]
    Malformed {
        /// Its first byte.
        tag: u8,
    },
    /// The server reports more parameters than there can be.
    #[error("the server reports more than {limit} parameters")]
    TooManyParameters {
        /// The most that are kept.
        limit: usize,
    },
    /// One message is larger than allowed; it was not read.
    #[error("the server sent a message `{}` of {bytes} bytes; {limit} are allowed", tag.escape_ascii())]
    FrameTooLarge {
        /// Its first byte.
        tag: u8,
        /// Its length, in bytes.
        bytes: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The rows of one statement are larger than allowed together.
    #[error("the rows of one statement have more than {limit} bytes")]
    RowsTooLarge {
        /// The limit, in bytes as they are sent.
        limit: u64,
    },
    /// A statement made the server begin a COPY that nobody serves: the driver
    /// and the server would wait for each other.
    #[error("the statement began a COPY outside of a writer")]
    UnexpectedCopy,
}
