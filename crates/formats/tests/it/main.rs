//! Round trips and hostile input of the binary formats.
mod feed;
mod files;
