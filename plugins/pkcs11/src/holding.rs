//! What a store has open: the module, a session with each token, and what was found on them.

use anchorhold_sdk::{Call, Error, Kind};
use cryptoki::context::Pkcs11;
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, SessionState};

use crate::access::Access;
use crate::entry::{Entry, Found};
use crate::error::{failed, is_lost, is_stale};
use crate::listing;
use crate::login;
use crate::module::module;
use crate::raw::Calls;
use crate::settings::Settings;
use crate::sign::Mechanisms;
use crate::token::{Token, tokens};

/// What a store has open, and what was found.
pub(crate) struct Holding {
    settings: Settings,
    module: Option<Pkcs11>,
    calls: Option<Calls>,
    open: Vec<Open>,
    found: Found,
    /// Whether `found` is what the tokens held when they were last listed.
    listed: bool,
    told: String,
}

/// A token with a session that is kept: a login lasts as long as there is one.
pub(crate) struct Open {
    pub(crate) token: Token,
    pub(crate) session: Session,
    mechanisms: Mechanisms,
}

/// A key that is to be used.
pub(crate) struct Key<'a> {
    pub(crate) access: Access<'a>,
    pub(crate) mechanisms: &'a Mechanisms,
    pub(crate) handle: ObjectHandle,
    pub(crate) entry: &'a Entry,
}

impl Holding {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            module: None,
            calls: None,
            open: Vec::new(),
            found: Found::default(),
            listed: false,
            told: String::new(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.listed
    }

    /// The tokens that there are now, each with a session.
    pub(crate) fn tokens(&mut self) -> Result<&[Open], Error> {
        let module = self.module()?;
        let present = match tokens(&module, &self.settings.wanted) {
            Ok(present) => present,
            Err(error) => {
                self.forget();
                return Err(error);
            }
        };
        let mut before = std::mem::take(&mut self.open);
        // A token may have been pulled out and put in again, which ends its sessions.
        before.retain(|open| {
            open.session.get_session_info().is_ok()
                && present.iter().any(|token| token.is(&open.token))
        });
        for token in present {
            let known = before.iter().position(|open| open.token.is(&token));
            let open = match known {
                Some(place) => Open {
                    token,
                    ..before.swap_remove(place)
                },
                None => {
                    // Handles that were found in another session are not those of this one.
                    self.listed = false;
                    let session = module
                        .open_ro_session(token.slot)
                        .map_err(|error| failed(&token.name(), &error))?;
                    Open {
                        token,
                        session,
                        mechanisms: Mechanisms::default(),
                    }
                }
            };
            self.open.push(open);
        }
        Ok(&self.open)
    }

    /// Lists the tokens anew.
    pub(crate) fn refresh(&mut self, call: &Call<'_>) -> Result<(), Error> {
        match self.refresh_once(call) {
            // A token that was pulled out and put in again, or a session that its module ended.
            Err(error) if is_lost(&error) && !self.open.is_empty() => {
                self.forget();
                self.refresh_once(call)
            }
            Err(error) if is_stale(&error) => {
                self.reopen();
                self.refresh_once(call)
            }
            done => done,
        }
    }

    fn refresh_once(&mut self, call: &Call<'_>) -> Result<(), Error> {
        call.check()?;
        self.listed = false;
        let (trust, login_always) = (self.settings.trust, self.settings.login_always);
        let mut found = Found::default();
        let calls = self.calls()?;
        for open in self.tokens()? {
            if login_always && open.hides_keys() {
                return Err(Error::locked(format!(
                    "{} is listed only once it is unlocked, as the setting login says",
                    open.token.name()
                )));
            }
            let access = open.access(calls);
            listing::read(&access, trust, call, &mut found)?;
        }
        self.found = found;
        self.listed = true;
        Ok(())
    }

