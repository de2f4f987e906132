//! Who may open what: decisions as values, without I/O.
