//! The web app, embedded. Files with a hash in their name never change, so browsers may keep them.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// A file of the built web app.
struct Asset {
    /// Path under the root, without a leading slash.
    path: &'static str,
    bytes: &'static [u8],
    /// The same, compressed at build time.
    gzip: Option<&'static [u8]>,
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Paths at which the app itself is served; it reads the rest from the URL.
const PAGES: [&str; 3] = ["/", "/explore", "/workers"];

/// Where the build puts files with a hash in their name.
const HASHED: &str = "assets/";

const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <title>pyrometer</title>\n<h1>pyrometer is serving</h1>\n\
    <p>This binary was built without the web app. To build it in, run:</p>\n<pre>make build</pre>\n\
    <p>The query API is there: <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a></p>\n</html>\n";

/// Answers what no other route does.
pub(crate) async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let is_page = PAGES.contains(&path);
    if is_page && ASSETS.is_empty() {
        return file(NOT_BUILT.as_bytes(), "text/html; charset=utf-8", "no-cache");
    }
    let name = if is_page {
        "index.html"
    } else {
        path.trim_start_matches('/')
    };
    let Some(asset) = ASSETS.iter().find(|asset| asset.path == name) else {
        return (StatusCode::NOT_FOUND, "there is nothing here\n").into_response();
    };
    let keep = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    match asset.gzip.filter(|_| accepts_gzip(accepted)) {
        None => file(asset.bytes, media_type(name), keep),
        Some(gzip) => {
            let mut response = file(gzip, media_type(name), keep);
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
                .headers_mut()
                .insert(header::VARY, HeaderValue::from_static("accept-encoding"));
            response
        }
    }
}

fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        coding.trim().eq_ignore_ascii_case("gzip")
            && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn file(bytes: &'static [u8], media_type: &'static str, keep: &'static str) -> Response {
    let mut response = Response::new(bytes.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for yes in ["gzip", "deflate, gzip;q=0.5", "GZIP, br"] {
            assert!(accepts_gzip(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "x-gzip-not"] {
            assert!(!accepts_gzip(no), "{no}");
        }
    }
}
