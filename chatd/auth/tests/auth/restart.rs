use crate::fixture::{Service, get, post};
use schema::api::Session;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn tokens_outlive_a_restart_and_ended_sessions_stay_ended() {
    let service = Service::start().await;
    let live = service.register("+10000001").await;
    let ended: Session = service.login("+10000001").await.expect(200);
    service.call(post("/api/auth/logout").bearer(&ended.access_token)).await;
    let service = service.restart().await;
    assert!(service.opens(&live.access_token).await);
    assert!(!service.opens(&ended.access_token).await);
    service.refresh(&live.refresh_token).await.expect::<Session>(200);
}

#[tokio::test]
async fn the_public_keys_are_under_both_paths_and_name_the_tokens_key() {
    let service = Service::start().await;
    let session = service.register("+10000001").await;
    let keys: Value = service.call(get("/.well-known/jwks.json")).await.expect(200);
    let same: Value = service.call(get("/api/auth/.well-known/jwks.json")).await.expect(200);
    assert_eq!(keys, same);
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&"OKP".into(), &"Ed25519".into(), &"sig".into()));
    assert!(key.get("d").is_none(), "the private half stays here");
    let header = jsonwebtoken::decode_header(&session.access_token).unwrap();
    assert_eq!(header.kid.as_deref(), key["kid"].as_str());
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
}

#[tokio::test]
async fn the_keys_are_for_the_server_alone() {
    let service = Service::start().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&service.keys_dir()), 0o700);
    for entry in std::fs::read_dir(service.keys_dir()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
