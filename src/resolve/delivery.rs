//! How the tree reaches the clusters.

use std::collections::BTreeSet;

use super::name::Clusters;
use super::version;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::{is_dns_label, is_dns_subdomain};
use crate::model::{
    ArgoCd, ArgoCdOrder, ClusterName, Delivery, EnvironmentName, Flux, FluxSource, Revision,
    Target, Unit, Version,
};
use crate::spec;

/// A Kustomization's name is the value of a label (facts/gitops-delivery.md 3.1.11), and so is an
/// Application's where Argo CD tracks by label (2.5.1).
const LONGEST_NAME: usize = 63;
/// From here on Flux's expressions bear the status of Istio's objects
/// (facts/gitops-delivery.md 1.13).
const CHECKS_POLICIES: Version = Version::new(2, 9);

/// What the names of the objects are made of.
pub(super) struct Names<'a> {
    pub environment: Option<&'a EnvironmentName>,
    pub clusters: &'a Clusters,
}

/// Makes sense of `spec.delivery`. `None` where no applier is named, or the repository is not.
pub(super) fn delivery(
    typed: Spanned<spec::Delivery>,
    names: &Names<'_>,
    migrates: bool,
    found: &mut Vec<Diagnostic>,
) -> Option<Delivery> {
    let origin = typed.span;
    let spec::Delivery { targets, repo_url, revision, path, argocd, flux } = typed.value;
    let targets: BTreeSet<Target> = targets
        .into_iter()
        .map(|target| match target {
            spec::Target::ArgoCd => Target::ArgoCd,
            spec::Target::Flux => Target::Flux,
        })
        .collect();
    // a source that is there already says itself where it reads
    let needs_scheme = targets.contains(&Target::Flux) && flux.source.is_none();
    let repo_url = match repo_url {
        Some(url) => self::repo_url(url, needs_scheme, found),
        None if targets.is_empty() => None,
        None => {
            found.push(
                Diagnostic::error("missing-field", "`delivery` needs `repoURL`")
                    .at(origin, "")
                    .help("say how Argo CD and Flux reach the repository"),
            );
            None
        }
    };
    let revision = revision.and_then(|text| self::revision(text, found));
    let path = match path {
        Some(path) => self::path(&path, found),
        None => Some("rendered".to_owned()),
    };
    let argocd = self::argocd(argocd, targets.contains(&Target::ArgoCd) && migrates, found);
    let flux = self::flux(flux, found);
    if targets.is_empty() {
        return None;
    }
    for cluster in names.clusters.keys() {
        check_length(names.environment, cluster, origin, found);
    }
    Some(Delivery {
        targets,
        repo_url: repo_url?,
        revision: revision.unwrap_or_else(|| Revision::parse("main")),
        path: path?,
        argocd,
        flux,
        origin,
    })
}

/// The repository as the appliers reach it. What it is read by is a Secret's, never git's.
fn repo_url(url: Spanned<String>, for_flux: bool, found: &mut Vec<Diagnostic>) -> Option<String> {
    let text = url.value.as_str();
    if let Err((message, help)) = address(text, for_flux) {
        found.push(Diagnostic::error("wrong-value", message).at(url.span, "").help(help));
        return None;
    }
    let fault = if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some((
            "wrong-value",
            "`repoURL` is not a repository's address",
            "write it as `git clone` takes it",
        ))
    } else if has_credentials(text) {
        Some((
            "credentials-in-url",
            "`repoURL` holds a password or token, which would be committed",
            "leave it out: Argo CD and Flux read credentials from a Secret of theirs",
        ))
    } else {
        None
    };
    let Some((code, message, help)) = fault else { return Some(url.value) };
    found.push(Diagnostic::error(code, message).at(url.span, "").help(help));
    None
}

