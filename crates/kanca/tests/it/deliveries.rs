//! Events on their way to endpoints.

mod signed;
