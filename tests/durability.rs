//! Key databases of both kinds: what becomes of them under a crowd, after a death, on a full disk,
//! in odd places and where somebody altered them.

mod crowd;
mod death;
mod full;
mod place;
mod scene;
mod tamper;
