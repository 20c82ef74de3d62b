//! The admin API over HTTP: one call, its problem turned into a [`Failure`] with an exit code.

use crate::cli::Globals;
use reqwest::{Method, Response, StatusCode};
use schema::Code;
use schema::api::Problem;
use schema::exit::{Exit, Failure};
use schema::message::FieldError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::time::Duration;

/// A connection to one chatd.
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
    token_file: PathBuf,
}

impl Client {
    /// Reads the token and checks the address; nothing is sent yet.
    pub(crate) fn new(globals: &Globals) -> Result<Self, Failure> {
        let server = globals.server.trim_end_matches('/').to_owned();
        if !server.starts_with("http://") && !server.starts_with("https://") {
            let message = format!("--server {server}: the address must begin with http:// or https://");
            return Err(Failure::usage(message, "such as http://127.0.0.1:8090"));
        }
        let token_file = token_file(globals)?;
        let token = read_token(&token_file)?;
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_secs(globals.timeout))
            .connect_timeout(Duration::from_secs(globals.timeout.min(5)))
            .no_proxy();
        if server.starts_with("http://") {
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            Failure::coded(Exit::Failed, "no-client", error.to_string(), "check the system's certificates")
        })?;
        Ok(Self { http, server, token, token_file })
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        read(self.send(Method::GET, path, None::<&()>).await?).await
    }

    /// Makes something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        read(self.send(Method::POST, path, Some(body)).await?).await
    }

    /// Removes something.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(Method::DELETE, path, None::<&()>).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response, Failure> {
        let mut request =
            self.http.request(method, format!("{}{path}", self.server)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        if error.is_builder() {
            let message = format!("--server {}: this is no address", self.server);
            return Failure::usage(message, "such as http://127.0.0.1:8090");
        }
        if error.is_timeout() {
            let hint = "it may have been done: look before repeating, or give it longer with --timeout";
            return Failure::coded(
                Exit::Unreachable,
                "timeout",
                format!("{} did not answer in time", self.server),
                hint,
            );
        }
        let message = format!("no chatd answers at {}", self.server);
        let hint = "start it with `chatd`, or name its admin address with --server (the gateway's port + 10)";
        Failure::new(Exit::Unreachable, message, hint)
    }

    /// A problem of the server as our failure.
    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let Ok(problem) = response.json::<Problem>().await else {
            let message = format!("{} answered {status} without a problem body", self.server);
            return Failure::coded(
                Exit::Failed,
                "no-problem",
                message,
                "is this chatd's admin API? see --server",
            );
        };
        let (exit, hint) = self.meaning(status, problem.code);
        let mut message = problem.detail;
        for field in &problem.errors {
            message.push_str(&format!("; {}", describe(field)));
        }
        Failure {
            request_id: Some(problem.trace_id),
            ..Failure::coded(exit, problem.code.as_str(), message, hint)
        }
    }

    fn meaning(&self, status: StatusCode, code: Code) -> (Exit, String) {
        match status.as_u16() {
            401 => (
                Exit::Auth,
                format!(
                    "the token in {} is not this server's: name the right folder with --data",
                    self.token_file.display()
                ),
            ),
            403 => (Exit::Refused, "the server forbids this".to_owned()),
            404 => (Exit::NotFound, "`chatctl user list` shows who is there".to_owned()),
            409 => (Exit::Refused, "choose another one, or look with `chatctl user get`".to_owned()),
            429 | 503 if code == Code::OutcomeUnknown => {
                (Exit::Unreachable, "it may have been done: look before repeating".to_owned())
            }
            429 | 503 => (Exit::Unreachable, "nothing was done: wait a second and repeat".to_owned()),
            400 | 413 => (Exit::Usage, "correct what is named and repeat".to_owned()),
            _ => (Exit::Failed, "look into the server's log".to_owned()),
        }
    }
}

fn describe(error: &FieldError) -> String {
    let bound = error.bound.as_ref().map(|bound| format!(" ({bound})")).unwrap_or_default();
    format!("{} {}{bound}", error.field, error.reason)
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    response.json().await.map_err(|error| {
        let (exit, code) =
            if error.is_timeout() { (Exit::Unreachable, "timeout") } else { (Exit::Failed, "no-json") };
        Failure::coded(
            exit,
            code,
            format!("the answer cannot be read: {error}"),
            "is this chatd of the same version?",
        )
    })
}

/// Where the admin token lies.
fn token_file(globals: &Globals) -> Result<PathBuf, Failure> {
    if let Some(file) = &globals.token_file {
        return Ok(file.clone());
    }
    if let Some(data) = &globals.data {
        return Ok(data.join("admin.token"));
    }
    match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
        Some(home) => Ok(PathBuf::from(home).join(".local/share/chatd/admin.token")),
        None => Err(Failure::coded(
            Exit::Auth,
            "no-token",
            "there is no HOME to look for the admin token in",
            "name chatd's data folder with --data, or the file with --token-file",
        )),
    }
}

fn read_token(file: &std::path::Path) -> Result<String, Failure> {
    let token = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("cannot read the admin token {}: {error}", file.display());
        let hint = "chatd writes it at its first start: name its data folder with --data, or the file with --token-file";
        Failure::coded(Exit::Auth, "no-token", message, hint)
    })?;
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("{} holds no token", file.display());
        return Err(Failure::coded(Exit::Auth, "no-token", message, "is it chatd's admin.token?"));
    }
    Ok(token.to_owned())
}
