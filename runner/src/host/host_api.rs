//! The interface `host`: what is lent beside SQL.

use serde_json::Value as Json;
use wasmtime::Result;

use super::bindings::host::{Host, Level};
use super::bindings::types;
use super::call::{LogLevel, Progress};
use super::state::{Fault, State};

/// The most random bytes that one call gives.
const MAX_RANDOM: u32 = 65_536;

impl Host for State {
    fn log(&mut self, level: Level, message: String) -> Result<()> {
        self.count_call()?;
        self.write_log(level, &message);
        Ok(())
    }

    fn progress(&mut self, done: u64, total: Option<u64>) -> Result<()> {
        self.count_call()?;
        self.work.meter.silence();
        self.sink.progress(Progress { what: None, done, total, estimated: false });
        Ok(())
    }

    fn params(&mut self) -> Result<String> {
        self.count_call()?;
        Ok(serde_json::to_string(&self.params)?)
    }

    fn param(&mut self, name: String) -> Result<Option<String>> {
        self.count_call()?;
        Ok(self.params.get(&name).map(param_text))
    }

    fn transaction_time(&mut self) -> Result<i64> {
        self.count_call()?;
        self.transaction_time.ok_or_else(|| self.end_record("it asks for the time of the transaction"))
    }

    fn random_bytes(&mut self, len: u32) -> Result<Vec<u8>, Fault> {
        self.count_call()?;
        self.used_random = true;
        self.random(len)
    }
}

impl State {
    /// The message is guest-controlled: whoever shows it makes it harmless.
    fn write_log(&mut self, level: Level, message: &str) {
        let Some(left) = self.log_bytes else { return };
        self.log_bytes = left.checked_sub(message.len());
        match self.log_bytes {
            Some(_) => self.sink.log(log_level(level), message),
            None => {
                let limit = self.limits.log_bytes;
                let said = format!(
                    "the limit of {limit} bytes of log messages is reached: further ones are dropped"
                );
                self.sink.log(LogLevel::Warn, &said);
            }
        }
    }

    /// Stops a guest that asks for what is another thing every time while a
    /// script is written.
    fn end_record(&mut self, why: &str) -> wasmtime::Error {
        let why = format!("{why}, which is known when the script runs and not before");
        let _ = self.work.unrecordable(why.clone(), "");
        wasmtime::Error::msg(why)
    }

    fn random(&mut self, len: u32) -> Result<Vec<u8>, Fault> {
        if !self.grants.random {
            let message = "random bytes are not granted to this revision: the capability is `random`";
            return Err(types::Error::Denied(message.into()).into());
        }
        if self.transaction_time.is_none() {
            return Err(self.end_record("it asks for random bytes").into());
        }
        if len > MAX_RANDOM {
            let message = format!("{len} random bytes were asked for; the limit is {MAX_RANDOM} a call");
            return Err(types::Error::Limit(message).into());
        }
        let mut bytes = vec![0; len as usize];
        rand::fill(bytes.as_mut_slice());
        Ok(bytes)
    }
}

fn param_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn log_level(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}
