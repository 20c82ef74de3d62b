//! What is compared: a chatd to start, a server that runs, or reports that were made before.

use crate::cli::{Door, Run, Spawn};
use report::model::Report;
use reqwest::Url;
use schema::exit::{Exit, Failure};
use std::path::{Path, PathBuf};

/// Reports read from one folder at most.
const REPORTS: usize = 1000;

/// A or B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A chatd, started anew for each run.
    Binary(PathBuf),
    Url(String),
    /// `report.json`, or a folder of such, one or two levels down.
    Reports(Vec<PathBuf>),
}

impl Side {
    /// Tells which of them is meant.
    pub(super) fn of(text: &str) -> Result<Self, Failure> {
        let hint = "name a chatd binary, an http:// address, a report.json, or a folder with reports";
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Side::Url(text.to_owned()));
        }
        let path = Path::new(text);
        let missing = |why: &str| Failure::new(Exit::NotFound, format!("{text}: {why}"), hint);
        if path.is_dir() {
            let reports = reports(path);
            return if reports.is_empty() {
                Err(missing("no report.json in this folder"))
            } else {
                Ok(Side::Reports(reports))
            };
        }
        match path.metadata() {
            Err(error) => Err(missing(&error.to_string())),
            Ok(_) if path.extension().is_some_and(|ending| ending == "json") => {
                Ok(Side::Reports(vec![path.to_owned()]))
            }
            Ok(file) if executable(&file) => Ok(Side::Binary(path.to_owned())),
            Ok(_) => Err(Failure::usage(format!("{text} is neither a program nor a report"), hint)),
        }
    }

    /// The run against this side; none for reports, which are there already.
    pub(super) fn run(&self, run: &Run, own: &Own) -> Option<Run> {
        let run = run.clone();
        match self {
            Side::Binary(chatd) => {
                let server = Spawn { spawn: true, chatd: Some(chatd.clone()), ..run.server.clone() };
                Some(Run { server, ..run })
            }
            Side::Url(url) => {
                let Own { token_file, admin, server_pid, server_metrics } = own.clone();
                let token_file = token_file.or_else(|| run.door.token_file.clone());
                let admin = admin.or_else(|| run.door.admin.clone());
                let door = Door { target: vec![url.clone()], token_file, admin, ..run.door.clone() };
                let server = Spawn { spawn: false, chatd: None, set: Vec::new(), ..run.server.clone() };
                let mut run = Run { door, server, server_pid, server_metrics, ..run };
                // Where all is plain here, it is of the other side.
                run.door.ca = run.door.ca.take().filter(|_| run.is_tls());
                Some(run)
            }
            Side::Reports(_) => None,
        }
    }

    /// Whether there is nothing to run.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Side::Reports(_))
    }

    /// The reports that are there already.
    pub(super) fn read(&self) -> Result<Vec<Report>, Failure> {
        let Side::Reports(paths) = self else { return Ok(Vec::new()) };
        paths.iter().map(|path| crate::report_dir::read(path)).collect()
    }
}

/// What only one side has.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pub(super) token_file: Option<PathBuf>,
    pub(super) admin: Option<String>,
    pub(super) server_pid: Vec<u32>,
    pub(super) server_metrics: Vec<Url>,
}

impl Own {
    pub(super) fn of(
        token_file: &Option<PathBuf>,
        admin: &Option<String>,
        server_pid: &[u32],
        server_metrics: &[Url],
    ) -> Self {
        let (server_pid, server_metrics) = (server_pid.to_vec(), server_metrics.to_vec());
        Self { token_file: token_file.clone(), admin: admin.clone(), server_pid, server_metrics }
    }
}

fn executable(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.is_file() && file.permissions().mode() & 0o111 != 0
}

/// `report.json` here, or in the folders below: in the order of their names.
fn reports(folder: &Path) -> Vec<PathBuf> {
    let own = folder.join("report.json");
    if own.is_file() {
        return vec![own];
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.map(|path| path.join("report.json")).filter(|path| path.is_file()).take(REPORTS).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_side_is_what_it_looks_like() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let text = |name: &str| path(name).to_str().unwrap().to_owned();
        std::fs::create_dir_all(path("two/2")).unwrap();
        std::fs::create_dir_all(path("two/1")).unwrap();
        for name in ["chatd", "notes", "two/1/report.json", "two/2/report.json"] {
            std::fs::write(path(name), "").unwrap();
        }
        std::fs::set_permissions(path("chatd"), PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(Side::of("http://a:1").unwrap(), Side::Url("http://a:1".into()));
        assert_eq!(Side::of(&text("chatd")).unwrap(), Side::Binary(path("chatd")));
        let both = Side::Reports(vec![path("two/1/report.json"), path("two/2/report.json")]);
        assert_eq!(Side::of(&text("two")).unwrap(), both);
        assert_eq!(Side::of(&text("two/1")).unwrap(), Side::Reports(vec![path("two/1/report.json")]));
        assert_eq!(
            Side::of(&text("two/2/report.json")).unwrap(),
            Side::Reports(vec![path("two/2/report.json")])
        );
        assert_eq!(Side::of(&text("notes")).unwrap_err().exit, Exit::Usage);
        assert_eq!(Side::of(&text("none")).unwrap_err().exit, Exit::NotFound);
        std::fs::create_dir(path("empty")).unwrap();
        assert_eq!(Side::of(&text("empty")).unwrap_err().exit, Exit::NotFound);
    }

    #[test]
    fn an_authority_goes_with_the_side_that_is_encrypted() {
        use crate::cli::{Cli, Verb};
        let line = ["chatbench", "run", "--ca", "own.pem"];
        let Verb::Run(run) = <Cli as clap::Parser>::try_parse_from(line).unwrap().verb else { panic!() };
        let ca = |url: &str, own: &Own| Side::Url(url.into()).run(&run, own).unwrap().door.ca;
        assert_eq!(ca("http://a", &Own::default()), None);
        assert_eq!(ca("https://a", &Own::default()).as_deref(), Some(Path::new("own.pem")));
        let own = Own { admin: Some("https://b".into()), ..Own::default() };
        let admin = Side::Url("http://a".into()).run(&run, &own).unwrap().door.admin;
        assert_eq!(admin.as_deref(), Some("https://b"), "each side has its own");
        let server_metrics = vec!["https://a/metrics".parse().unwrap()];
        assert!(ca("http://a", &Own { server_metrics, ..Own::default() }).is_some());
    }
}
