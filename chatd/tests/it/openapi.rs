//! The API's descriptions are made from the code; the files that are checked in must be the same.

use crate::server::Server;

async fn compare(url: &str, file: &str) {
    let served = reqwest::get(url).await.unwrap().text().await.unwrap();
    let path = format!("{}/../schema/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == served,
        "schema/{file} is not what the code says: run this test with UPDATE_OPENAPI=1 and commit it"
    );
}

#[tokio::test]
async fn the_files_are_what_the_code_says() {
    let server = Server::start().await;
    compare(&server.api("/openapi.json"), "openapi.json").await;
    compare(&server.admin("/openapi.json"), "openapi-admin.json").await;
}
