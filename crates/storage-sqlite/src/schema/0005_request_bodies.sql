-- The body that a transformation made; null where it can be encoded again from the event.
ALTER TABLE attempts ADD COLUMN request_body BLOB;