/// What Argo CD's and Flux's Go code takes for a repository's address; else what is wrong with it, and
/// what to write.
///
/// References: Go net/url (`parseAuthority`, `validOptionalPort`: what follows the colon of a host is a
/// port of digits); argoproj/argo-cd util/git/git.go (`IsSSHURL`, `IsHTTPSURL`, the scp form);
/// source.toolkit.fluxcd.io GitRepository `spec.url`, pattern `^(http|https|ssh)://.*$`.
fn address(text: &str, for_flux: bool) -> Result<(), (String, String)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        // `user@host:path`
        let parts =
            text.split_once('@').and_then(|(user, rest)| Some((user, rest.split_once(':')?)));
        return match parts {
            Some((user, (host, path))) if for_flux => Err((
                "Flux takes `repoURL` with a scheme only".to_owned(),
                format!(
                    "write `ssh://{user}@{host}/{}`, which Argo CD takes too",
                    path.trim_start_matches('/')
                ),
            )),
            None if for_flux => Err((
                "Flux takes `repoURL` with a scheme only".to_owned(),
                "write it as `https://…` or `ssh://git@…`".to_owned(),
            )),
            Some(_) | None => Ok(()),
        };
    };
    if for_flux && !matches!(scheme, "http" | "https" | "ssh") {
        let help = "write it as `https://…` or `ssh://git@…`".to_owned();
        return Err((format!("Flux knows no repository at `{scheme}://`"), help));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), authority),
    };
    // the colons of an address in brackets are its own
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    if let Some((_, port)) = after.split_once(':')
        && !port.is_empty()
        && !(port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0))
    {
        let name = host.strip_suffix(&format!(":{port}")).unwrap_or(host);
        let path = [port, path].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>();
        return Err((
            "what follows the host's colon in `repoURL` must be a port".to_owned(),
            format!("write `{scheme}://{user}{name}/{}`", path.join("/")),
        ));
    }
    if host.is_empty() && scheme != "file" {
        return Err((
            "`repoURL` names no host".to_owned(),
            "write it as `git clone` takes it".to_owned(),
        ));
    }
    // `%` begins two hexadecimal digits (net/url `unescape`)
    let is_escaped = text
        .split('%')
        .skip(1)
        .all(|after| after.get(..2).is_some_and(|two| two.bytes().all(|b| b.is_ascii_hexdigit())));
    if !is_escaped {
        let help = "write `%25` for the sign itself".to_owned();
        return Err((
            "a `%` in `repoURL` is followed by no two hexadecimal digits".to_owned(),
            help,
        ));
    }
    Ok(())
}

/// True for `scheme://user:password@host` and `https://token@host`; a user alone is no secret with
/// `ssh://git@host`.
fn has_credentials(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':') || scheme != "ssh")
}

fn revision(text: Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<Revision> {
    // what git takes for a reference, and nothing that means something in a template
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b'+' | b'#');
    let parts_are_names = text.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && !part.ends_with(".lock")
    });
    if text.bytes().all(plain) && parts_are_names && !text.contains("..") {
        return Some(Revision::parse(&text.value));
    }
    found.push(
        Diagnostic::error(
            "wrong-value",
            format!("`{}` is no branch, reference or commit", text.value),
        )
        .at(text.span, "")
        .help("write a branch's name such as `main`, or a full reference such as `refs/tags/v1`"),
    );
    None
}

/// A folder of the repository, without slashes at its ends.
fn path(text: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<String> {
    let trimmed = text.trim_start_matches("./").trim_end_matches('/');
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let is_name = |part: &str| {
        part.bytes().all(plain) && !matches!(part, "" | "." | "..") && !part.starts_with('-')
    };
    if matches!(trimmed, "" | ".") {
        return Some(String::new());
    }
    if trimmed.split('/').all(is_name) {
        return Some(trimmed.to_owned());
    }
    found.push(
        Diagnostic::error(
            "wrong-value",
            format!("`{}` is no folder of the repository", text.value),
        )
        .at(text.span, "")
        .help("write it relative to the repository's root, such as `rendered`"),
    );
    None
}

fn argocd(typed: spec::ArgoCd, orders: bool, found: &mut Vec<Diagnostic>) -> ArgoCd {
    let spec::ArgoCd { namespace, project, order } = typed;
    let (order, span) = match order {
        None => (ArgoCdOrder::default(), None),
        Some(Spanned { value: spec::ArgoCdOrder::Gated, .. }) => (ArgoCdOrder::Gated, None),
        Some(Spanned { value: spec::ArgoCdOrder::Progressive, .. }) => {
            (ArgoCdOrder::Progressive, None)
        }
        Some(Spanned { value: spec::ArgoCdOrder::Automatic, span }) => {
            (ArgoCdOrder::Automatic, Some(span))
        }
    };
    if let Some(span) = span.filter(|_| orders) {
        found.push(
            Diagnostic::warning(
                "order-not-held",
                "with `order: automatic` Argo CD labels namespaces without waiting for their waypoints",
            )
            .at(span, "every Application syncs by itself")
            .help("commit each step of a stage by itself (`reached: STAGE/mesh`, then `STAGE/enrollment`), or use `gated` or `progressive`"),
        );
    }
    ArgoCd {
        namespace: name_or(namespace, "argocd", is_dns_label, found),
        project: project.map(|p| name_or(Some(p), "default", is_dns_subdomain, found)),
        order,
    }
}

fn flux(typed: spec::Flux, found: &mut Vec<Diagnostic>) -> Flux {
    let spec::Flux { namespace, source, interval, version } = typed;
    let version = version.and_then(|v| self::version(&v, found));
    Flux {
        namespace: name_or(namespace, "flux-system", is_dns_label, found),
        source: source.map(|spec::FluxSource { kind, name }| FluxSource {
            kind: match kind {
                spec::FluxSourceKind::GitRepository => "GitRepository",
                spec::FluxSourceKind::OciRepository => "OCIRepository",
            },
            name: name_or(Some(name), "flux-system", is_dns_subdomain, found),
        }),
        interval: self::interval(interval, found),
        checks_policies: version.is_none_or(|v| v >= CHECKS_POLICIES),
    }
}

fn interval(text: Option<Spanned<String>>, found: &mut Vec<Diagnostic>) -> String {
    let default = "10m".to_owned();
    let Some(text) = text else { return default };
    match seconds(&text) {
        // facts/gitops-delivery.md 3.1.1
        Some(60..) => text.value,
        _ => {
            found.push(
                Diagnostic::error(
                    "wrong-value",
                    format!("`{}` is no interval of Flux", text.value),
                )
                .at(text.span, "")
                .help("write it as `10m` or `1h30m`, not less than a minute"),
            );
            default
        }
    }
}

/// Seconds of a duration in hours, minutes and seconds.
fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, after) = rest.split_at(end);
        let unit = match after.chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = after.get(1..)?;
    }
    (total > 0).then_some(total)
}

