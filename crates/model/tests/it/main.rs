//! Laws of the call tree, over hand-drawn and generated trees.
mod drawing;
mod tree;
