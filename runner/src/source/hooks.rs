//! `[[hooks]]`: programs that run after the files of a new revision were written.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde::{Deserialize, Serialize};

use crate::revision::Kind;

use super::{NewFiles, Project};

/// One of `[[hooks]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// What it is called in messages.
    pub name: String,
    /// The program and its arguments; no shell is involved.
    pub command: HookCommand,
    /// The kinds of revisions that it is for; all of them if there is none.
    #[serde(default)]
    pub on: Vec<Kind>,
    /// The files that it is for, as in `*.sql`; all of them if there is none.
    #[serde(default)]
    pub files: Vec<FilePattern>,
    /// Where it runs, relative to `runner.toml`; that file's folder if it says
    /// nothing.
    pub cwd: Option<PathBuf>,
}

/// A program and its arguments, in which `{file}` is a file that was written and
/// `{dir}` the revision's folder, as absolute paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct HookCommand {
    program: String,
    args: Vec<String>,
}

/// A pattern of a file's path below its revision's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePattern(glob::Pattern);

/// Why `[[hooks]]` cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum HookConfigError {
    /// There is no program.
    #[error("a hook's `command` begins with a program, as in [\"pg_format\", \"-i\", \"{{file}}\"]")]
    NoProgram,
    /// A token that does not exist.
    #[error("`{0}` is no token of a hook's command; there are `{{file}}` and `{{dir}}`")]
    UnknownToken(String),
    /// It is no pattern.
    #[error("`{pattern}` is no pattern of files: {reason}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// Why it is none.
        reason: &'static str,
    },
}

/// A hook that did not do its work. The files are written all the same.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The folder that it is to run in does not exist.
    #[error("hook `{hook}` is to run in {}, which is no folder", cwd.display())]
    NoFolder {
        /// Its name.
        hook: String,
        /// Where it is to run.
        cwd: PathBuf,
    },
    /// There is no such program.
    #[error("hook `{hook}`: there is no program `{program}`")]
    NotFound {
        /// Its name.
        hook: String,
        /// What it calls.
        program: String,
    },
    /// The program cannot be started.
    #[error("hook `{hook}`: `{program}` cannot be started")]
    Start {
        /// Its name.
        hook: String,
        /// What it calls.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The program reported a failure.
    #[error("hook `{hook}` failed: `{command}` ended with {status}")]
    Failed {
        /// Its name.
        hook: String,
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard output and to standard error.
        output: String,
    },
}

/// A hook's program that did its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// The hook's name.
    pub hook: String,
    /// The program and its arguments.
    pub command: String,
    /// What it wrote to standard output and to standard error.
    pub output: String,
}

impl From<HookCommand> for Vec<String> {
    fn from(command: HookCommand) -> Self {
        [command.program].into_iter().chain(command.args).collect()
    }
}

impl From<FilePattern> for String {
    fn from(pattern: FilePattern) -> Self {
        pattern.0.as_str().to_owned()
    }
}

impl TryFrom<Vec<String>> for HookCommand {
    type Error = HookConfigError;

    fn try_from(words: Vec<String>) -> Result<Self, HookConfigError> {
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty()).ok_or(HookConfigError::NoProgram)?;
        let args: Vec<String> = words.collect();
        match args.iter().find(|arg| is_unknown_token(arg)) {
            Some(arg) => Err(HookConfigError::UnknownToken(arg.clone())),
            None => Ok(Self { program, args }),
        }
    }
}

/// Whether a whole argument looks like a token and is none. Braces inside an
/// argument belong to it.
fn is_unknown_token(arg: &str) -> bool {
    let name = arg.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(char::is_alphanumeric) && !matches!(name, "file" | "dir")
    })
}

impl TryFrom<String> for FilePattern {
    type Error = HookConfigError;

    fn try_from(pattern: String) -> Result<Self, HookConfigError> {
        match glob::Pattern::new(&pattern) {
            Ok(parsed) => Ok(Self(parsed)),
            Err(error) => Err(HookConfigError::Glob { pattern, reason: error.msg }),
        }
    }
}

/// Runs the project's hooks on the files of a new revision, and stops at the
/// first one that fails.
pub fn run_hooks(project: &Project, new: &NewFiles) -> Result<Vec<HookRun>, HookError> {
    let mut runs = Vec::new();
    for hook in &project.config.hooks {
        for args in hook.calls(new) {
            runs.push(hook.run(project, &args)?);
        }
    }
    Ok(runs)
}

