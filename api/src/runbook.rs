//! Runbooks: templates in a folder, which people fill in and run without writing a command.

pub(crate) mod folder;
pub(crate) mod template;
pub(crate) mod ticket;
pub(crate) mod within;
