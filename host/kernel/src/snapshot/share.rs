//! Work on many items, shared by all processors.

use std::num::NonZero;
use std::thread;

/// What is made of each item, in their order.
pub(crate) fn in_shares<T: Sync, R: Send>(items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let make_all = |items: &[T]| items.iter().map(&make).collect::<Vec<_>>();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(processors).max(WORTH_A_THREAD);
    let Some((own, others)) = items.split_at_checked(share) else {
        return make_all(items);
    };
    thread::scope(|scope| {
        let work: Vec<_> = others
            .chunks(share)
            .map(|chunk| {
                let thread = thread::Builder::new();
                (chunk, thread.spawn_scoped(scope, || make_all(chunk)).ok())
            })
            .collect();
        let mut made = Vec::with_capacity(items.len());
        made.extend(own.iter().map(&make));
        for (chunk, thread) in work {
            let share = thread.and_then(|thread| thread.join().ok());
            // A thread that could not be had or not finish is no reason to do without its share.
            made.extend(share.unwrap_or_else(|| make_all(chunk)));
        }
        made
    })
}

/// So many items take about as long as starting a thread does, several times over.
pub(super) const WORTH_A_THREAD: usize = 2048;