impl Hook {
    /// The arguments of each of its calls: one a file if it names `{file}`, else
    /// one, and none if nothing was written that it is for.
    fn calls(&self, new: &NewFiles) -> Vec<Vec<String>> {
        let files: Vec<&PathBuf> = new.files.iter().filter(|file| self.is_for(new, file)).collect();
        let dir = absolute(&new.dir);
        let args = |file: &str| -> Vec<String> {
            // A file's name may hold `{dir}`; it is put in last.
            self.command.args.iter().map(|arg| arg.replace("{dir}", &dir).replace("{file}", file)).collect()
        };
        match self.command.args.iter().any(|arg| arg.contains("{file}")) {
            true => files.into_iter().map(|file| args(&absolute(file))).collect(),
            false => files.first().map(|_| args("")).into_iter().collect(),
        }
    }

    fn is_for(&self, new: &NewFiles, file: &Path) -> bool {
        let relative = file.strip_prefix(&new.dir).unwrap_or(file);
        let matches = |globs: &[FilePattern]| globs.iter().any(|glob| glob.0.matches_path(relative));
        (self.on.is_empty() || self.on.contains(&new.kind)) && (self.files.is_empty() || matches(&self.files))
    }

    fn run(&self, project: &Project, args: &[String]) -> Result<HookRun, HookError> {
        let (hook, program) = (self.name.clone(), self.command.program.clone());
        let cwd = project.root.join(self.cwd.as_deref().unwrap_or(Path::new("")));
        let cwd = PathBuf::from(absolute(&cwd));
        if !cwd.is_dir() {
            return Err(HookError::NoFolder { hook, cwd });
        }
        let output =
            Command::new(self.program(&cwd)).args(args).current_dir(&cwd).stdin(Stdio::null()).output();
        let output = output.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => HookError::NotFound { hook: hook.clone(), program: program.clone() },
            _ => HookError::Start { hook: hook.clone(), program: program.clone(), source },
        })?;
        let command = [std::slice::from_ref(&program), args].concat().join(" ");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim_end().to_owned();
        match output.status.success() {
            true => Ok(HookRun { hook, command, output: text }),
            false => Err(HookError::Failed { hook, command, status: output.status, output: text }),
        }
    }

    /// The program: looked for on the path, or, if its name has a `/`, from
    /// where the hook runs.
    fn program(&self, cwd: &Path) -> PathBuf {
        match self.command.program.contains('/') {
            true => cwd.join(&self.command.program),
            false => PathBuf::from(&self.command.program),
        }
    }
}

/// An absolute path, as text: hooks run elsewhere. An empty path is the current
/// folder.
fn absolute(path: &Path) -> String {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(text: &str) -> Hook {
        toml::from_str(text).expect("a hook")
    }

    fn error(text: &str) -> String {
        toml::from_str::<Hook>(text).expect_err("no hook").message().to_owned()
    }

    fn written() -> NewFiles {
        let files = ["migration.toml", "src/lib.rs", "a {dir}.sql"];
        let files = files.iter().map(|file| Path::new("/p/m/a").join(file)).collect();
        NewFiles { dir: "/p/m/a".into(), kind: Kind::Rust, files }
    }

    #[test]
    fn a_hook_is_called_for_each_file_that_it_is_for() {
        let calls = |text: &str| hook(&format!("name = \"x\"\n{text}")).calls(&written());
        assert_eq!(
            calls("command = [\"f\", \"--in={file}\"]\nfiles = [\"*.rs\"]"),
            [["--in=/p/m/a/src/lib.rs"]]
        );
        assert_eq!(calls("command = [\"f\", \"{file}\"]\nfiles = [\"*.sql\"]"), [["/p/m/a/a {dir}.sql"]]);
        assert_eq!(calls("command = [\"f\", \"{file}\"]\non = [\"rust\"]").len(), 3);
        assert_eq!(calls("command = [\"f\", \"{dir}\", \"{}\"]"), [["/p/m/a", "{}"]]);
        assert_eq!(calls("command = [\"f\"]"), [[""; 0]]);
        assert!(calls("command = [\"f\"]\nfiles = [\"*.py\"]").is_empty());
        assert!(calls("command = [\"f\", \"{file}\"]\non = [\"sql\"]").is_empty());
    }

    #[test]
    fn what_is_no_hook_is_refused() {
        insta::assert_snapshot!(error("name = \"x\"\ncommand = []"), @r#"a hook's `command` begins with a program, as in ["pg_format", "-i", "{file}"]"#);
        insta::assert_snapshot!(error("name = \"x\"\ncommand = [\"f\", \"{files}\"]"), @"`{files}` is no token of a hook's command; there are `{file}` and `{dir}`");
        insta::assert_snapshot!(error("name = \"x\"\ncommand = [\"f\"]\nfiles = [\"[\"]"), @"`[` is no pattern of files: invalid range pattern");
        insta::assert_snapshot!(error("command = [\"f\"]"), @"missing field `name`");
        insta::assert_snapshot!(error("name = \"x\"\ncommand = [\"f\"]\non = [\"python\"]"), @"unknown variant `python`, expected one of `sql`, `rust`, `plugin`, `imported`");
    }
}
