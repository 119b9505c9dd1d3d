//! Lengths of time on the command line.

use std::time::Duration;

use jiff::SignedDuration;

/// The argument `--wait`, for commands that need a server.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Wait {
    /// Wait this long for a server that takes no login yet, as in `60s` or `5m`
    #[arg(long = "wait", value_name = "TIME", value_parser = span)]
    pub limit: Option<Duration>,
}

/// Reads a length of time as in runner.toml: `90s`, `5m`, `1m30s`, `500ms`.
///
/// # Errors
///
/// Says how times are written.
pub fn span(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is no length of time; write it as in `60s`, `5m` or `1m30s`");
    let span: SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(span).map_err(|_| format!("`{text}` is negative"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_runner_toml() {
        assert_eq!(span("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(span("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "60", "soon", "5 parsecs"] {
            let error = span(wrong).expect_err("is refused");
            assert!(
                error.ends_with("is no length of time; write it as in `60s`, `5m` or `1m30s`"),
                "{error}"
            );
        }
        assert_eq!(span("-5s"), Err("`-5s` is negative".into()));
    }
}
