//! The endpoint without its thread, for `fuzz/`: bytes of a client in, bytes of the answer out.
//! Compiled there only.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use pyrometer_model::{Function, StackId, StackNode, UnixNanos, Worker};

use crate::endpoint::exchange;
use crate::observed::Observed;
use crate::options::Options;
use crate::shared::Shared;
use crate::tables::Interner;
use crate::windows::Windows;

/// Serves one connection whose client sends `request` in pieces of so many bytes and then waits.
pub fn serve(request: &[u8], piece: usize) -> Vec<u8> {
    let (mut client, server) = UnixStream::pair().expect("a pair of sockets");
    for stream in [&client, &server] {
        stream
            .set_nonblocking(true)
            .expect("a socket that does not block");
    }
    let shared = Shared::new(Worker::default(), Options::default(), observed());
    let mut answer = Vec::new();
    let mut pieces = request.chunks(piece.max(1));
    exchange(&shared, server, || {
        let more = pieces.next();
        if let Some(bytes) = more {
            // The server may have hung up already.
            let _ = client.write(bytes);
        }
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            answer.extend_from_slice(&buffer[..count]);
        }
        more.is_some()
    });
    answer
}

fn observed() -> Windows {
    let mut windows = Windows::new(UnixNanos(0));
    let function = windows.function(&Function::other());
    let stack = windows.stack(StackNode {
        parent: StackId::ROOT,
        function: function.expect("room"),
        line: 1,
    });
    let once = Observed {
        samples: 1,
        wall_ns: 1,
        cpu_ns: 1,
    };
    windows.add(stack.expect("room"), once);
    windows
}
