//! How much C stack the calling thread has.

use std::mem::MaybeUninit;

/// Address below which the calling thread has used half of its C stack; 0 where that is not known.
pub(super) fn floor() -> usize {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are filled in before they are read, and destroyed after.
    let found = unsafe {
        libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) == 0 && {
            let found = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            found == 0
        }
    };
    if found { lowest.addr() + size / 2 } else { 0 }
}
