//! The rules of passwords, and of hashes that come ready.

use crate::guessable;
use crate::hasher::COSTS;
use schema::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use schema::message::FieldError;

/// Checks a new password, which came in this field, against the rules.
pub(crate) fn check(field: &str, password: &str, errors: &mut Vec<FieldError>) {
    let bound = || format!("{PASSWORD_BYTES_MIN}-{PASSWORD_BYTES_MAX} bytes");
    if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        errors.push(FieldError::new(field, format!("has {} bytes", password.len()), bound()));
    } else if password.trim().is_empty() {
        errors.push(FieldError::new(field, "must not be blank", bound()));
    } else if password.contains('\0') {
        errors.push(FieldError::new(field, "holds a NUL byte", "any other byte"));
    } else if guessable::is_common(password) {
        errors.push(FieldError::new(field, "is among the most common ones", "a less common one"));
    }
}

/// Checks a hash that comes ready: `$2b$`, cost, 22 characters of salt, 31 of digest.
pub(crate) fn check_hash(hash: &str) -> Result<(), FieldError> {
    let bad =
        |reason: &str| Err(FieldError::new("passwordHash", reason, "BCrypt: $2a$, $2b$ or $2y$, cost 4-15"));
    let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| hash.strip_prefix(version)) else {
        return bad("is of no known version");
    };
    let Some((cost, digest)) = rest.split_once('$') else { return bad("has no cost") };
    let two_digits = cost.len() == 2 && cost.bytes().all(|b| b.is_ascii_digit());
    if !two_digits || !cost.parse().is_ok_and(|cost| COSTS.contains(&cost)) {
        return bad("has a cost out of bounds");
    }
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'/';
    // Parsing it tells what the alphabet alone does not, such as stray bits in the last character.
    if digest.len() != 53 || !digest.bytes().all(alphabet) || hash.parse::<bcrypt::HashParts>().is_err() {
        return bad("has no salt and digest of 53 characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(password: &str) -> usize {
        let mut errors = Vec::new();
        check("newPassword", password, &mut errors);
        assert!(errors.iter().all(|error| error.field == "newPassword" && error.bound.is_some()));
        errors.len()
    }

    #[test]
    fn passwords_have_bounds_and_are_not_common() {
        for good in ["password123", "12345678z", "日本語です", "  leading and trailing  ", &"a".repeat(71)]
        {
            assert_eq!(reasons(good), 0, "{good}");
        }
        for bad in
            ["", "short77", &"a".repeat(72), "          ", "password", "PassWord", "12345678", "qwertyuiop"]
        {
            assert_eq!(reasons(bad), 1, "{bad}");
        }
    }

    #[test]
    fn ready_hashes_are_checked() {
        let good = bcrypt::hash("x", 4).unwrap();
        for version in ["$2a$", "$2b$", "$2y$"] {
            check_hash(&good.replace("$2b$", version)).unwrap();
        }
        for bad in [
            "",
            "$1$abc",
            "$2b$",
            "$2x$04$",
            &good.replace("$04$", "$31$"),
            &good.replace("$04$", "$03$"),
            &good.replace("$04$", "$4$"),
            &good[..59],
            &format!("{good}a"),
            &format!("$2b$04$é{}", "a".repeat(51)),
        ] {
            assert!(check_hash(bad).is_err(), "{bad}");
        }
    }
}
