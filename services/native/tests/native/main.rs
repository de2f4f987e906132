//! A listener on a real port, with real clients in front and a scripted gateway behind.

#[cfg(test)]
mod gateway;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod real;

#[cfg(test)]
mod clients;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod manners;
#[cfg(test)]
mod psql;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod strangers;