fn name_or(
    text: Option<Spanned<String>>,
    default: &str,
    is_name: impl Fn(&str) -> bool,
    found: &mut Vec<Diagnostic>,
) -> String {
    match text {
        Some(text) if is_name(&text) => text.value,
        Some(text) => {
            found.push(
                Diagnostic::error(
                    "invalid-name",
                    format!("`{}` is no name of Kubernetes", text.value),
                )
                .at(text.span, "")
                .help("use lower-case letters, digits and dashes"),
            );
            default.to_owned()
        }
        None => default.to_owned(),
    }
}

fn check_length(
    environment: Option<&EnvironmentName>,
    cluster: &ClusterName,
    origin: Span,
    found: &mut Vec<Diagnostic>,
) {
    let longest = Unit::ALL.iter().map(|unit| unit.as_str().len()).max().unwrap_or_default();
    let fixed = environment.map_or(0, |name| name.as_str().len()) + longest + 2;
    if fixed + cluster.as_str().len() > LONGEST_NAME {
        found.push(
            Diagnostic::error(
                "name-too-long",
                format!("cluster `{cluster}` leaves no room in the names of Applications and Kustomizations"),
            )
            .at(origin, format!("`<environment>-<cluster>-<unit>` has at most {LONGEST_NAME} characters"))
            .help("use shorter names for the environment or the cluster"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go's net/url, Argo CD and source-controller take, and what to write instead.
    #[test]
    fn an_address_is_read_as_the_appliers_read_it() {
        for (url, for_flux) in [
            ("https://git.example.com/mesh.git", true),
            ("https://git.example.com:/mesh.git", true),
            ("https://git.example.com:8443/mesh.git", true),
            ("ssh://git@git.example.com:2222/mesh.git", true),
            ("ssh://git@[2001:db8::1]:22/mesh.git", true),
            ("ssh://git@[2001:db8::1]/mesh.git", true),
            ("https://git.example.com/a%20b.git", true),
            ("git@github.com:acme/mesh.git", false),
            ("file:///srv/mesh.git", false),
        ] {
            assert_eq!(address(url, for_flux), Ok(()), "{url}");
        }
        for (url, for_flux, help) in [
            ("ssh://git@github.com:acme/mesh.git", false, "ssh://git@github.com/acme/mesh.git"),
            ("ssh://git@git.sr.ht:~ada/mesh", true, "ssh://git@git.sr.ht/~ada/mesh"),
            ("https://git.example.com:x/mesh", false, "https://git.example.com/x/mesh"),
            ("https://git.example.com:70000/mesh", false, "https://git.example.com/70000/mesh"),
            ("git@github.com:acme/mesh.git", true, "ssh://git@github.com/acme/mesh.git"),
            ("../mesh", true, "https://"),
            ("git://git.example.com/mesh", true, "https://"),
            ("https:///mesh", false, "git clone"),
            ("https://git.example.com/%zz", false, "%25"),
        ] {
            let (_, said) = address(url, for_flux).expect_err(url);
            assert!(said.contains(help), "{url}: {said}");
        }
    }

    #[test]
    fn credentials_in_an_address() {
        for (url, holds) in [
            ("https://git.example.com/mesh.git", false),
            ("git@git.example.com:mesh.git", false),
            ("ssh://git@git.example.com/mesh.git", false),
            ("ssh://git:secret@git.example.com/mesh.git", true),
            ("https://token@git.example.com/mesh.git", true),
            ("https://x:y@git.example.com/mesh.git", true),
            ("https://git.example.com/a@b/mesh.git", false),
            ("oci://registry.example.com/mesh", false),
        ] {
            assert_eq!(has_credentials(url), holds, "{url}");
        }
    }

    #[test]
    fn durations() {
        for (text, wanted) in [
            ("10m", Some(600)),
            ("1h30m", Some(5400)),
            ("60s", Some(60)),
            ("", None),
            ("10", None),
            ("m", None),
            ("1d", None),
            ("0s", None),
            ("99999999999999999999h", None),
            ("1é", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }
}
