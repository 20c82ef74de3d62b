//! Takes a file of SQL or CQL apart into its statements.

/// The statements of a file, without comments and with one blank wherever there were more outside of
/// quotes: what neither of them changes runs alike and has the same checksum.
///
/// Knows `'…'`, `"…"`, `$tag$…$tag$`, `-- …`, `// …` (CQL's) and `/* … */` (not within each other).
/// A function's body must stand in `$$`, for a semicolon ends a statement anywhere else.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut statement = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (token, length) = first(rest);
        match token {
            Token::Blank if statement.is_empty() || statement.ends_with(' ') => {}
            Token::Blank => statement.push(' '),
            Token::End => finish(&mut statement, &mut statements),
            Token::Text => statement.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    finish(&mut statement, &mut statements);
    statements
}

enum Token {
    Blank,
    End,
    Text,
}

fn finish(statement: &mut String, statements: &mut Vec<String>) {
    let text = statement.trim_end();
    if !text.is_empty() {
        statements.push(text.to_owned());
    }
    statement.clear();
}

/// What a text, which is not empty, begins with, and how many bytes long that is.
fn first(text: &str) -> (Token, usize) {
    let to_end_of =
        |mark: &str, from: usize| text[from..].find(mark).map_or(text.len(), |at| from + at + mark.len());
    let Some(character) = text.chars().next() else { return (Token::End, 0) };
    match character {
        ';' => (Token::End, 1),
        '-' if text.starts_with("--") => (Token::Blank, to_end_of("\n", 2)),
        '/' if text.starts_with("//") => (Token::Blank, to_end_of("\n", 2)),
        '/' if text.starts_with("/*") => (Token::Blank, to_end_of("*/", 2)),
        '\'' => (Token::Text, to_end_of("'", 1)),
        '"' => (Token::Text, to_end_of("\"", 1)),
        '$' => match tag(text) {
            Some(tag) => (Token::Text, to_end_of(tag, tag.len())),
            None => (Token::Text, 1),
        },
        blank if blank.is_whitespace() => (Token::Blank, blank.len_utf8()),
        other => (Token::Text, other.len_utf8()),
    }
}

/// The opening `$$` or `$tag$` of a quote.
fn tag(text: &str) -> Option<&str> {
    let end = 1 + text.get(1..)?.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let named_well = !text[1..end].starts_with(|c: char| c.is_ascii_digit());
    (named_well && text[end..].starts_with('$')).then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_a_semicolon_outside_of_quotes() {
        let text = "CREATE TABLE a (x text DEFAULT 'a;''b');\nCREATE FUNCTION f() AS $body$ a; $$ b; $body$;\n\
                    INSERT INTO \"odd;name\" VALUES ($1, $2) ; ;";
        assert_eq!(
            split(text),
            [
                "CREATE TABLE a (x text DEFAULT 'a;''b')",
                "CREATE FUNCTION f() AS $body$ a; $$ b; $body$",
                "INSERT INTO \"odd;name\" VALUES ($1, $2)",
            ]
        );
    }

    #[test]
    fn comments_and_blanks_do_not_count() {
        let plain = "CREATE TABLE a (x int, y int)";
        let dressed = "-- why; it is\n\n  CREATE TABLE a (x int,\n\t/* ; */   y int)  // end\n;-- last";
        assert_eq!(split(dressed), [plain]);
        assert_eq!(split("SELECT ' -- no  comment '"), ["SELECT ' -- no  comment '"]);
    }

    #[test]
    fn what_is_not_closed_ends_with_the_file() {
        for text in ["a 'b", "a $$b", "a /* b", "a -- b", "a \"b", "$", "é'"] {
            assert_eq!(split(text).len(), 1, "{text}");
        }
        assert!(split(" \n-- nothing\n").is_empty());
    }
}
