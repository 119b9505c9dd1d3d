use std::collections::BTreeMap;

use runner::graph::Target;
use runner::ledger::Partly;
use runner::plan::{Plan, Step};
use runner::revision::{Direction, TransactionMode};
use runner::run::{Migrator, OnDisk, check_plugins};
use runner::source::{Found, Project};
use serde_json::{Value, json};

use crate::cli::args::{Global, Resolve};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable;
use crate::cli::render::{count, grants_in_words, heads};
use crate::cli::ui::Ui;

/// Show the steps that an upgrade or a downgrade would run, without running any
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What `upgrade` takes; with `--downgrade`, and for `base` and `-N`, what `downgrade` takes
    #[arg(allow_negative_numbers = true)]
    target: String,

    /// Show the way down
    #[arg(long)]
    downgrade: bool,

    /// Begin here instead of where the database is; no database is asked then
    #[arg(long, value_name = "REVS", value_delimiter = ',', allow_negative_numbers = true)]
    from: Vec<String>,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let target = context::target(&args.target)?;
    let direction = match args.downgrade || leads_down(&target) {
        true => Direction::Downgrade,
        false => Direction::Upgrade,
    };
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let (partly, plan) = if args.from.is_empty() {
        let migrator = context::migrator(global, context::silent())?;
        let (state, plan) = context::block_on(migrator.state_and_plan(direction, &target))?;
        (state.partly, plan)
    } else {
        let from = args.from.iter().map(|text| context::target(text)).collect::<Result<Vec<_>, _>>()?;
        (BTreeMap::new(), Migrator::plan_from(&on_disk, &from, direction, &target)?)
    };
    if direction == Direction::Upgrade {
        check(&project, &plan, &on_disk, global, ui)?;
    }
    // Where something is in part that the plan is not about, there is no plan.
    let partly = |step: &Step| partly.get(&step.revision);
    if ui.json() {
        let steps: Vec<Value> =
            plan.steps.iter().map(|step| step_json(step, &on_disk, partly(step))).collect();
        ui.answer(&json!({ "direction": direction, "heads": plan.heads, "steps": steps }));
        return Ok(Exit::Done);
    }
    for step in &plan.steps {
        let message = on_disk.revisions.get(&step.revision).map(|found| found.manifest.message.as_str());
        let after = heads(&step.heads_after);
        ui.line(format_args!(
            "{} {} {} (then at {after})",
            step.direction,
            step.revision,
            printable(message.unwrap_or(""))
        ));
        if is_outside(step, &on_disk) {
            ui.line("    not in a transaction: statement by statement");
        }
        if let Some(partly) = partly(step) {
            ui.line(format_args!("    {partly}"));
        }
        // What every revision of kind `sql` may do that declares nothing would
        // drown what the others may do.
        let declares = |found: &&Found| found.manifest.capabilities.is_some();
        if let Some(found) = on_disk.revisions.get(&step.revision).filter(declares) {
            for grant in grants_in_words(&found.manifest) {
                ui.line(format_args!("    {}", printable(&grant)));
            }
        }
    }
    undeclared(&plan, &on_disk, ui);
    summary(&plan, ui);
    Ok(Exit::Done)
}

/// Checks what plugins run, so that a parameter that does not fit is known now.
fn check(
    project: &Project,
    plan: &Plan,
    on_disk: &OnDisk,
    global: &Global,
    ui: &Ui,
) -> Result<(), CommandError> {
    let is_plugin =
        |step: &Step| on_disk.revisions.get(&step.revision).is_some_and(|one| one.plugin().is_some());
    if !plan.steps.iter().any(is_plugin) {
        return Ok(());
    }
    let host = context::host(project)?;
    let checked = check_plugins(project, &host, plan, on_disk, &global.params);
    for name in context::block_on(checked)? {
        ui.note(format_args!(
            "Plugin `{name}` is not built, so its parameters were not checked. `runner build` builds it."
        ));
    }
    Ok(())
}

/// A step, with what it may do.
fn step_json(step: &Step, on_disk: &OnDisk, partly: Option<&Partly>) -> Value {
    let may = on_disk.revisions.get(&step.revision).map(|found| grants_in_words(&found.manifest));
    json!({
        "direction": step.direction,
        "heads_after": step.heads_after,
        "may": may,
        "partly": partly,
        "transaction": on_disk.revisions.get(&step.revision).map(|found| found.manifest.transaction),
        "revision": step.revision,
    })
}

/// Whether a step has no transaction, as far as the folder tells.
fn is_outside(step: &Step, on_disk: &OnDisk) -> bool {
    let found = on_disk.revisions.get(&step.revision);
    found.is_some_and(|found| found.manifest.transaction == TransactionMode::None)
}

/// Whether only a downgrade can go there.
fn leads_down(target: &Target) -> bool {
    use runner::graph::{Point, Symbol};
    matches!(target, Target::Relative(_, ..0) | Target::At(Point { symbol: Symbol::Base, .. }))
}

/// What every such step may do is said once.
fn undeclared(plan: &Plan, on_disk: &OnDisk, ui: &Ui) {
    let is_undeclared = |step: &&Step| {
        let found = on_disk.revisions.get(&step.revision);
        found.is_some_and(|found| found.manifest.grants().is_none())
    };
    let number = plan.steps.iter().filter(is_undeclared).count();
    if number > 0 {
        ui.note(format_args!(
            "{} may do whatever the login may: its SQL declares no [capabilities].",
            count(number, "step")
        ));
    }
}

fn summary(plan: &Plan, ui: &Ui) {
    match plan.steps.last() {
        None => ui.note(format_args!("Nothing to do at {}.", heads(&plan.heads))),
        Some(last) => ui.note(format_args!(
            "{}, from {} to {}.",
            count(plan.steps.len(), "step"),
            heads(&plan.heads),
            heads(&last.heads_after)
        )),
    }
}
