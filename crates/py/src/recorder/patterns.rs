//! Patterns of function names: `*` and `?`, as in a shell.

/// `*` and `?` patterns, against the qualified name or its last part.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    glob(pattern.as_bytes(), name.as_bytes()) || glob(pattern.as_bytes(), last.as_bytes())
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    // The classic two-pointer match: linear but for the last star.
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    at = star_at + 1;
                    place = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}
