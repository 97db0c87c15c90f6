-- Where an attempt's time went, a JSON array (see attempts.rs); null for attempts made before.
ALTER TABLE attempts ADD COLUMN timings TEXT;
