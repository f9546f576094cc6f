//! The server as its users see it: real sockets, real SQLite, real HTTP.
mod api;
mod collecting;
mod fixture_worker;
mod guard;
mod hostile;
mod http;
mod killed;
mod schema;
