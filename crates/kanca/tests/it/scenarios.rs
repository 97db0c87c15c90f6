//! Drawing, publishing and testing scenarios through the API.

mod deleting;
mod drafts;
mod foreign;
mod versions;
