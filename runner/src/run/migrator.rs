//! What the program and other programs call: ask for the state, make a plan,
//! run it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tracing::Instrument as _;

use crate::db::{AdvisoryLock, Connection, Held, Location};
use crate::graph::Target;
use crate::host::{Compiler, Host, HostConfig, HostError};
use crate::ledger::{Ledger, LedgerError, Recorded, Run};
use crate::plan::{self, Drift, Plan, PlanError, Step};
use crate::revision::{Direction, RevisionId};
use crate::source::{self, Found, Project};

use super::beside::beside;
use super::blocked::Watch;
use super::event::milliseconds;
use super::executor::Total;
use super::partly;
use super::prepare::{Prepared, Preparer};
use super::read::{Look, Place, read};
use super::rules::Rules;
use super::step::Context;
use super::stop::{CLOSE_GRACE, Stop};
use super::trace;
use super::versions;
use super::{
    Backup, Backups, Event, OnDisk, Override, Reporter, RunError, Secrets, Settings, State, executor,
};

/// What the server is told about us (`application_name`).
pub(super) const APPLICATION_NAME: &str = concat!("runner ", env!("CARGO_PKG_VERSION"));

/// A project, a database, and a host for components.
pub struct Migrator {
    pub(super) project: Project,
    pub(super) location: Location,
    /// How long to wait for a server that takes no login yet.
    patience: Option<Duration>,
    host: Host,
    pub(super) settings: Settings,
    pub(super) ledger: Ledger,
    pub(super) run: Run,
    pub(super) reporter: Reporter,
    pub(super) secrets: Secrets,
    pub(super) stop: Stop,
}

/// How a plan is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// All steps in one transaction.
    pub single_transaction: bool,
    /// Crates that are not built yet are an error instead of being built.
    pub no_build: bool,
    /// Parameters that take the place of what the manifests say, for every
    /// revision whose component knows them.
    pub params: Vec<Override>,
    /// Whether the run begins with a backup.
    pub backups: Backups,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// The revisions whose step ran, in order.
    pub steps: Vec<RevisionId>,
    /// The heads of what is applied now.
    pub heads: Vec<RevisionId>,
    /// How long it took, in milliseconds: from the first connection on.
    pub duration_ms: u64,
    /// How many statements the migrations ran.
    pub statements: u64,
    /// How many rows these touched.
    pub rows: u64,
    /// How often a step was run again.
    pub retries: u64,
    /// The backup that it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
}

impl Summary {
    fn of(steps: Vec<RevisionId>, heads: Vec<RevisionId>, all: Total, backup: Option<Backup>) -> Self {
        let Total { statements, rows, retries } = all;
        Self { steps, heads, duration_ms: 0, statements, rows, retries, backup }
    }
}

impl Migrator {
    /// Brings a project, a database and a host together. `actor` is who runs
    /// the program, for the ledger; `reporter` hears the events of the runs.
    pub fn new(project: Project, location: Location, host: Host, actor: String, reporter: Reporter) -> Self {
        let settings = Settings::new(&project.config.session);
        let ledger = Ledger::in_schema(&project.config.ledger.schema);
        let run = Run { id: format!("{:016x}", rand::random::<u64>()), actor, tag: None };
        Self {
            project,
            location,
            patience: None,
            host,
            settings,
            ledger,
            run,
            reporter: trace::logged(reporter),
            secrets: Secrets::none(),
            stop: Stop::default(),
        }
    }

    /// Brings a project and a database together, for a program that is not the
    /// command line: components are compiled in this process and kept nowhere,
    /// the ledger knows the program as `library`, and nobody hears the events.
    pub fn open(project: Project, location: Location) -> Result<Self, HostError> {
        let limits = project.config.limits.clone();
        let data = project.config.data;
        let host = Host::new(HostConfig { limits, data, cache: None, compiler: Compiler::InProcess })?;
        Ok(Self::new(project, location, host, "library".into(), Arc::new(|_event| {})))
    }

