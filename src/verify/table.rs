//! What istioctl and a waypoint write for people: tables of `istioctl ztunnel-config`, and lines of the
//! waypoint's access log.
//!
//! Columns are told apart by blanks, as people paste them; a column in the middle may be empty, so
//! the ends of a line decide (istio/istio:istioctl/pkg/writer/ztunnel/configdump).

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TableRow<'t> {
    /// A heading, or a row of a table that says nothing here.
    Other,
    /// `NAMESPACE  POD NAME  ADDRESS  NODE  WAYPOINT  PROTOCOL`
    Workload { namespace: &'t str, name: &'t str, protocol: &'t str },
    /// `NAMESPACE  SERVICE NAME  SERVICE VIP  WAYPOINT  ENDPOINTS`
    Service { namespace: &'t str, name: &'t str, addresses: Vec<&'t str>, waypoint: &'t str },
    /// `NAMESPACE  POLICY NAME  ACTION  SCOPE`
    Policy { namespace: &'t str, name: &'t str },
}

/// The rows of a text that is nothing but tables, with the number of their line; `None` for every
/// other text.
pub(super) fn rows(text: &str) -> Option<Vec<(usize, TableRow<'_>)>> {
    let mut rows = Vec::new();
    let mut is_other = false;
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [first, .., last] = words.as_slice() else {
            if words.is_empty() {
                continue;
            }
            return None;
        };
        let is_heading = line.chars().all(|c| !c.is_lowercase()) && first.len() > 3;
        if is_heading {
            is_other =
                !matches!((*first, *last), ("NAMESPACE", "PROTOCOL" | "ENDPOINTS" | "SCOPE"));
            rows.push((number, TableRow::Other));
            continue;
        }
        rows.push((number, if is_other { TableRow::Other } else { row(&words)? }));
    }
    rows.iter().any(|(_, row)| *row != TableRow::Other).then_some(rows)
}

fn row<'t>(words: &[&'t str]) -> Option<TableRow<'t>> {
    let is_count = |text: &str| {
        text.split_once('/')
            .is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok())
    };
    match words {
        [namespace, name, _, .., protocol @ ("HBONE" | "TCP" | "LegacyIstioMtls")] => {
            Some(TableRow::Workload { namespace, name, protocol })
        }
        [namespace, name, addresses @ .., waypoint, count] if is_count(count) => {
            let addresses = addresses.iter().flat_map(|list| list.split(',')).collect();
            Some(TableRow::Service { namespace, name, addresses, waypoint })
        }
        [namespace, name, "Allow" | "Deny", "Global" | "Namespace" | "WorkloadSelector"] => {
            Some(TableRow::Policy { namespace, name })
        }
        _ => None,
    }
}

/// The host that a request was for, by a line of a waypoint's access log in Istio's default format
/// (istio.io, "Envoy Access Logs"): its cluster is `inbound-vip|PORT|PROTOCOL|HOST`.
pub(super) fn requested(line: &str) -> Option<&str> {
    let (_, cluster) = line.split_once("inbound-vip|")?;
    let mut parts = cluster.splitn(3, '|');
    parts.next().filter(|port| port.parse::<u16>().is_ok())?;
    parts.next()?;
    let host = parts.next()?.split([';', ' ']).next()?;
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_they_are_pasted() {
        let text = "NAMESPACE    SERVICE NAME  SERVICE VIP          WAYPOINT  ENDPOINTS\nshop  web  10.1.0.1,fd00::1  waypoint  2/2\nshop headless None 0/1\n\nNAMESPACE POD NAME ADDRESS NODE WAYPOINT PROTOCOL\nshop web-1 10.0.0.1 node-1 None HBONE\nNAMESPACE POLICY NAME ACTION SCOPE\nshop allow Allow Namespace\nCERTIFICATE NAME TYPE STATUS\nspiffe://a/ns/b/sa/c Leaf Available\n";
        let rows: Vec<_> = rows(text).expect("tables").into_iter().map(|(_, row)| row).collect();
        let service = |name, addresses, waypoint| TableRow::Service {
            namespace: "shop",
            name,
            addresses,
            waypoint,
        };
        assert_eq!(
            rows,
            [
                TableRow::Other,
                service("web", vec!["10.1.0.1", "fd00::1"], "waypoint"),
                service("headless", vec![], "None"),
                TableRow::Other,
                TableRow::Workload { namespace: "shop", name: "web-1", protocol: "HBONE" },
                TableRow::Other,
                TableRow::Policy { namespace: "shop", name: "allow" },
                TableRow::Other,
                TableRow::Other,
            ]
        );
        assert_eq!(super::rows("hello there\n"), None);
        assert_eq!(super::rows(""), None);
    }

    #[test]
    fn a_line_of_a_waypoint_names_the_service() {
        let line = r#"[2026-01-02T15:04:05.678Z] "GET /x HTTP/1.1" 403 - rbac_access_denied_matched_policy[none] - "-" 0 19 0 - "-" "curl" "id" "web.shop" "-" inbound-vip|80|http|web.shop.svc.cluster.local; - 10.1.0.1:80 10.0.0.2:4 - default"#;
        assert_eq!(requested(line), Some("web.shop.svc.cluster.local"));
        assert_eq!(requested("inbound|80||; x"), None);
    }
}
