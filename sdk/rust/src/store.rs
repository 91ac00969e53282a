//! A trust store, and the C functions that every one has.

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_call, ah_config, ah_error, ah_health, ah_host, ah_item_sink, ah_page, ah_status,
    ah_store, ah_store_ops,
};

use crate::call::Call;
use crate::config::Config;
use crate::error::Error;
use crate::guard::{self, Opened};
use crate::health::Health;
use crate::host::Host;
use crate::page::{Items, Page};

/// A store of trust items. One value per configured store.
///
/// Every method takes `&self`: `health` is called while another call runs, and a store that needs
/// to change itself keeps a lock of its own. Unless the plugin says otherwise (see
/// [`Threads`](crate::Threads)), the host makes one other call at a time.
///
/// A panic is caught and reported, and the store answers nothing from then on: the host closes it
/// and may open it again.
pub trait TrustStore: Send + Sync + Sized + 'static {
    /// Opens the store. Does not wait for a network, a device or a person: [`health`] tells how
    /// that goes. May be called several times, with different configurations.
    ///
    /// [`health`]: TrustStore::health
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error>;

    /// Answers from memory: never waits for a network, a device, a person, or a lock that another
    /// call holds meanwhile.
    fn health(&self) -> Health;

    /// Pushes one page into `items`. Never prompts: answers [`Error::locked`] instead.
    ///
    /// A store whose items have an order needs only [`Page::range`].
    fn list(&self, call: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error>;
}

/// The table of a store of type `T`.
pub(crate) struct StoreOps<T>(std::marker::PhantomData<T>);

impl<T: TrustStore> StoreOps<T> {
    pub(crate) const TABLE: &'static ah_store_ops = &ah_store_ops {
        struct_size: <ah_store_ops as Growing>::SIZE,
        reserved: 0,
        close: Some(close::<T>),
        health: Some(health::<T>),
        list: Some(list::<T>),
    };
}

/// `ah_plugin.open`.
///
/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `host` until close returns.
pub(crate) unsafe extern "C" fn open<T: TrustStore>(
    host: *const ah_host,
    config: *const ah_config,
    out: *mut *mut ah_store,
    err: *mut ah_error,
) -> ah_status {
    let opened = if out.is_null() {
        Err(Error::invalid_argument(
            "open without a place for the store",
        ))
    } else {
        // SAFETY: R3: not NULL, and lent for this call.
        unsafe { out.write(std::ptr::null_mut()) };
        // SAFETY: R1, R3, as promised by the caller.
        unsafe { make::<T>(host, config) }
    };
    let result = opened.map(|opened| {
        // SAFETY: R3: not NULL, or nothing would have been opened; the box ends in `close`.
        unsafe { out.write(Box::into_raw(Box::new(opened)).cast::<ah_store>()) };
    });
    // SAFETY: R1, R3, as promised by the caller.
    unsafe { guard::answer(result, err) }
}

/// # Safety
///
/// As for [`open`].
unsafe fn make<T: TrustStore>(
    host: *const ah_host,
    config: *const ah_config,
) -> Result<Opened<T>, Error> {
    // SAFETY: R1, R3: the host lives until close returns, which retires the link; where nothing is
    // opened, the link is retired below.
    let host = unsafe { Host::adopt(host) }?;
    // SAFETY: R1, R3: the configuration is lent for the call, and `T` cannot keep it.
    let config = unsafe { Config::adopt(config) };
    let opened = config.and_then(|config| {
        guard::contain(|| T::open(host.clone(), &config))
            .unwrap_or_else(|panic| Err(panic.report(&host, "open")))
    });
    if opened.is_err() {
        host.retire();
    }
    opened.map(|store| Opened::new(store, host))
}

/// # Safety
///
/// R3: `store` is NULL or came out of `open` of the same `T`; it is not used afterwards.
unsafe extern "C" fn close<T: TrustStore>(store: *mut ah_store) {
    if store.is_null() {
        return;
    }
    // SAFETY: R3: `open` made the box, and close is the last call on it.
    let Opened { store, host, .. } = *unsafe { Box::from_raw(store.cast::<Opened<T>>()) };
    if let Err(panic) = guard::contain(|| drop(store)) {
        let _nobody_is_left_to_tell = panic.report(&host, "close");
    }
    host.retire();
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn health<T: TrustStore>(
    store: *mut ah_store,
    _call: *const ah_call,
    out: *mut ah_health,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &Opened<T>| {
        let health = opened.store.health().lower();
        // SAFETY: R1, R3, as promised by the caller.
        if unsafe { abi::write(out, &health) } {
            return Ok(());
        }
        Err(Error::invalid_argument(
            "health without ah_health, or with a short one",
        ))
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "health", run) }
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn list<T: TrustStore>(
    store: *mut ah_store,
    call: *const ah_call,
    page: *mut ah_page,
    sink: *const ah_item_sink,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &Opened<T>| {
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        // SAFETY: R1, R3, as above.
        let mut copy = unsafe { abi::read(page) }.ok_or_else(|| {
            Error::invalid_argument("a listing without ah_page, or with a short one")
        })?;
        let mut view = Page::adopt(&copy)?;
        // SAFETY: R1, R3, R7: lent for this call, on this thread.
        let mut items = unsafe { Items::adopt(sink, view.limit()) }?;
        let listed = opened.store.list(&call, &mut view, &mut items);
        items.verdict()?;
        listed?;
        view.lower(&mut copy);
        // SAFETY: R1, R3: read from it above.
        let _written = unsafe { abi::write(page, &copy) };
        Ok(())
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "list", run) }
}
