//! One case, on a database of its own.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::case::{Case, Expect, Fate, HostEnd, Names};
use super::cluster::{self, Cluster, differences};
use super::grants::{Code, capabilities};
use super::isolation::Isolation;
use super::verdict::{Answer, Line, Outcome, Seen, Verdict, Wanted, judge};
use crate::support::{Project, replay};

/// The revision that attacks.
const ATTACK: &str = "attack";
/// How long a run may take before it is killed. Each step has a limit of 20 s.
const LONGEST: Duration = Duration::from_secs(90);

/// A case with the grants and the expectation of one variant.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The case's id, with the variant.
    pub id: String,
    pub case: Case,
    wanted: Wanted,
    /// The words for what is granted.
    grant: Vec<String>,
    code: Option<Code>,
}

/// What a replay came to.
pub struct Replayed {
    pub verdict: Verdict,
    /// Whether the server is as it was, and good for the next case.
    pub is_clean: bool,
}

/// The replays of a case: as it is, and where code is granted.
pub fn replays(case: Case, isolation: Isolation) -> Vec<Replay> {
    let wanted = match case.expect {
        None => Wanted::Applied,
        Some(Expect::Reject) => Wanted::Refused,
        Some(Expect::Contained) => Wanted::Contained { residual: case.known_residual.clone() },
    };
    let plain =
        Replay { id: case.id.clone(), grant: case.grant.clone(), case: case.clone(), wanted, code: None };
    let mut all = vec![plain];
    let Some(with_code) = &case.with_code_capability else {
        return all;
    };
    let variants = [(Code::Vetted, with_code.vetted_bodies), (Code::Unchecked, with_code.unchecked_bodies)];
    for (code, fate) in variants {
        let Some(fate) = fate.filter(|_| code == Code::Vetted || isolation.code() == code) else {
            continue;
        };
        let word = if code == Code::Vetted { "vetted" } else { "unchecked" };
        all.push(Replay {
            id: format!("{}+{word}", case.id),
            case: case.clone(),
            wanted: of_fate(fate),
            grant: with_code.grant.clone(),
            code: Some(code),
        });
    }
    all
}

fn of_fate(fate: Fate) -> Wanted {
    match fate {
        Fate::Stopped => Wanted::Stopped,
        Fate::Contained => Wanted::Contained { residual: None },
        Fate::Residual => Wanted::Contained {
            residual: Some("unchecked code that waits for somebody else's rights".into()),
        },
    }
}

impl Replay {
    /// Runs it, and judges.
    pub fn run(&self, cluster: &Cluster, isolation: Isolation, number: usize) -> Replayed {
        let database = format!("case_{number}");
        let seen = self.observe(cluster, isolation, &database);
        let dropped = cluster.drop(&database);
        let is_clean = dropped.is_ok() && !self.case.is_dangerous() && cluster.is_clean();
        let verdict = match seen {
            Ok(seen) => judge(&self.wanted, &seen),
            Err(reason) => Verdict { outcome: Outcome::Broken, reason },
        };
        Replayed { verdict, is_clean }
    }

    fn observe(&self, cluster: &Cluster, isolation: Isolation, database: &str) -> Result<Seen, String> {
        cluster.create(database, self.login(isolation))?;
        let names = cluster.names(database);
        for act in self.case.before() {
            cluster.act(database, act, &names).map_err(|error| format!("setup: {error}"))?;
        }
        let project = self.project(cluster, database, &names, isolation)?;
        let before = cluster.snapshot(database)?;
        let check = self.check(cluster, database, &names);
        let run = Run::of(project.command(&["upgrade", "head", "--json"]))?;
        let changed = differences(&before, &cluster.snapshot(database)?);
        let mut seen = Seen {
            statements: self.case.statements.len(),
            changed,
            error: run.error(),
            hung: run.hung,
            wrong_isolation: run.wrong_isolation(isolation),
            lines: run.lines(),
            check: (check, Answer::None),
            ..Seen::default()
        };
        self.look_at_ledger(cluster, database, &mut seen)?;
        seen.leak = self.leak(cluster, &seen.lines)?;
        self.others(cluster, database, &names, &seen);
        seen.check.1 = self.check(cluster, database, &names);
        Ok(seen)
    }

