//! Lists the built web app, so that it becomes part of the binary. Without one the list is empty and
//! the server says how to build it; `cargo build` never needs node.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let web = manifest.join("../../web");
    let built = web.join("dist");
    // Watching what does not exist would run this script at every build.
    let watched = [built.as_path(), web.as_path(), manifest.as_path()]
        .into_iter()
        .find(|path| path.exists());
    if let Some(watched) = watched {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if built.join("index.html").is_file() {
        collect(&built, &built, &mut files)?;
    }
    files.sort();
    let mut code = String::from("&[\n");
    for (name, path) in files.iter().filter(|(name, _)| !name.ends_with(".gz")) {
        let deflated = files
            .iter()
            .find(|(other, _)| other.strip_suffix(".gz") == Some(name));
        let deflated = deflated.map(|(_, path)| format!("Some(include_bytes!({path:?}))"));
        let deflated = deflated.unwrap_or_else(|| "None".to_owned());
        writeln!(
            code,
            "    Asset {{ path: {name:?}, bytes: include_bytes!({path:?}), gzip: {deflated} }},"
        )
        .map_err(io::Error::other)?;
    }
    code.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("assets.rs"), code)
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push((name.to_string_lossy().into_owned(), path.canonicalize()?));
        }
    }
    Ok(())
}
