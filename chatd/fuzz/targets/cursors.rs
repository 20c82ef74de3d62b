//! Cursors: only what was sealed for this user and this purpose opens, and what is inside reads or is refused.

use crate::input::{Input, mutate};
use edge::Signer;
use schema::{Cursor, UserId};

const PURPOSE: &str = "log";

/// Bytes: how to try, then a cursor's content or a text.
pub(crate) fn check(data: &[u8]) {
    let signer = Signer::new(&[7; 32]);
    let user = UserId::from_bytes([1; 16]);
    let mut input = Input::new(data);
    let choice = input.byte();
    let change = input.take(usize::from(choice >> 3));
    let content = input.rest();
    let sealed = signer.seal(user, PURPOSE, content);
    match choice & 7 {
        // A text that anybody may make up. This key seals nothing, or the fuzzer would find the tags that it
        // wants in memory.
        0 => {
            if let Ok(text) = std::str::from_utf8(content) {
                let opened = Signer::new(&[9; 32]).open(user, PURPOSE, text);
                assert_eq!(opened, None, "{text:?} is forged");
            }
        }
        // A cursor of ours, changed.
        1 | 2 => {
            let mut bytes = sealed.clone().into_bytes();
            mutate(&mut Input::new(change), &mut bytes);
            if let Ok(text) = std::str::from_utf8(&bytes)
                && text != sealed
            {
                assert_eq!(signer.open(user, PURPOSE, text), None, "{sealed:?} was changed to {text:?}");
            }
        }
        // Another's, another purpose's (also one that runs into the content), another installation's.
        3 => {
            let other = UserId::from_bytes([2; 16]);
            assert_eq!(signer.open(other, PURPOSE, &sealed), None);
            assert_eq!(Signer::new(&[8; 32]).open(user, PURPOSE, &sealed), None);
            for purpose in ["", "lo", "LOG", "logs", "page"] {
                assert_eq!(signer.open(user, purpose, &sealed), None, "{purpose}");
            }
        }
        // Ours, and what is inside.
        _ => opens(&signer, user, content, &sealed),
    }
}

fn opens(signer: &Signer, user: UserId, content: &[u8], sealed: &str) {
    // Beyond the bound of a text nothing is looked at; none of ours comes near.
    if sealed.len() <= 2048 {
        assert_eq!(signer.open(user, PURPOSE, sealed).as_deref(), Some(content));
    }
    if let Some(cursor) = Cursor::from_bytes(content) {
        assert_eq!(cursor.to_bytes(), content, "{cursor:?} has two forms");
        for partition in 0..=u32::try_from(cursor.next.len()).unwrap_or(u32::MAX) {
            let _ = cursor.next_in(partition);
        }
    }
}
