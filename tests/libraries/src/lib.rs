//! No code: the features of libraries, in `Cargo.toml`.
