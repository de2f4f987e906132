//! The whole gateway, end to end, with real parts. In reading order.
