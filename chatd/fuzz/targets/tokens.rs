//! Tokens: nothing that was not signed by our key, for us, now, of a live session, names a caller.

use crate::input::{Input, mutate};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::{Claims, Revocations, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use schema::{SessionId, UserId};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// A time beyond every run: 2100.
const LATER: i64 = 4_102_444_800;

struct World {
    pair: Ed25519KeyPair,
    other: Ed25519KeyPair,
    verifier: Verifier,
    good: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("a seed of 32 bytes");
    let other = Ed25519KeyPair::from_seed_unchecked(&[4; 32]).expect("a seed of 32 bytes");
    let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let key = DecodingKey::from_ed_components(&public).expect("a public key");
    let revocations = Arc::new(Revocations::new());
    revocations.end(ended());
    let verifier = Verifier::new("chatd", "chatd", vec![("k1".to_owned(), key)], revocations);
    let good = sign(&pair, &header().to_string(), &claims().to_string());
    World { pair, other, verifier, good }
});

fn ended() -> SessionId {
    SessionId::from_bytes([9; 16])
}

fn header() -> Value {
    serde_json::json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "k1" })
}

fn claims() -> Value {
    let claims = Claims {
        iss: "chatd".to_owned(),
        aud: "chatd".to_owned(),
        sub: UserId::from_bytes([1; 16]),
        sid: SessionId::from_bytes([2; 16]),
        role: "USER".to_owned(),
        iat: 1_700_000_000,
        nbf: 1_700_000_000,
        exp: LATER,
        jti: "1".to_owned(),
    };
    serde_json::to_value(claims).expect("claims are JSON")
}

fn sign(pair: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes()).as_ref());
    format!("{text}.{signature}")
}

/// Bytes: what to try, then a token, changes to a good one, or what to sign.
pub(crate) fn check(data: &[u8]) {
    let world = &*WORLD;
    let mut input = Input::new(data);
    match input.byte() % 6 {
        0 => {
            let token = text(input.rest());
            // A fuzzer that watches comparisons finds the good one in memory.
            if token != world.good {
                refused(&token);
            }
        }
        1 => {
            let mut bytes = world.good.clone().into_bytes();
            mutate(&mut input, &mut bytes);
            let text = String::from_utf8_lossy(&bytes);
            if text != world.good {
                refused(&text);
            }
        }
        // Claims as they should be, under a header that anybody may write.
        2 => refused_but_ours(&sign(&world.pair, &text(input.rest()), &claims().to_string())),
        // A good header over claims of any kind.
        3 => refused_but_ours(&sign(&world.pair, &header().to_string(), &text(input.rest()))),
        // Another's key; and the public key as a secret, the classic confusion of algorithms.
        4 => {
            refused(&sign(&world.other, &header().to_string(), &text(input.take(usize::MAX))));
            refused(&sign(&world.other, &header().to_string(), &claims().to_string()));
        }
        _ => confused(world, input.rest()),
    }
    assert!(world.verifier.verify(&world.good).is_ok(), "the good token is refused");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn refused(token: &str) {
    let caller = WORLD.verifier.verify(token);
    assert!(caller.is_err(), "{token:?} passed as {caller:?}");
}

/// A token with our signature passes only if all it says is as it must be.
fn refused_but_ours(token: &str) {
    let Ok(caller) = WORLD.verifier.verify(token) else { return };
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
    let header: Value = serde_json::from_slice(&parts.next().unwrap_or_default()).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&parts.next().unwrap_or_default()).unwrap_or_default();
    assert_eq!(
        (&header["alg"], &header["typ"], &header["kid"]),
        (&"EdDSA".into(), &"at+jwt".into(), &"k1".into())
    );
    assert_eq!((&claims["iss"], &claims["aud"]), (&"chatd".into(), &"chatd".into()), "{claims}");
    assert!(claims["nbf"].as_f64().is_some_and(|nbf| nbf < LATER as f64), "{claims}");
    assert!(claims["exp"].as_f64().is_some_and(|exp| exp > 1_700_000_000.0), "{claims}");
    assert_eq!(caller.user.to_string(), claims["sub"].as_str().unwrap_or_default().to_lowercase());
    assert_ne!(caller.session, ended(), "an ended session passed");
}

fn confused(world: &World, secret: &[u8]) {
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let header =
            Header { typ: Some("at+jwt".to_owned()), kid: Some("k1".to_owned()), ..Header::new(alg) };
        for secret in [world.pair.public_key().as_ref(), secret] {
            if let Ok(token) = encode(&header, &claims(), &EncodingKey::from_secret(secret)) {
                refused(&token);
            }
        }
    }
}
