use crate::fixture::{Service, post};
use schema::Code;

#[tokio::test]
async fn what_is_mounted_is_described_and_nothing_else() {
    let service = Service::start().await;
    let api = service.auth.routes().into_openapi();
    let paths: Vec<_> = api.paths.paths.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "/.well-known/jwks.json",
            "/api/auth/.well-known/jwks.json",
            "/api/auth/login",
            "/api/auth/logout",
            "/api/auth/password",
            "/api/auth/refresh",
            "/api/auth/register",
            "/api/auth/sessions",
            "/api/auth/sessions/{id}",
            "/api/auth/ticket",
        ]
    );
    let session = service.register("+10000001").await;
    for private in ["/api/auth/password", "/api/auth/ticket", "/api/auth/none"] {
        service.call(post(private)).await.problem(Code::Unauthorized);
    }
    service.call(post("/api/auth/none").bearer(&session.access_token)).await.problem(Code::NotFound);
    let wrong = crate::fixture::get("/api/auth/logout").bearer(&session.access_token);
    let answer = service.call(wrong).await;
    answer.problem(Code::MethodNotAllowed);
    assert_eq!(answer.headers["allow"], "POST");
}
