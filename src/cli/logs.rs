//! Access logs for a world: read by the formats of its meshes, with the addresses of its pods.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, has_errors};
use crate::replay::{Directory, Pods, Point};
use crate::traffic::{Formats, Limits, Sample, read_lines};
use crate::world::{World, access_log_formats};

/// Logs that were read, and whose addresses were whose.
pub(super) struct Logs {
    pub sample: Sample,
    pub files: Vec<String>,
    pub pods: Pods,
}

/// How logs are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading<'r> {
    /// The mesh's own format, where the manifests do not have it.
    pub format: Option<&'r str>,
    /// Segments of a path that are kept.
    pub path_depth: Option<usize>,
}

impl Logs {
    /// Reads logs; `None` where that is not possible, with an error among the findings.
    pub(super) fn read(
        paths: &[PathBuf],
        (world, pods): (&World, Pods),
        reading: Reading<'_>,
        root: &Path,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let own = world.clusters.iter().flat_map(|c| access_log_formats(c.objects()));
        let own: BTreeSet<String> = match reading.format {
            Some(format) => BTreeSet::from([format.to_owned()]),
            None => own.collect(),
        };
        let mut formats = Formats::default();
        for format in &own {
            if let Err(error) = formats.add(format) {
                found.push(
                    Diagnostic::error("bad-log-format", error.to_string())
                        .help("put something between two values, and `%%` for a percent sign"),
                );
            }
        }
        let limits = Limits {
            path_depth: reading.path_depth,
            threads: rayon::current_num_threads(),
            ..Limits::default()
        };
        let (sample, files, problems) = read_lines(paths, &formats, &limits);
        found.extend(problems);
        if sample.classes().is_empty() && !has_errors(found) {
            found.push(
                Diagnostic::error("no-request-in-log", "no line of the log tells of a request")
                    .help("name access logs; `--log-format` takes the format of a mesh that has its own"),
            );
        }
        if has_errors(found) {
            return None;
        }
        let named = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
        Some(Self { sample, files: files.iter().map(named).collect(), pods })
    }

    /// A world by the names that these logs have.
    pub(super) fn at<'w>(&'w self, world: &'w World) -> Point<'w> {
        Point { name: world.name.clone(), directory: self.directory(world) }
    }

    pub(super) fn directory<'w>(&'w self, world: &'w World) -> Directory<'w> {
        Directory::new(&world.mesh, &self.pods, &self.sample)
    }
}

/// The pods among a world's objects.
pub(super) fn pods_of(world: &World) -> Pods {
    let mut pods = Pods::default();
    for cluster in &world.clusters {
        pods.add(&cluster.options.cluster, cluster.objects());
    }
    pods
}
