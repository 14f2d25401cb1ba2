//! The stories live in `acceptance.rs`; this file only makes the package.
