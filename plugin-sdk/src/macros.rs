//! The macros by example: the component's exports, errors, the log, parameters
//! of statements.

/// Makes a component of a [`Migration`](crate::Migration).
///
/// Call it once, at the top of the crate. It exports what the runner calls, and
/// sends the message of a panic to the run's log. Built natively, as for
/// `cargo test`, it exports nothing.
///
/// ```
/// use plugin_sdk::prelude::*;
///
/// /// Forgets all sessions.
/// #[derive(Params)]
/// struct ForgetSessions;
///
/// impl Migration for ForgetSessions {
///     fn upgrade(&self, tx: &Transaction) -> Result<()> {
///         tx.execute("delete from public.sessions", &[])?;
///         Ok(())
///     }
/// }
///
/// plugin_sdk::export!(ForgetSessions);
/// ```
#[macro_export]
macro_rules! export {
    ($migration:ty) => {
        const _: () = {
            fn migration_is_implemented<M: $crate::Migration>() {}
            let _ = migration_is_implemented::<$migration>;
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__private as sdk;

            struct Component;

            impl sdk::Guest for Component {
                fn describe() -> sdk::Description {
                    sdk::log_panics();
                    sdk::describe::<$migration>(&sdk::Package {
                        name: env!("CARGO_PKG_NAME"),
                        version: env!("CARGO_PKG_VERSION"),
                        description: env!("CARGO_PKG_DESCRIPTION"),
                    })
                }

                fn upgrade(tx: &sdk::HostTransaction) -> Result<(), sdk::Failure> {
                    sdk::log_panics();
                    sdk::upgrade::<$migration>($crate::Transaction::lent(tx))
                }

                fn downgrade(tx: &sdk::HostTransaction) -> Result<(), sdk::Failure> {
                    sdk::log_panics();
                    sdk::downgrade::<$migration>($crate::Transaction::lent(tx))
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}

/// Returns an [`Error`](crate::Error) in the migration's own words.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// fn check(rows: u64) -> Result<()> {
///     if rows > 1 {
///         bail!("expected one row, found {rows}");
///     }
///     Ok(())
/// }
/// assert_eq!(check(2).unwrap_err().to_string(), "expected one row, found 2");
/// ```
#[macro_export]
macro_rules! bail {
    ($($message:tt)+) => {
        return ::core::result::Result::Err($crate::Error::message(::core::format_args!($($message)+)))
    };
}

/// Returns an [`Error`](crate::Error) unless a condition holds.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// fn check(rows: u64) -> Result<()> {
///     ensure!(rows <= 1, "expected one row, found {rows}");
///     Ok(())
/// }
/// assert!(check(1).is_ok());
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            $crate::bail!($($message)+);
        }
    };
}

/// The parameters of a statement, of any types that implement
/// [`ToValue`](crate::ToValue). A plain `&[&a, &b]` does the same.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// # fn example(tx: &Transaction) -> Result<()> {
/// let (id, title) = (7_i64, "Hut by the lake");
/// tx.execute("update public.listings set title = $2 where id = $1", params![id, title])?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::ToValue),*] as &[&dyn $crate::ToValue]
    };
}

/// One row of values, for a [mock](crate::mock) or for
/// [`Writer::write_rows`](crate::Writer::write_rows).
///
/// ```
/// # use plugin_sdk::prelude::*;
/// let row = plugin_sdk::row![1, "Hut by the lake", None::<String>];
/// assert_eq!(row[2], Value::Null);
/// ```
#[macro_export]
macro_rules! row {
    ($($value:expr),* $(,)?) => {
        ::std::vec![$($crate::ToValue::to_value(&$value)),*]
    };
}

/// Logs every detail; shown with `--verbose` twice.
#[macro_export]
macro_rules! trace {
    ($($message:tt)+) => {
        $crate::host::log($crate::host::Level::Trace, &::std::format!($($message)+))
    };
}

/// Logs what helps the author; shown with `--verbose`.
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => {
        $crate::host::log($crate::host::Level::Debug, &::std::format!($($message)+))
    };
}

/// Logs a message for the operator.
#[macro_export]
macro_rules! info {
    ($($message:tt)+) => {
        $crate::host::log($crate::host::Level::Info, &::std::format!($($message)+))
    };
}

/// Logs something the operator should look at; the migration goes on.
#[macro_export]
macro_rules! warn {
    ($($message:tt)+) => {
        $crate::host::log($crate::host::Level::Warn, &::std::format!($($message)+))
    };
}

/// Logs that something went wrong; usually followed by a failure.
#[macro_export]
macro_rules! error {
    ($($message:tt)+) => {
        $crate::host::log($crate::host::Level::Error, &::std::format!($($message)+))
    };
}
