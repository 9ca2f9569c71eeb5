//! HTTP over the engine: Appwrite's dialect and Herald's extensions, authentication, the event stream.
