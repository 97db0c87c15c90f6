-- When a delivery that is held may start at the earliest: the first delay of its schedule, should it be promoted sooner.
-- NULL where that is at once, and from before.
ALTER TABLE deliveries ADD COLUMN not_before INTEGER;