    fn login(&self, isolation: Isolation) -> &'static str {
        isolation.login(self.wanted != Wanted::Applied)
    }

    /// The project with the attacking revision.
    fn project(
        &self,
        cluster: &Cluster,
        database: &str,
        names: &Names,
        isolation: Isolation,
    ) -> Result<Project, String> {
        let login = self.login(isolation);
        let mut search_path = None;
        for (name, value) in self.case.session()? {
            match name {
                "search_path" => search_path = Some(value),
                // The runner has no such setting: what it meets where an
                // administrator has left one behind.
                _ => cluster.set(database, login, name, value)?,
            }
        }
        let project = cluster.project(login, database, search_path);
        let statements: Vec<String> = self.case.statements.iter().map(|sql| toml(&names.fill(sql))).collect();
        let mut more = format!("\n[params]\nstatements = [{}]\n", statements.join(", "));
        let ending = match self.case.host_end {
            HostEnd::Commit => "commit",
            HostEnd::Rollback => "rollback",
            HostEnd::RollbackToSavepoint => "savepoint",
        };
        more += &format!("ending = {ending:?}\n");
        // Without the capability the statement is sent as any other, which is
        // the attack.
        if let Some(data) =
            self.case.copy_data.as_ref().filter(|_| self.grant.iter().any(|word| word == "copy_in"))
        {
            more += &format!("copy_data = {}\n", toml(data));
        }
        more += &format!("\n{}", capabilities(&self.grant, self.code, isolation)?);
        project.component(ATTACK, cluster::BASE, replay(), &more);
        Ok(project)
    }

    /// What others do afterwards; and the row that a host of the fixture's own
    /// kind would write, since checks look for it. Errors are theirs: an attack
    /// that was stopped leaves nothing to touch.
    fn others(&self, cluster: &Cluster, database: &str, names: &Names, seen: &Seen) {
        if seen.recorded {
            let sql = "SET ROLE runner; INSERT INTO runner.history (id, checksum) VALUES ('0002-new', 'x')";
            let _ = cluster.rows(database, sql);
        }
        for act in &self.case.after {
            let _ = cluster.act(database, act, names);
        }
    }

    fn check(&self, cluster: &Cluster, database: &str, names: &Names) -> Answer {
        let Some(check) = &self.case.check else {
            return Answer::None;
        };
        match cluster.rows(database, &names.fill(check)) {
            Ok(rows) if rows.first().is_some_and(|row| row == "t") => Answer::Yes,
            Ok(_) => Answer::No,
            Err(error) => Answer::Error(error),
        }
    }

    /// Our own ledger: the base, and the attack if it was applied.
    fn look_at_ledger(&self, cluster: &Cluster, database: &str, seen: &mut Seen) -> Result<(), String> {
        let sql = format!("SELECT revision FROM {}.revision", cluster::LEDGER);
        match cluster.rows(database, &sql) {
            Ok(ids) => {
                seen.recorded = ids.iter().any(|id| id == ATTACK);
                let known = [ATTACK, cluster::BASE];
                let strange = ids.iter().find(|id| !known.contains(&id.as_str()));
                if let Some(id) = strange {
                    seen.ledger = Some(format!("the ledger has a revision `{id}`"));
                } else if !ids.iter().any(|id| id == cluster::BASE) {
                    seen.ledger = Some("the ledger has lost its first revision".into());
                }
                Ok(())
            }
            Err(error) => Err(format!("the ledger cannot be read: {error}")),
        }
    }

    /// What the guest was given that fits the expression, if anything.
    fn leak(&self, cluster: &Cluster, lines: &[Line]) -> Result<Option<String>, String> {
        let Some(pattern) = &self.case.result_must_not_match else {
            return Ok(None);
        };
        // The server reads the expression: the cases are written for its kind.
        for line in lines {
            let sql = format!("SELECT {} ~ {}", literal(&line.text), literal(pattern));
            if cluster.rows("postgres", &sql)?.concat() == "t" {
                return Ok(Some(format!("what fits `{pattern}`: {line}")));
            }
        }
        Ok(None)
    }
}

/// What the program said in JSON, line by line.
struct Run {
    events: Vec<Value>,
    text: String,
    hung: bool,
    failed: bool,
}

impl Run {
    /// Runs the program to its end, or kills it.
    fn of(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the program does not start: {error}"))?;
        let stdout = read(child.stdout.take().expect("it is piped"));
        let stderr = read(child.stderr.take().expect("it is piped"));
        let began = Instant::now();
        let (failed, hung) = loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break (!status.success(), false),
                None if began.elapsed() > LONGEST => {
                    child.kill().map_err(|error| error.to_string())?;
                    child.wait().map_err(|error| error.to_string())?;
                    break (true, true);
                }
                None => sleep(Duration::from_millis(5)),
            }
        };
        let text = [stdout, stderr].map(|thread| thread.join().expect("reading does not panic")).concat();
        let events = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Self { events, text, hung, failed })
    }

    fn events(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["event"] == kind)
    }

    /// What the guest reported.
    fn lines(&self) -> Vec<Line> {
        let messages = self.events("log").filter_map(|event| event["message"].as_str());
        messages.filter_map(|message| serde_json::from_str(message).ok()).collect()
    }

    /// The error with its causes, in one line.
    fn error(&self) -> Option<String> {
        if !self.failed {
            return None;
        }
        let Some(error) = self.events("error").next() else {
            return Some(one_line(&self.text));
        };
        let causes = error["causes"].as_array().into_iter().flatten();
        let parts = std::iter::once(&error["message"]).chain(causes).filter_map(Value::as_str);
        Some(one_line(&parts.collect::<Vec<_>>().join(": ")))
    }

    /// What the run says about its isolation, where it is another one.
    fn wrong_isolation(&self, isolation: Isolation) -> Option<String> {
        let says = self.events("isolation").find_map(|event| event["isolation"].as_str());
        match says {
            Some(says) if says == isolation.word() => None,
            Some(says) => Some(format!("`{says}`")),
            None if self.lines().is_empty() => None,
            None => Some("nothing at all".into()),
        }
    }
}

fn read(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error counts.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as TOML spells it. JSON spells it the same but for one character.
fn toml(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\0', ""))
}
