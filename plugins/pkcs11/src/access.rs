//! A token as one session reaches it: its objects, and what they say of themselves.

use anchorhold_sdk::{Error, ErrorKind};
use cryptoki::error::Error as ModuleError;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;

use crate::error::failed;
use crate::raw::Calls;
use crate::token::Token;

/// The most objects of one kind that are read of a token.
const OBJECTS_MAX: usize = 200_000;

/// A token as one session reaches it. No more is read of it than there is room for, whatever the
/// module says.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    pub(crate) calls: Calls,
    pub(crate) session: &'a Session,
    pub(crate) token: &'a Token,
}

impl Access<'_> {
    /// How messages name the token.
    pub(crate) fn name(&self) -> String {
        self.token.name()
    }

    /// An error of the module, in the middle of something with this token.
    pub(crate) fn failed(&self, error: &ModuleError) -> Error {
        failed(&self.name(), error)
    }

    /// What an object has of these attributes.
    pub(crate) fn attributes(
        &self,
        object: ObjectHandle,
        wanted: &[AttributeType],
    ) -> Result<Vec<Attribute>, Error> {
        self.calls
            .attributes(self.session, object, wanted)
            .map_err(|error| self.failed(&error))
    }

    /// Every object that fits.
    pub(crate) fn find(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>, Error> {
        self.try_find(template)
            .map_err(|error| self.failed(&error))?
    }

    /// Every object that fits, or too many of them; what the module answers is left to the caller.
    pub(crate) fn try_find(
        &self,
        template: &[Attribute],
    ) -> Result<Result<Vec<ObjectHandle>, Error>, ModuleError> {
        let found = self.calls.find(self.session, template, OBJECTS_MAX)?;
        if found.len() > OBJECTS_MAX {
            return Ok(Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "{} has more than {OBJECTS_MAX} objects of one kind",
                    self.name()
                ),
            )));
        }
        Ok(Ok(found))
    }
}
