//! The options of `cargo xtask bench data` and of `cargo xtask bench plugins`.

/// What is measured, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Rows of the table; memory is measured over these and over ten times as many.
    pub rows: u64,
    /// How often each is measured; the median counts.
    pub rounds: usize,
    /// Measures only those whose name has this in it, beside the yardstick, and
    /// neither batches nor memory: for whoever works on one of them.
    pub only: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rows: 1_000_000, rounds: 5, only: None }
    }
}

impl Options {
    /// Reads `--rows N`, `--rounds N` and `--only WORD`.
    ///
    /// # Errors
    ///
    /// Says what is not understood.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(name) = args.next() {
            match name.as_str() {
                "--rows" => options.rows = number(name, args.next())?.into(),
                "--rounds" => options.rounds = number(name, args.next())? as usize,
                "--only" => {
                    let word = args.next().ok_or("`--only` needs a part of a name behind it")?;
                    options.only = Some(word.clone());
                }
                _ => {
                    return Err(format!(
                        "`{name}` is not an option; there are: --rows N, --rounds N, --only WORD"
                    ));
                }
            }
        }
        Ok(options)
    }

    /// Whether what has this name is to be measured.
    pub fn chooses(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|word| name.contains(word.as_str()))
    }

    /// The command that measures this, for whoever wants to measure it again.
    pub fn command(&self) -> String {
        let mut command = "cargo xtask bench data".to_owned();
        let usual = Self::default();
        if self.rows != usual.rows {
            command += &format!(" --rows {}", self.rows);
        }
        if self.rounds != usual.rounds {
            command += &format!(" --rounds {}", self.rounds);
        }
        if let Some(word) = &self.only {
            command += &format!(" --only {word:?}");
        }
        command
    }
}

fn number(name: &str, value: Option<&String>) -> Result<u32, String> {
    let number = value.and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{name}` needs a whole number above 0 behind it"))
}
