//! How much input is taken. A file is refused before it can hurt.

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What no reader takes otherwise, or a finding: for what people write for waypost, and for
    /// what is applied.
    Strict,
    /// As kubectl reads it, and Argo CD and Flux with it: for what others wrote and waypost only
    /// looks at. Merge keys merge, `yes` is true, `0644` is octal (facts/gitops-delivery.md 6.4).
    AsKubernetes,
}

/// Limits for one file, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of the file; also the bytes of text that may grow from aliases.
    pub bytes: usize,
    /// Nesting levels of lists and mappings.
    pub depth: usize,
    /// Nodes, aliases expanded.
    pub nodes: usize,
    /// Nodes that grow from aliases: each use is charged with all that stands at its anchor.
    pub alias_nodes: usize,
    /// How values are taken.
    pub reading: Reading,
}

impl Budget {
    /// For what people write: 4 MiB a file (facts/gitops-delivery.md 8.3 T3).
    pub const SPEC: Budget = Budget {
        bytes: 4 << 20,
        depth: 64,
        nodes: 2_000_000,
        alias_nodes: 100_000,
        reading: Reading::Strict,
    };

    /// For manifests and dumps of clusters, which are only looked at.
    pub const MANIFESTS: Budget = Budget {
        bytes: 128 << 20,
        nodes: 20_000_000,
        reading: Reading::AsKubernetes,
        ..Budget::SPEC
    };

    /// For what templates give: it is applied, and every reader must agree on it.
    pub const RENDERED: Budget = Budget { reading: Reading::Strict, ..Budget::MANIFESTS };
}

/// What a subtree weighs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    pub(super) nodes: usize,
    /// Bytes of keys and texts.
    pub(super) bytes: usize,
}

impl Weight {
    pub(super) fn since(self, before: Weight) -> Weight {
        Weight { nodes: self.nodes - before.nodes, bytes: self.bytes - before.bytes }
    }

    pub(super) fn add(&mut self, more: Weight) {
        self.nodes = self.nodes.saturating_add(more.nodes);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }

    /// True when this may still be grown from aliases.
    pub(super) fn within_aliases(self, budget: &Budget) -> bool {
        self.nodes <= budget.alias_nodes && self.bytes <= budget.bytes
    }
}
