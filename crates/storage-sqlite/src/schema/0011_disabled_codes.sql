-- Why an endpoint is disabled, for programs and readers of other languages, beside the sentence; NULL from before.
ALTER TABLE endpoints ADD COLUMN disabled_code TEXT;
