//! Which tokens the verifier takes: ours, alive, of a live session, and no others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::{Claims, Revocations, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use schema::{Code, SessionId, Timestamp, UserId};
use std::sync::Arc;

struct Issuer {
    key: EncodingKey,
    public: Vec<u8>,
}

impl Issuer {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { key, public: pair.public_key().as_ref().to_vec() }
    }

    fn verifier(&self, revocations: Arc<Revocations>) -> Verifier {
        let key = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(&self.public)).unwrap();
        Verifier::new("chatd", "chatd", vec![("k1".to_owned(), key)], revocations)
    }

    fn sign(&self, header: &Header, claims: &Claims) -> String {
        encode(header, claims, &self.key).unwrap()
    }
}

fn header() -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some("k1".to_owned());
    header
}

fn claims() -> Claims {
    let now = Timestamp::now().0 / 1000;
    Claims {
        iss: "chatd".to_owned(),
        aud: "chatd".to_owned(),
        sub: UserId::draw(),
        sid: SessionId::draw(),
        role: "USER".to_owned(),
        iat: now,
        nbf: now,
        exp: now + 900,
        jti: "1".to_owned(),
    }
}

#[test]
fn a_good_token_names_its_caller() {
    let issuer = Issuer::new();
    let claims = claims();
    let caller = issuer.verifier(Arc::default()).verify(&issuer.sign(&header(), &claims)).unwrap();
    assert_eq!((caller.user, caller.session), (claims.sub, claims.sid));
    assert_eq!(caller.expires_at, Timestamp(claims.exp * 1000));
}

#[test]
fn wrong_claims_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier(Arc::default());
    let wrong: [fn(&mut Claims); 5] = [
        |claims| claims.iss = "other".to_owned(),
        |claims| claims.aud = "other".to_owned(),
        |claims| claims.exp = claims.iat - 1,
        |claims| claims.nbf = claims.iat + 60,
        |claims| claims.exp = 0,
    ];
    for (case, change) in wrong.iter().enumerate() {
        let mut claims = claims();
        change(&mut claims);
        let refused = verifier.verify(&issuer.sign(&header(), &claims));
        assert_eq!(refused.unwrap_err().code(), Code::Unauthorized, "case {case}");
    }
}

#[test]
fn wrong_headers_keys_and_algorithms_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier(Arc::default());
    let with = |change: fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        issuer.sign(&header, &claims())
    };
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).unwrap());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#);
    let mut hs256 = header();
    hs256.alg = Algorithm::HS256;
    // The public key as an HMAC secret: the classic confusion of algorithms.
    let confused = encode(&hs256, &claims(), &EncodingKey::from_secret(&issuer.public)).unwrap();
    let good = issuer.sign(&header(), &claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    for (case, token) in [
        ("typ JWT", with(|header| header.typ = Some("JWT".to_owned()))),
        ("no typ", with(|header| header.typ = None)),
        ("no kid", with(|header| header.kid = None)),
        ("unknown kid", with(|header| header.kid = Some("k2".to_owned()))),
        ("alg none", format!("{none}.{payload}.")),
        ("HS256", confused),
        ("another's key", Issuer::new().sign(&header(), &claims())),
        ("no signature", format!("{signed}.")),
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("long", "a".repeat(1 << 20)),
    ] {
        assert_eq!(verifier.verify(&token).unwrap_err().code(), Code::Unauthorized, "{case}");
    }
}

#[test]
fn an_ended_session_is_refused_at_once() {
    let issuer = Issuer::new();
    let revocations = Arc::new(Revocations::new());
    let verifier = issuer.verifier(revocations.clone());
    let claims = claims();
    let token = issuer.sign(&header(), &claims);
    verifier.verify(&token).unwrap();
    revocations.end(claims.sid);
    assert_eq!(verifier.verify(&token).unwrap_err().code(), Code::Unauthorized);
}
