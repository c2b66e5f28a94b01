//! `waypost access explain`

use clap::{Args, ValueEnum};

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::{pretty, world, write};
use crate::report::access as report;
use crate::simulate::{HttpRequest, Request, Token};

/// Say for one request which points it meets, what each sees, and which rule decides.
///
/// The rule is named as the proxy's log names it.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// Who asks: `[cluster/]namespace/workload`, `gateway:namespace/name` for somebody outside who
    /// comes through that gateway, or `outside`.
    #[arg(value_name = "FROM")]
    from: String,
    /// For what: `[cluster/]namespace/service:port`, `pod:namespace/workload:port`, or a host name and a
    /// port.
    #[arg(value_name = "TO")]
    to: String,
    /// An environment, or a folder of manifests; the only environment where it is left out.
    #[arg(value_name = "ENV|DIR")]
    of: Option<String>,
    /// The same, before or behind the other options.
    #[arg(long = "in", value_name = "ENV|DIR", conflicts_with = "of")]
    named: Option<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// HTTP method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// HTTP path.
    #[arg(long, default_value = "/")]
    path: String,
    /// Host header; the service's name and port where it is left out.
    #[arg(long)]
    host: Option<String>,
    /// The server name in the client's own TLS; on ports that are said to be TLS the destination's
    /// where it is left out.
    #[arg(long, value_name = "NAME", value_parser = sni)]
    sni: Option<String>,
    /// A header, as `name: value`. May be given several times.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The port, where TO names none.
    #[arg(long)]
    port: Option<String>,
    /// Claims of a token that verifies, as JSON; or `invalid` for one that does not.
    #[arg(long, value_name = "JSON|invalid", value_parser = token)]
    token: Option<Token>,
    /// A connection that is not HTTP.
    #[arg(long, conflicts_with_all = ["header", "token"])]
    tcp: bool,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For a program.
    Json,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("a header is `name: value`".into()),
    }
}

fn sni(text: &str) -> Result<String, String> {
    if crate::k8s::is_server_name(text) {
        Ok(text.to_owned())
    } else {
        Err("a server name is a DNS name, such as api.example.com, without a port".into())
    }
}

fn token(text: &str) -> Result<Token, String> {
    if text == "invalid" {
        return Ok(Token::Invalid);
    }
    match serde_json::from_str(text) {
        Ok(claims @ serde_json::Value::Object(_)) => Ok(Token::Valid(claims)),
        _ => Err("claims are a JSON object, such as {\"iss\": \"me\", \"sub\": \"alice\"}".into()),
    }
}

impl Explain {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let of = self.of.as_deref().or(self.named.as_deref());
        let Some(asked) = world::world(of, self.stage.as_deref(), global, terminal)? else {
            return Ok(ExitCode::Problems);
        };
        asked.show(terminal);
        let world = &asked.world;
        let mesh = &world.mesh;
        let to = match &self.port {
            Some(port) => format!("{}:{port}", self.to),
            None => self.to.clone(),
        };
        let request = Request {
            from: mesh.find_client(&self.from).map_err(world::unknown)?,
            to: mesh.find_destination(&to).map_err(world::unknown)?,
            http: HttpRequest {
                method: self.method.clone(),
                path: self.path.clone(),
                host: self.host.clone(),
                headers: self.header.clone(),
                token: self.token.clone().unwrap_or_default(),
                sni: self.sni.clone(),
                ..HttpRequest::default()
            },
            raw_tcp: self.tcp,
        };
        let decision = mesh.decide(&request);
        write(&match self.format {
            Format::Text => {
                let what = if self.tcp {
                    String::new()
                } else {
                    format!(", {} {}", self.method, self.path)
                };
                let question = format!("{} to {to}{what} ({})", self.from, world.name);
                report::explain(mesh, &question, &request, &decision)
            }
            Format::Json => {
                let json = report::explain_json(mesh, (&self.from, &to), &request, &decision);
                pretty(&json)?
            }
        })?;
        Ok(ExitCode::Clean)
    }
}
