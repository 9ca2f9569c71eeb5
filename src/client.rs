//! A typed client for the API, over any transport: this process, a Unix socket or TCP.
