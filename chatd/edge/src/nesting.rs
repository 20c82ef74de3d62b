//! How deep a JSON text goes: looked at before anything is built of it, because each level costs stack and
//! memory, and what is taken as it is (`metadata`) would be passed on to every reader.

use memchr::memchr2;
use schema::limits::JSON_DEPTH;

/// The place of the first bracket beyond `limits::JSON_DEPTH` levels. Whether the text is JSON at all is for
/// the parser to say.
pub(crate) fn too_deep(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > JSON_DEPTH {
                    return Some(at);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = end_of_text(text, at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of the quote that ends the text which begins here.
fn end_of_text(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2; // the backslash and what it escapes
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[{\"a\":".repeat(levels / 2), "}]".repeat(levels / 2))
    }

    #[test]
    fn levels_are_counted_up_to_the_bound() {
        assert_eq!(too_deep(nested(JSON_DEPTH).as_bytes()), None);
        assert_eq!(too_deep(nested(JSON_DEPTH + 2).as_bytes()), Some(JSON_DEPTH / 2 * 6));
        let wide = format!("[{}]", "[[]],".repeat(10_000));
        assert_eq!(too_deep(wide.as_bytes()), None);
    }

    #[test]
    fn brackets_in_texts_are_no_levels() {
        let many = "[".repeat(1000);
        for text in [
            format!("\"{many}\""),
            format!("{{\"{many}\":\"\\\"{many}\"}}"),
            format!("[\"\\\\\",\"{many}\"]"),
        ] {
            assert_eq!(too_deep(text.as_bytes()), None, "{text}");
        }
        for odd in ["\"", "\"\\", "]]]]", "\"\\\"", ""] {
            assert_eq!(too_deep(odd.as_bytes()), None, "{odd}");
        }
        assert!(too_deep(format!("\"\\\\\"{many}").as_bytes()).is_some());
    }
}