    /// Logs the user in.
    pub(crate) fn unlock(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let open = match self.only("unlocked", Open::has_lock) {
            Err(error) if is_lost(&error) => {
                self.forget();
                self.only("unlocked", Open::has_lock)?
            }
            open => open?,
        };
        // One that asks nobody for anything is open already.
        if !open.has_lock() || open.is_logged_in() {
            return Ok(());
        }
        let unlocked = login::user(&open.session, &open.token, call);
        // It shows more from now on than was listed.
        self.listed = false;
        // The flags of the token tell how many attempts are left.
        self.look_again();
        unlocked
    }

    /// Logs out, and forgets every session with it.
    pub(crate) fn lock(&mut self) -> Result<(), Error> {
        let mut locked = Ok(());
        for open in self.open.iter().filter(|open| open.is_logged_in()) {
            let out = open.session.logout();
            locked = locked.and_then(|()| out.map_err(|error| failed(&open.token.name(), &error)));
        }
        // A login ends with the last session too, where the token does not end it.
        self.forget();
        locked
    }

    /// The token, where there is only one, or only one that this can be done to.
    pub(crate) fn only(
        &mut self,
        what: &str,
        can_be: impl Fn(&Open) -> bool,
    ) -> Result<&Open, Error> {
        let tokens = self.tokens()?;
        if let [only] = tokens {
            return Ok(only);
        }
        let fitting: Vec<_> = tokens.iter().filter(|open| can_be(open)).collect();
        if let [only] = fitting[..] {
            return Ok(only);
        }
        let names: Vec<_> = tokens.iter().map(|open| open.token.name()).collect();
        Err(Error::invalid_argument(format!(
            "which token is to be {what}? The module has {}: name one with the setting token or \
             serial",
            names.join(", ")
        )))
    }

