//! Native protocol listeners: a psql in, a session out.
