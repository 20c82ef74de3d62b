//! A worker that this process starts.

use super::line::{Heard, Line};
use schema::exit::{Exit, Failure};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Lines of its stderr that are kept for a failure.
const LINES: usize = 15;
/// Time between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Ends with the value, by force.
#[derive(Debug)]
pub(super) struct Child {
    child: std::process::Child,
    words: Arc<Mutex<VecDeque<String>>>,
    /// Reads its stderr until that ends.
    reader: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts `chatbench worker` of this same program.
    pub(super) fn start(place: usize, heard: mpsc::Sender<(usize, Heard)>) -> Result<(Line, Self), Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("worker: {error}"), "chatbench starts itself as a worker")
        };
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is for the coordinator, which lets the load drain.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let nothing = || failed(std::io::ErrorKind::BrokenPipe.into());
        let (to, from) = (child.stdin.take().ok_or_else(nothing)?, child.stdout.take().ok_or_else(nothing)?);
        let stderr = child.stderr.take().ok_or_else(nothing)?;
        let words: Arc<Mutex<VecDeque<String>>> = Arc::default();
        let kept = words.clone();
        let reader = std::thread::Builder::new()
            .name(format!("stderr-{place}"))
            .spawn(move || keep(BufReader::new(stderr), &kept))
            .map_err(failed)?;
        // Its stdin is closed with the writer that owns it.
        let line = Line::new(place, from, to, heard, || {})?;
        Ok((line, Self { child, words, reader: Some(reader) }))
    }

    pub(super) fn last_words(&mut self) -> String {
        // One that has failed is of no more use; its stderr ends with it.
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _its_words_are_kept = reader.join();
        }
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ")
    }

    /// Waits until it has ended; longer than `within`, it is ended by force.
    pub(super) async fn ended(&mut self, within: Duration) {
        let until = Instant::now() + within;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

fn keep(stderr: impl BufRead, words: &Mutex<VecDeque<String>>) {
    for line in stderr.lines().map_while(Result::ok) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == LINES {
            words.pop_front();
        }
        words.push_back(line);
    }
}
