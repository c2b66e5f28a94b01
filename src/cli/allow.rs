//! What a run may do that is refused otherwise.

use clap::Args;

use crate::tree::Allowances;

/// What a run may do that is refused otherwise.
#[derive(Args, Clone, Debug)]
pub(super) struct Allow {
    /// Let a unit that had objects become empty, and its Application or Kustomization go.
    #[arg(long)]
    allow_empty_unit: bool,
    /// Let a Namespace leave the tree. With pruning on, all it holds is deleted.
    #[arg(long)]
    allow_namespace_removal: bool,
    /// Let a cluster lose more than a fifth of its objects.
    #[arg(long)]
    allow_shrink: bool,
    /// Let objects move from one unit to another. With pruning on they are deleted and made anew.
    #[arg(long)]
    allow_moves: bool,
}

impl Allow {
    /// The same for the tree.
    pub(super) fn allowances(&self) -> Allowances {
        Allowances {
            empty_unit: self.allow_empty_unit,
            namespace_removal: self.allow_namespace_removal,
            shrink: self.allow_shrink,
            moves: self.allow_moves,
        }
    }
}
