//! Rows of an import, read one at a time: CSV with a heading, or NDJSON when the first byte is `{`.

use schema::api::NewUser;
use schema::exit::{Exit, Failure};
use schema::limits::BULK_BYTES;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// A row and the line it began on. A row that cannot be understood fails alone; a file that cannot be read
/// ends the import.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) user: Result<NewUser, String>,
}

/// Columns of the CSV heading, as the API names them; `phone_number` is `phoneNumber`.
const COLUMNS: [&str; 5] = ["username", "phoneNumber", "displayName", "password", "passwordHash"];
/// Bytes of one row: nothing that is accepted is near this.
const ROW_BYTES: u64 = 65_536;

type Input = BufReader<Box<dyn Read>>;

pub(super) enum Rows {
    Ndjson { input: Input, line: u64 },
    Csv { records: csv::StringRecordsIntoIter<Input>, columns: Vec<&'static str> },
}

impl Rows {
    /// Opens the file, `-` for stdin, and finds out what it is.
    pub(super) fn open(file: &str) -> Result<Self, Failure> {
        let raw: Box<dyn Read> = if file == "-" {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(file).map_err(|error| {
                let message = format!("cannot read {file}: {error}");
                Failure::usage(message, "name a CSV or NDJSON file, or - for stdin")
            })?)
        };
        let mut input = BufReader::new(raw);
        let first = input.fill_buf().map_err(|error| unreadable(&error))?.first().copied();
        if first == Some(b'{') {
            return Ok(Rows::Ndjson { input, line: 0 });
        }
        Self::csv(input)
    }

    fn csv(input: Input) -> Result<Self, Failure> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(false).buffer_capacity(BULK_BYTES / 128).from_reader(input);
        let heading = reader.headers().map_err(|error| bad_csv(&error))?.clone();
        let columns = heading.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        if !columns.contains(&"username") && !columns.contains(&"phoneNumber") {
            let message = "the heading names neither username nor phone_number";
            return Err(Failure::usage(message, HEADING));
        }
        Ok(Rows::Csv { records: reader.into_records(), columns })
    }
}

const HEADING: &str =
    "the first line of CSV names columns: username, phone_number, display_name, password, password_hash";

fn column(name: &str) -> Result<&'static str, Failure> {
    let plain = |text: &str| text.trim().trim_start_matches('\u{feff}').replace('_', "").to_ascii_lowercase();
    COLUMNS.into_iter().find(|known| plain(known) == plain(name)).ok_or_else(|| {
        Failure::usage(format!("the heading has a column {name:?} that is not known"), HEADING)
    })
}

impl Iterator for Rows {
    type Item = Result<Row, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Rows::Ndjson { input, line } => ndjson(input, line).transpose(),
            Rows::Csv { records, columns } => {
                let record = records.next()?;
                Some(record.map_err(|error| bad_csv(&error)).map(|record| Row {
                    line: record.position().map_or(0, csv::Position::line),
                    user: user(columns, &record),
                }))
            }
        }
    }
}

/// The next line that is not blank.
fn ndjson(input: &mut Input, line: &mut u64) -> Result<Option<Row>, Failure> {
    loop {
        let mut text = Vec::new();
        let read = input.by_ref().take(ROW_BYTES).read_until(b'\n', &mut text);
        if read.map_err(|error| unreadable(&error))? == 0 {
            return Ok(None);
        }
        *line += 1;
        if text.len() as u64 == ROW_BYTES && text.last() != Some(&b'\n') {
            let message = format!("line {line} is longer than {ROW_BYTES} bytes");
            return Err(Failure::usage(message, "NDJSON has one user a line"));
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(&text);
        let user = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| reason(&error))
            .and_then(|user| json.end().map(|()| user).map_err(|_| "one user a line".to_owned()));
        return Ok(Some(Row { line: *line, user }));
    }
}

/// A CSV record as a user: an empty field is an absent one.
fn user(columns: &[&'static str], record: &csv::StringRecord) -> Result<NewUser, String> {
    let fields = columns.iter().zip(record).filter(|(_, text)| !text.is_empty());
    let object = fields.map(|(column, text)| ((*column).to_owned(), text.into())).collect();
    serde_path_to_error::deserialize(serde_json::Value::Object(object)).map_err(|error| reason(&error))
}

/// The field and what is wrong with it; the row's line is told beside it.
fn reason(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    match error.path().to_string() {
        path if path == "." => reason.to_owned(),
        path => format!("{path} {reason}"),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::coded(Exit::Failed, "unreadable", format!("cannot read on: {error}"), "check the file")
}

fn bad_csv(error: &csv::Error) -> Failure {
    Failure::usage(format!("no CSV: {error}"), HEADING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Row>, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Rows::open(file.path().to_str().unwrap())?.collect()
    }

    #[test]
    fn csv_and_ndjson_give_the_same_rows() {
        let csv = rows("username,phone_number,display_name\na.b,,\"B, A\"\nuser2,+1234567890,\n").unwrap();
        let ndjson = rows("{\"username\":\"a.b\",\"displayName\":\"B, A\"}\n\n{\"username\":\"user2\",\"phoneNumber\":\"+1234567890\"}").unwrap();
        let plain = |rows: Vec<Row>| -> Vec<String> {
            rows.into_iter().map(|row| serde_json::to_string(&row.user.unwrap()).unwrap()).collect()
        };
        assert_eq!(ndjson.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(csv.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(plain(csv), plain(ndjson));
    }

    #[test]
    fn a_bad_row_fails_alone_and_a_bad_heading_fails_all() {
        let csv = rows("username\nok1\n1bad\nok2\n").unwrap();
        assert_eq!(csv.iter().map(|row| row.user.is_ok()).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(rows("name,phone\nx,y\n").err().unwrap().exit, Exit::Usage);
        assert_eq!(rows("displayName\nx\n").err().unwrap().exit, Exit::Usage);
        for bad in ["{\"username\":1}\n", "{\"username\":\"ann\"} {}\n"] {
            assert!(rows(bad).unwrap()[0].user.is_err(), "{bad}");
        }
    }
}
