//! Who may ask.

use pyrometer_server::{Config, ServeError, Server};

use crate::http::{Running, get};

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let base = tempfile::tempdir().unwrap();
    let mut config = Config::new(base.path());
    config.token = Some("s3cret".into());
    let server = Running::start(config);
    let with = |header: &str| {
        get(
            server.address,
            "/api/v1/profile_types",
            &[("Authorization", header)],
        )
        .status
    };
    assert_eq!(with("Bearer s3cret"), 200);
    for wrong in [
        "Bearer s3cre",
        "Bearer s3cret2",
        "s3cret",
        "Basic s3cret",
        "Bearer ",
    ] {
        assert_eq!(with(wrong), 401, "{wrong}");
    }
    for path in ["/api/v1/workers", "/api/v1/openapi.json", "/api/v1/nothing"] {
        let refused = server.get(path);
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (401, Some("Bearer")),
            "{path}"
        );
    }
    for open in ["/healthz", "/readyz", "/"] {
        assert_eq!(server.get(open).status, 200, "{open}");
    }
}

#[test]
fn foreign_host_names_are_refused_on_loopback() {
    let base = tempfile::tempdir().unwrap();
    let server = Running::start(Config::new(base.path()));
    let with = |host: &str| get(server.address, "/api/v1/profile_types", &[("Host", host)]).status;
    assert_eq!(with(&server.address.to_string()), 200);
    assert_eq!(with("evil.example:7788"), 403);
    let answer = get(server.address, "/", &[("Host", "evil.example")]);
    assert_eq!(answer.json()["error"]["code"], "foreign_host");
}

#[test]
fn every_answer_carries_the_headers() {
    let base = tempfile::tempdir().unwrap();
    let server = Running::start(Config::new(base.path()));
    for path in ["/", "/explore", "/api/v1/workers", "/nowhere", "/healthz"] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; img-src"),
            "{policy}"
        );
        assert!(
            policy.ends_with("require-trusted-types-for 'script'") && !policy.contains("  "),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    assert_eq!(server.get("/nowhere").status, 404);
    assert_eq!(server.get("/healthz").text(), "ok");
    let page = server.get("/workers");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn listening_for_others_needs_protection() {
    let base = tempfile::tempdir().unwrap();
    let mut config = Config::new(base.path());
    config.listen = ([0, 0, 0, 0], 0).into();
    let error = Server::bind(config.clone()).await.unwrap_err();
    assert!(matches!(error, ServeError::Unprotected(_)), "{error}");
    assert!(error.hint().unwrap().contains("token"));
    config.token = Some(String::new());
    let error = Server::bind(config.clone()).await.unwrap_err();
    assert!(
        matches!(error, ServeError::Unprotected(_)),
        "an empty token is none: {error}"
    );
    config.insecure = true;
    let first = Server::bind(config.clone()).await.unwrap();
    let error = Server::bind(config).await.unwrap_err();
    assert!(error.to_string().contains("in use by another process"), "{error}");
    assert!(error.hint().unwrap().contains("--data"));
    drop(first);
}
