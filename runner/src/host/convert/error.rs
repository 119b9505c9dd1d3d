//! Why a value was not converted.

use super::super::bindings::types::Value;

/// Why a value was not converted. The texts are for the author of the
/// migration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum ConvertError {
    /// The wrong number of parameters.
    #[error("the statement has {expected} parameters, and {found} were given")]
    ParameterCount { expected: usize, found: usize },
    /// Something is wrong with a parameter.
    #[error("parameter ${number}: {source}")]
    Parameter { number: usize, source: Box<Self> },
    /// The wrong number of values in a row.
    #[error("row {row} has {found} values, and the writer has {expected} columns")]
    FieldCount { row: usize, expected: usize, found: usize },
    /// Something is wrong with a value in a row.
    #[error("row {row}, column `{column}`: {source}")]
    Field { row: usize, column: String, source: Box<Self> },
    /// A value of the wrong kind.
    #[error("a value of the kind `{found}` does not fit `{expected}`; `literal` fits every type")]
    Kind { found: &'static str, expected: String },
    /// A value of a fitting kind that would not stay what it is.
    #[error("{value} does not fit `{expected}`")]
    Range { value: String, expected: String },
    /// A raw value of another type.
    #[error("a raw value of type {found} does not fit `{name}`, which is type {expected}")]
    RawType { found: u32, expected: u32, name: String },
    /// A value of a type that the host cannot write as text.
    #[error("a value of type {0} is known in its binary format only, and only a server can write it as text")]
    NoText(u32),
    /// A literal in a row.
    #[error("a `literal` is for parameters of statements: a writer's rows have no text format")]
    LiteralInRow,
    /// No text of PostgreSQL has the character 0.
    #[error("a text contains the character 0, which PostgreSQL cannot store")]
    Nul,
    /// Not a number, or one that is too large.
    #[error("`{0}` is not a `numeric` as PostgreSQL prints it")]
    Numeric(String),
    /// An array whose parts contradict each other.
    #[error("the array {0}")]
    Array(&'static str),
    /// Bytes that are not tuples.
    #[error("the bytes are no whole tuples: {problem} in tuple {tuple}")]
    Tuple { tuple: u64, problem: &'static str },
    /// The server sent something that its type does not allow.
    #[error("the server sent a value of type `{type_name}` that cannot be read: {problem}")]
    Malformed { type_name: String, problem: &'static str },
    /// The server sent a tuple that does not fit its own description.
    #[error("the server sent a row that cannot be read")]
    MalformedRow,
}

impl ConvertError {
    pub(super) fn kind(value: &Value, expected: &str) -> Self {
        Self::Kind { found: name_of(value), expected: expected.to_owned() }
    }
}

/// The name of a value's case, as the interface spells it.
fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "boolean",
        Value::Int2(_) => "int2",
        Value::Int4(_) => "int4",
        Value::Int8(_) => "int8",
        Value::Float4(_) => "float4",
        Value::Float8(_) => "float8",
        Value::Numeric(_) => "numeric",
        Value::Text(_) => "text",
        Value::Bytea(_) => "bytea",
        Value::Date(_) => "date",
        Value::Time(_) => "time",
        Value::Timetz(_) => "timetz",
        Value::Timestamp(_) => "timestamp",
        Value::Timestamptz(_) => "timestamptz",
        Value::Interval(_) => "interval",
        Value::Uuid(_) => "uuid",
        Value::Json(_) => "json",
        Value::Jsonb(_) => "jsonb",
        Value::Array(_) => "array",
        Value::Raw(_) => "raw",
        Value::Literal(_) => "literal",
    }
}
