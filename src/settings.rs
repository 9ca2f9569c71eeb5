//! The settings table: every flag, environment variable and configuration key.