    /// Ends the sessions with a token, as a security officer needs it, and every handle with them.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
        self.found = Found::default();
        self.listed = false;
    }

    /// Does something with a key, which is looked for anew where its session was lost.
    pub(crate) fn with_key<T>(
        &mut self,
        call: &Call<'_>,
        id: &[u8],
        make: impl Fn(&Pkcs11, &Key<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        call.check()?;
        let (module, calls) = (self.module()?, self.calls()?);
        if !self.listed || self.found.entry(id).is_none() {
            self.refresh(call)?;
        }
        let key = self.key(calls, id)?;
        let asks = key.entry.asks_each_use;
        match make(&module, &key) {
            // Nobody is asked twice in one call.
            Err(error) if is_lost(&error) && !asks => {
                self.forget();
                self.refresh(call)?;
                match self.key(calls, id) {
                    Ok(key) => make(&module, &key),
                    Err(hidden) => Err(Error::new(
                        hidden.kind(),
                        format!("{}; before that, {}", hidden.message(), error.message()),
                    )),
                }
            }
            Err(error) if is_stale(&error) && !asks => {
                self.reopen();
                self.refresh(call)?;
                make(&module, &self.key(calls, id)?)
            }
            made => {
                if asks {
                    // The flags of the token tell how many attempts are left.
                    self.look_again();
                }
                made
            }
        }
    }

    /// Opens other sessions in place of those that there are, each before the old one ends, so that
    /// whoever is logged in stays so, where the token has room for two.
    fn reopen(&mut self) {
        self.listed = false;
        let Some(module) = &self.module else { return };
        for open in &mut self.open {
            match module.open_ro_session(open.token.slot) {
                Ok(session) => open.session = session,
                Err(_) => return self.forget(),
            }
        }
    }

    fn key(&self, calls: Calls, id: &[u8]) -> Result<Key<'_>, Error> {
        let entry = self.found.entry(id);
        let entry = entry.filter(|entry| entry.kind == Kind::PrivateKey);
        let place = entry.and_then(|entry| {
            let (slot, handle) = *entry.places.first()?;
            let open = self.open.iter().find(|open| open.token.slot == slot)?;
            Some(Key {
                access: open.access(calls),
                mechanisms: &open.mechanisms,
                handle,
                entry,
            })
        });
        place.ok_or_else(|| {
            let hidden = self.open.iter().find(|open| open.hides_keys());
            match hidden {
                Some(open) => Error::locked(format!(
                    "{} shows its keys only once it is unlocked",
                    open.token.name()
                )),
                None => Error::not_found("no key of this id is on the token"),
            }
        })
    }

    /// The module.
    pub(crate) fn module(&mut self) -> Result<Pkcs11, Error> {
        if let Some(module) = &self.module {
            return Ok(module.clone());
        }
        let loaded = module(&self.settings.module, self.settings.reserved.as_ref())?;
        self.module = Some(loaded.clone());
        Ok(loaded)
    }

    /// Its calls that are made here and not by cryptoki.
    pub(crate) fn calls(&mut self) -> Result<Calls, Error> {
        self.module()?;
        let path = &self.settings.module;
        let calls = match self.calls {
            Some(calls) => calls,
            None => Calls::of(path)
                .map_err(|error| failed(&format!("the module {}", path.display()), &error))?,
        };
        Ok(*self.calls.insert(calls))
    }

    /// Reads again what each token says of itself; one that is gone keeps what it said.
    pub(crate) fn look_again(&mut self) {
        let Some(module) = &self.module else { return };
        for open in &mut self.open {
            if let Ok(info) = module.get_token_info(open.token.slot) {
                open.token.info = info;
            }
        }
    }

    pub(crate) fn attempts_left(&self) -> Option<u32> {
        self.open
            .iter()
            .filter_map(|open| open.token.attempts_left())
            .min()
    }

    /// Whether there is one token, which can be written to; not known where none is open.
    pub(crate) fn is_writable(&self) -> Option<bool> {
        match &self.open[..] {
            [] => None,
            several => Some(several.iter().filter(|open| open.is_writable()).count() == 1),
        }
    }

    /// Whether somebody has to log in before anything is written.
    pub(crate) fn asks_to_write(&self) -> bool {
        self.open.iter().any(Open::hides_keys)
    }

    /// What is worth knowing of the tokens though nothing is wrong.
    pub(crate) fn remark(&self) -> String {
        let locked = self
            .open
            .iter()
            .find(|open| open.token.info.user_pin_locked());
        let low = self.open.iter().find(|open| {
            let info = &open.token.info;
            info.user_pin_final_try() || info.user_pin_count_low()
        });
        match (locked, low, &self.open[..]) {
            (Some(open), ..) => format!("the PIN of {} is locked", open.token.name()),
            (None, Some(open), _) if open.token.info.user_pin_final_try() => {
                format!("one more wrong PIN locks {}", open.token.name())
            }
            (None, Some(open), _) => format!("a wrong PIN was given to {}", open.token.name()),
            (None, None, [_, _, ..]) if self.is_writable() == Some(false) => {
                format!("{} tokens, none of which is written to", self.open.len())
            }
            (None, None, [only]) if only.is_logged_in() => "unlocked".to_owned(),
            _ => String::new(),
        }
    }

    /// Whether this was not the last thing that was told.
    pub(crate) fn tell_once(&mut self, line: &str) -> bool {
        if self.told == line {
            return false;
        }
        line.clone_into(&mut self.told);
        true
    }
}

impl Open {
    fn access(&self, calls: Calls) -> Access<'_> {
        Access {
            calls,
            session: &self.session,
            token: &self.token,
        }
    }

    /// Whether the user is logged in, as the module says.
    pub(crate) fn is_logged_in(&self) -> bool {
        logged_in(&self.session)
    }

    /// Whether something on it is shown or done only for whoever has the PIN.
    fn has_lock(&self) -> bool {
        self.token.info.login_required()
    }

    /// Whether the token itself lets anything be written.
    pub(crate) fn is_writable(&self) -> bool {
        !self.token.info.write_protected()
    }

    fn hides_keys(&self) -> bool {
        self.has_lock() && !self.is_logged_in()
    }
}

/// Whether the user is logged in as far as a session shows it.
pub(crate) fn logged_in(session: &Session) -> bool {
    session.get_session_info().is_ok_and(|info| {
        matches!(
            info.session_state(),
            SessionState::RoUser | SessionState::RwUser
        )
    })
}
