//! The Store trait in the domain's words, and its embedded implementation on redb.