    /// Lets `reporter` hear the events of the runs.
    pub fn reporting_to(self, reporter: Reporter) -> Self {
        Self { reporter: trace::logged(reporter), ..self }
    }

    /// With somebody who knows the secrets that parameters name.
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// Who runs the program, for the ledger.
    pub fn as_actor(mut self, actor: impl Into<String>) -> Self {
        self.run.actor = actor.into();
        self
    }

    /// Writes a tag into the journal beside everything that this migrator does.
    pub fn tagged(mut self, tag: Option<String>) -> Self {
        self.run.tag = tag;
        self
    }

    /// Waits for at most `patience` until the server takes a login; none asks once.
    pub fn waiting(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The revisions on disk, without a database.
    pub fn on_disk(project: &Project) -> Result<OnDisk, RunError> {
        let found = project.revisions().map_err(RunError::Scan)?;
        OnDisk::new(found).map_err(RunError::Graph)
    }

    /// What is on disk and what is applied. Takes no lock and writes nothing.
    pub async fn state(&self) -> Result<State, RunError> {
        let (connection, state) = self.connect().await?;
        self.close(connection).await;
        Ok(state)
    }

    /// Everything about one applied revision; none if it is not applied.
    pub async fn recorded(&self, revision: &RevisionId) -> Result<Option<Recorded>, RunError> {
        let (connection, state) = self.connect().await?;
        let recorded = match state.applied.contains_key(revision) {
            true => Some(self.ledger.recorded(&mut *connection.session().lock().await, revision).await),
            false => None,
        };
        self.close(connection).await;
        Ok(recorded.transpose()?)
    }

    /// The plan that [`Self::go`] would run now. Takes no lock and writes
    /// nothing.
    pub async fn plan(&self, direction: Direction, target: &Target) -> Result<Plan, RunError> {
        self.state_and_plan(direction, target).await.map(|(_, plan)| plan)
    }

    /// The same, with the state that it was made for.
    pub async fn state_and_plan(
        &self,
        direction: Direction,
        target: &Target,
    ) -> Result<(State, Plan), RunError> {
        let (connection, state) = self.connect_for(direction).await?;
        self.close(connection).await;
        let plan = make_plan(&state, direction, target)?;
        Ok((state, plan))
    }

    /// The plan for a database at which exactly `from` and what it needs is
    /// applied. Needs no database.
    pub fn plan_from(
        on_disk: &OnDisk,
        from: &[Target],
        direction: Direction,
        target: &Target,
    ) -> Result<Plan, RunError> {
        let graph = &on_disk.graph;
        let mut starts = Vec::new();
        for from in from {
            starts.extend(graph.locate(from, None).map_err(PlanError::from)?);
        }
        let applied = graph.ids_in(&graph.needed_for(starts));
        Ok(plan::build(graph, &applied, direction, target)?)
    }

    /// Goes to a target. Takes no lock and writes nothing if the database is
    /// there already.
    pub async fn go(
        &self,
        direction: Direction,
        target: &Target,
        options: Options,
    ) -> Result<Summary, RunError> {
        let span = trace::run(direction, &target.to_string(), &self.location.to_string());
        let result = self.go_to(direction, target, options).instrument(span.clone()).await;
        trace::record_run(&span, result.as_ref().ok());
        result
    }

    async fn go_to(
        &self,
        direction: Direction,
        target: &Target,
        options: Options,
    ) -> Result<Summary, RunError> {
        let began = Instant::now();
        let (connection, state) = self.connect_for(direction).await?;
        let make = |state: &State| make_plan(state, direction, target);
        let result = self.go_on(&connection, state, direction, make, &options).await;
        self.close(connection).await;
        result.map(|summary| Summary { duration_ms: milliseconds(began.elapsed()), ..summary })
    }

    /// Takes revisions back, down to a target, and applies them again as they
    /// are on disk now. Whether they can be applied is made sure of before the
    /// first one is taken back.
    pub async fn redo(&self, target: &Target, options: Options) -> Result<Summary, RunError> {
        let began = Instant::now();
        let (connection, state) = self.connect_for(Direction::Upgrade).await?;
        let down = make_plan(&state, Direction::Downgrade, target);
        let ready = match &down {
            Ok(down) => self.can_reapply(&connection, &state, down, &options).await,
            Err(_) => Ok(()),
        };
        self.close(connection).await;
        let down = down?;
        ready?;
        // One backup for both ways.
        let both = |backups| match options.backups {
            Backups::Skipped => Backups::Skipped,
            Backups::AsConfigured | Backups::BeforeBoth => backups,
        };
        let (first, then) = (both(Backups::BeforeBoth), both(Backups::Skipped));
        let options = Options { backups: first, ..options };
        let mut summary = self.go(Direction::Downgrade, target, options.clone()).await?;
        let options = Options { backups: then, ..options };
        let revisions: Vec<RevisionId> = down.steps.iter().map(|step| step.revision.clone()).collect();
        let (connection, state) = self.connect().await?;
        let make = |state: &State| {
            let gone = revisions.iter().find(|id| !state.on_disk.revisions.contains_key(*id));
            match gone {
                Some(id) => Err(RunError::Drift(vec![Drift::Missing { revision: id.clone() }])),
                None => Ok(plan::apply(&state.graph, &state.applied_ids(), &revisions)),
            }
        };
        let up = self.go_on(&connection, state, Direction::Upgrade, make, &options).await;
        self.close(connection).await;
        let up = up.map_err(|error| error.after(summary.backup.clone()))?;
        summary.steps.extend(up.steps);
        Ok(Summary {
            steps: summary.steps,
            heads: up.heads,
            duration_ms: milliseconds(began.elapsed()),
            statements: summary.statements + up.statements,
            rows: summary.rows + up.rows,
            retries: summary.retries + up.retries,
            backup: summary.backup,
        })
    }

    /// Prepares the revisions of a downgrade as an upgrade would.
    async fn can_reapply(
        &self,
        connection: &Connection,
        state: &State,
        down: &Plan,
        options: &Options,
    ) -> Result<(), RunError> {
        let gone = |step: &&Step| !state.on_disk.revisions.contains_key(&step.revision);
        if let Some(step) = down.steps.iter().find(gone) {
            return Err(RunError::Drift(vec![Drift::Missing { revision: step.revision.clone() }]));
        }
        // Any other one would stop the way up.
        let is_redone = |id: &RevisionId| down.steps.iter().any(|step| step.revision == *id);
        let mut drift = state.drift();
        drift.retain(|drift| !is_redone(drift.revision()));
        if !drift.is_empty() {
            return Err(RunError::Drift(drift));
        }
        let steps = down.steps.iter().rev().cloned().collect();
        let up = Plan { heads: down.heads.clone(), steps };
        self.prepare(connection, state, Direction::Upgrade, &up, options).await.map(|_| ())
    }

    /// Reads the folder while the connection is being made, and then the ledger.
    pub(super) async fn connect(&self) -> Result<(Connection, State), RunError> {
        self.connect_and(Look::Revisions).await
    }

    /// The same for what goes one way or the other. What runs components of the
    /// folder fails before anything is asked if a plugin is not the one of the lock;
    /// a downgrade has them from the ledger.
    pub(super) async fn connect_for(&self, direction: Direction) -> Result<(Connection, State), RunError> {
        self.connect_and(match direction {
            Direction::Upgrade => Look::Plugins,
            Direction::Downgrade => Look::Revisions,
        })
        .await
    }

    async fn connect_and(&self, look: Look) -> Result<(Connection, State), RunError> {
        self.stop.or_stop(read(&self.project, &self.ledger, look, self.connect_bare())).await
    }

    /// Connects, and reads nothing.
    pub(super) async fn connect_bare(&self) -> Result<Connection, RunError> {
        let (isolation, patience) = (self.isolation(), self.patience);
        let place = Place { location: &self.location, isolation, patience };
        let connection = place.open(&self.reporter).await?;
        self.stop.concerns(connection.canceller());
        Ok(connection)
    }

    async fn go_on(
        &self,
        connection: &Connection,
        state: State,
        direction: Direction,
        make: impl Fn(&State) -> Result<Plan, RunError>,
        options: &Options,
    ) -> Result<Summary, RunError> {
        let mut plan = make(&state)?;
        if plan.is_empty() {
            return Ok(Summary::of(Vec::new(), plan.heads, Total::default(), None));
        }
        self.check_backup(direction, options.backups)?;
        let mut prepared = self.prepare(connection, &state, direction, &plan, options).await?;
        let lock = AdvisoryLock::for_schema(self.ledger.schema_name());
        let held = self.acquire(connection, lock).await?;
        // Another runner may have been at work since the ledger was read: while
        // we waited, or just before we asked for the lock. Where this returns
        // early, the end of the session releases the lock.
        let session = connection.session();
        let reading = async { Ok(self.ledger.contents(&mut *session.lock().await).await?) };
        let contents = self.stop.or_stop(reading).await?;
        drop(session);
        let now = State::read(state.on_disk, contents);
        if now.applied != state.applied || now.partly != state.partly {
            self.report_changes(&state.applied, &now.applied);
            plan = make(&now)?;
            prepared = self.prepare(connection, &now, direction, &plan, options).await?;
        }
        (self.reporter)(Event::Planned { direction, steps: plan.steps.len() });
        let backup = match plan.is_empty() {
            true => Ok(None),
            false => self.back_up(connection, direction, &plan, options.backups).await,
        };
        let result = match backup {
            Ok(backup) => {
                let result = self.execute(connection, (lock, held), &prepared, options).await;
                result.map(|all| (all, backup.clone())).map_err(|error| error.after(backup))
            }
            Err(error) => Err(error),
        };
        self.release(connection, lock).await;
        let (all, backup) = result?;
        let steps = plan.steps.iter().map(|step| step.revision.clone()).collect();
        let heads = plan.steps.last().map_or(plan.heads, |step| step.heads_after.clone());
        Ok(Summary::of(steps, heads, all, backup))
    }

    async fn prepare(
        &self,
        connection: &Connection,
        state: &State,
        direction: Direction,
        plan: &Plan,
        options: &Options,
    ) -> Result<Vec<Prepared>, RunError> {
        let declares = |step: &Step| {
            let found = state.on_disk.revisions.get(&step.revision);
            found.is_none_or(|found| found.manifest.grants().is_some())
        };
        let rules = Rules::of(&self.project);
        // Where nothing is declared there is nothing to hold statements to.
        let rules = match direction == Direction::Downgrade || plan.steps.iter().any(declares) {
            true => rules.on(&mut *connection.session().lock().await).await.map_err(LedgerError::from)?,
            false => rules,
        };
        let prepared = self.prepare_by(rules, connection, state, direction, plan, options);
        let prepared = self.stop.or_stop(prepared).await?;
        self.check_statements(connection, state, &prepared, options).await?;
        self.check_isolation(connection, &prepared, options).await?;
        Ok(prepared)
    }

    pub(super) async fn prepare_by(
        &self,
        rules: Rules,
        connection: &Connection,
        state: &State,
        direction: Direction,
        plan: &Plan,
        options: &Options,
    ) -> Result<Vec<Prepared>, RunError> {
        let mut preparer = Preparer::new(&self.host, &self.project)
            .with_rules(rules)
            .with_overrides(&options.params)
            .with_secrets(&self.secrets);
        let prepared = match direction {
            Direction::Upgrade => {
                if !options.no_build {
                    preparer
                        .build_missing(&plan.steps, &state.on_disk, &self.reporter, self.stop.builds())
                        .await?;
                }
                preparer.as_on_disk(&plan.steps, &state.on_disk).await?
            }
            Direction::Downgrade => {
                let session = connection.session();
                let mut session = session.lock().await;
                preparer.downgrades(&plan.steps, &self.ledger, &mut session, &state.on_disk).await?
            }
        };
        preparer.check_overrides()?;
        Ok(prepared)
    }

    async fn execute(
        &self,
        connection: &Connection,
        (lock, held): (AdvisoryLock, Held),
        prepared: &[Prepared],
        options: &Options,
    ) -> Result<Total, RunError> {
        if prepared.is_empty() {
            return Ok(Total::default());
        }
        let ensured = async { Ok(self.ledger.ensure(&mut *connection.session().lock().await).await?) };
        self.stop.or_stop(ensured).await?;
        let door = self.isolate(connection).await?;
        let process = held.process().parse().ok();
        let context = Context {
            host: &self.host,
            ledger: &self.ledger,
            lock,
            held,
            settings: &self.settings,
            session: connection.session(),
            canceller: connection.canceller().clone(),
            location: &self.location,
            door,
            stop: &self.stop,
            watch: Watch::new(&self.location, &self.reporter, self.settings.lock_timeout),
            run: &self.run,
            reporter: &self.reporter,
            kept: Mutex::default(),
            occupied: Arc::default(),
        };
        context.watch.concerns(process, connection.traffic());
        let result = match options.single_transaction {
            true => executor::run_together(&context, prepared).await,
            false => executor::run_each(&context, prepared).await,
        };
        context.watch.close(CLOSE_GRACE).await;
        result.map_err(|failed| RunError::Step(Box::new(failed)))
    }

    /// The host, for what needs no database.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// The state, and the revisions whose component the ledger has no sound copy
    /// of, with the reason.
    pub(super) async fn unsound_components(&self) -> Result<(State, Vec<(RevisionId, String)>), RunError> {
        let (connection, state) = self.connect().await?;
        let session = connection.session();
        let (mut unsound, mut checked) = (Vec::new(), BTreeSet::new());
        let mut lost = None;
        for applied in state.applied.values() {
            let Some(digest) = applied.component_digest.filter(|digest| checked.insert(*digest)) else {
                continue;
            };
            match self.ledger.component(&mut *session.lock().await, digest).await {
                Ok(_) => {}
                Err(error @ LedgerError::Component { .. }) => {
                    unsound.push((applied.revision.clone(), error.to_string()));
                }
                Err(error) => {
                    lost = Some(error);
                    break;
                }
            }
        }
        drop(session);
        self.close(connection).await;
        lost.map_or(Ok((state, unsound)), |error| Err(error.into()))
    }

    /// Builds the crates of a project; no database is needed. The compiler is ended
    /// when nobody waits any more.
    pub async fn build(project: &Project) -> Result<Vec<source::Built>, RunError> {
        let on_disk = Self::on_disk(project)?;
        let found: Vec<Found> = on_disk.revisions.into_values().collect();
        let project = project.clone();
        Ok(beside(move |stop| source::build_until(&project, &found, stop)).await?)
    }
}

/// Makes the plan, unless the folder and the ledger disagree in a way that
/// stands against it, or what is in part does.
pub(super) fn make_plan(state: &State, direction: Direction, target: &Target) -> Result<Plan, RunError> {
    if direction == Direction::Upgrade {
        let drift: Vec<Drift> = state.drift();
        if !drift.is_empty() {
            return Err(RunError::Drift(drift));
        }
    }
    let plan = plan::build(&state.graph, &state.applied_ids(), direction, target)?;
    partly::check(state, direction, &plan)?;
    if direction == Direction::Upgrade {
        versions::check(state, &plan)?;
    }
    Ok(plan)
}
