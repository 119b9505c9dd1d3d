//! What a user is told about a target that leads nowhere.

use runner::graph::TargetError;
use runner::revision::RevisionId;

use super::error::CommandError;
use super::exit_code::Exit;

impl CommandError {
    /// A revision that is not there.
    pub fn target(error: &TargetError) -> Self {
        let hint = target_hint(error);
        let wrong = matches!(error, TargetError::Malformed { .. } | TargetError::WrongWay { .. });
        let exit = if wrong { Exit::Usage } else { Exit::Error };
        hint.into_iter().fold(Self::new(exit, error.to_string()), Self::hint)
    }
}

fn target_hint(error: &TargetError) -> Option<String> {
    Some(match error {
        TargetError::Unknown(_) | TargetError::NotInScope { .. } | TargetError::NotBefore { .. } => {
            "Run `runner history` to see the revisions.".into()
        }
        TargetError::UnknownBranch(_) => "Run `runner branches` to see the branches and their labels.".into(),
        TargetError::UnknownPackage(_) => "Packages are named in `migrations.dirs` in runner.toml.".into(),
        TargetError::Ambiguous { .. } => "Type more of the id.".into(),
        TargetError::SeveralHeads { heads, .. } => several_heads(heads),
        TargetError::NoRevisions => "Make one with `runner revision -m MESSAGE`.".into(),
        TargetError::Divides { .. } => "Name the revision to go to, or the branch, as in `LABEL@+1`.".into(),
        TargetError::SeveralCurrent { target, heads } => {
            let one = heads.first().map_or("ID", RevisionId::as_str);
            let steps = target.rsplit('@').next().unwrap_or_default();
            format!("Say which branch is meant: `LABEL@{steps}`, or `{one}@{steps}`.")
        }
        TargetError::Several { .. } | TargetError::IsBase(_) => "Name one revision.".into(),
        TargetError::NotAhead { .. } => {
            "Name the revision to go down to, if the branches that share it may go too.".into()
        }
        TargetError::NeedsDatabase(_) => "Name the revision.".into(),
        TargetError::Malformed { .. } | TargetError::TooFar { .. } | TargetError::WrongWay { .. } => {
            return None;
        }
    })
}

fn several_heads(heads: &[RevisionId]) -> String {
    let last = heads.last().map_or("ID", RevisionId::as_str);
    format!(
        "Go to all of them with `heads`, to one with `LABEL@head` or its id, as in `{last}`; \
         or join them: `runner merge heads -m MESSAGE`."
    )
}
